package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

const (
	// sweepEvery is how often a process looks for pieces that nobody needs.
	sweepEvery = 6 * time.Hour
	// orphaned is how old they must be. No attempt takes as long, so that nobody is about to name them in a ledger.
	orphaned = 24 * time.Hour
	// pieceSuffix ends the names of pieces. Others in the staging folder are left alone: only a ledger of open files names pieces,
	// and the index lists every partition that has one.
	pieceSuffix = ".piece"
)

// sweep removes pieces that killed attempts left behind: those that no ledger of lanes names.
func (s *Sink) sweep(ctx context.Context, lanes []connect.TopicPartition) error {
	if s.Leftovers == nil || s.now().Sub(s.swept) < sweepEvery {
		return nil
	}
	s.swept = s.now()
	var old []string
	walk := s.Leftovers.Walk(s.Staging)
	for {
		e, err := walk.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("looking for what killed attempts left behind: %w", err)
		}
		if strings.HasSuffix(e.Name, pieceSuffix) && s.now().Sub(e.Modified) > orphaned {
			old = append(old, e.Name)
		}
	}
	if len(old) == 0 {
		return nil
	}
	// The ledgers are read after the list: what one of them names now was there before.
	needed := map[string]bool{}
	for _, at := range lanes {
		book, _, err := (books{state: s.State, staging: s.Store}).read(ctx, at.Topic, at.Partition)
		if err != nil {
			return err
		}
		if book.Open != nil {
			for _, p := range book.Open.Pieces {
				needed[p.Name] = true
			}
		}
	}
	var orphans []string
	for _, name := range old {
		if !needed[name] {
			orphans = append(orphans, name)
		}
	}
	if err := s.Store.Remove(ctx, orphans...); err != nil {
		return fmt.Errorf("removing what killed attempts left behind: %w", err)
	}
	if len(orphans) > 0 {
		s.Log.Info("removed what killed attempts left behind", "pieces", len(orphans))
	}
	return nil
}
