package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
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
	// draftSuffix ends the names of drafts that are objects of the staging folder, see [DraftName].
	draftSuffix = ".draft"
)

// DraftName is a fresh name in a staging folder for the draft of a file. It tells whose ledger may name it, so that ticks
// find drafts of killed attempts.
func DraftName(staging string, f *File) string {
	return fmt.Sprintf("%s%s+%s+%d%s", staging, nonce(), f.Origin.Topic, f.Origin.Partition, draftSuffix)
}

// originOf reads the name of a draft.
func originOf(name string) (at connect.TopicPartition, ok bool) {
	text, ok := strings.CutSuffix(path.Base(name), draftSuffix)
	if !ok {
		return at, false
	}
	_, text, _ = strings.Cut(text, "+")
	i := strings.LastIndexByte(text, '+')
	if i < 0 {
		return at, false
	}
	partition, err := strconv.ParseInt(text[i+1:], 10, 32)
	return connect.TopicPartition{Topic: text[:i], Partition: int32(partition)}, err == nil
}

// sweep removes what killed attempts left behind: pieces that no ledger of lanes names, and drafts that their ledgers do
// not name.
func (s *Sink) sweep(ctx context.Context, lanes []connect.TopicPartition) error {
	if s.Leftovers == nil || s.now().Sub(s.swept) < sweepEvery {
		return nil
	}
	s.swept = s.now()
	pieces, drafts, err := s.leftovers(ctx)
	if err != nil {
		return fmt.Errorf("looking for what killed attempts left behind: %w", err)
	}
	// The ledgers are read after the list: what one of them names now was there before.
	if len(pieces) == 0 {
		lanes = nil
	}
	orphans := slices.Concat(pieces, slices.Concat(slices.Collect(maps.Values(drafts))...))
	for _, at := range slices.AppendSeq(lanes, maps.Keys(drafts)) {
		book, _, err := (books{state: s.State, staging: s.Store}).read(ctx, at.Topic, at.Partition)
		if err != nil {
			return err
		}
		orphans = slices.DeleteFunc(orphans, book.names)
	}
	if err := s.Store.Remove(ctx, orphans...); err != nil {
		return fmt.Errorf("removing what killed attempts left behind: %w", err)
	}
	if len(orphans) > 0 {
		s.Log.Info("removed what killed attempts left behind", "objects", len(orphans))
	}
	return nil
}

// leftovers lists old pieces, and old drafts by whose ledgers may name them.
func (s *Sink) leftovers(ctx context.Context) (pieces []string, drafts map[connect.TopicPartition][]string, err error) {
	drafts = map[connect.TopicPartition][]string{}
	walk := s.Leftovers.Walk(s.Staging)
	for {
		e, err := walk.Next(ctx)
		if errors.Is(err, io.EOF) {
			return pieces, drafts, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if s.now().Sub(e.Modified) <= orphaned {
			continue
		}
		if at, ok := originOf(e.Name); ok {
			drafts[at] = append(drafts[at], e.Name)
		} else if strings.HasSuffix(e.Name, pieceSuffix) {
			pieces = append(pieces, e.Name)
		}
	}
}

// names tells whether the ledger needs an object of the staging folder.
func (l *ledger) names(object string) bool {
	for _, c := range l.Closing {
		if strings.Contains(c.Handle, path.Base(object)) {
			return true
		}
	}
	return l.Open != nil && slices.ContainsFunc(l.Open.Pieces, func(p piece) bool { return p.Name == object })
}
