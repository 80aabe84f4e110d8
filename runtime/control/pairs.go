package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// pair is one of Connect's ConnectorOffsets.
type pair struct {
	Partition json.RawMessage `json:"partition"`
	Offset    json.RawMessage `json:"offset"`
}

// removes tells whether the pair takes its partition's offset away.
func (p pair) removes() bool { return isNull(p.Offset) }

const pairClass = "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset"

// readPairs reads offsets, of which there must be some. Of several for a partition the last counts.
func readPairs(raw json.RawMessage) ([]pair, error) {
	var list []json.RawMessage
	if !isNull(raw) {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, otherKind(raw, "java.util.ArrayList", "<"+pairClass+">")
		}
	}
	if len(list) == 0 {
		return nil, fail(http.StatusBadRequest, "Partitions / offsets need to be provided for an alter offsets request")
	}
	var pairs []pair
	at := map[string]int{}
	for _, raw := range list {
		p, err := readPair(raw)
		if err != nil {
			return nil, err
		}
		name, err := sorted(p.Partition)
		if err != nil {
			return nil, err
		}
		if i, again := at[name]; again {
			pairs[i] = p
			continue
		}
		at[name] = len(pairs)
		pairs = append(pairs, p)
	}
	return pairs, nil
}

func readPair(raw json.RawMessage) (pair, error) {
	if isNull(raw) {
		return pair{}, errors.New("reading the offsets: one of them is null")
	}
	all, err := members(raw, pairClass, "partition", "offset")
	if err != nil {
		return pair{}, err
	}
	p := pair{Partition: all["partition"], Offset: all["offset"]}
	for _, raw := range []json.RawMessage{p.Partition, p.Offset} {
		if !isNull(raw) && bytes.TrimSpace(raw)[0] != '{' {
			return pair{}, otherKind(raw, "java.util.LinkedHashMap", "<java.lang.String,java.lang.Object>")
		}
	}
	return p, nil
}

// sorted is JSON with the members of its objects in order, so that what is equal reads equal.
func sorted(raw json.RawMessage) (string, error) {
	if isNull(raw) {
		return "", nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return "", fmt.Errorf("reading the offsets: %w", err)
	}
	text, err := marshal(value)
	return string(text), err
}

// mustBePrimitive refuses what no source partition or position may hold, in Connect's words.
func mustBePrimitive(raw json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("reading the offsets: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text := string(bytes.TrimSpace(fields[name]))
		kind := ""
		switch text[0] {
		case '[':
			kind = "ARRAY"
		case '{':
			kind = "MAP"
		default:
			if _, err := strconv.ParseInt(text, 10, 64); errors.Is(err, strconv.ErrRange) {
				kind = "class java.math.BigInteger"
			}
		}
		if kind != "" {
			return fmt.Errorf("Offsets may only contain primitive types as values, but field %s contains %s", name, kind) //nolint:staticcheck // Connect's own words
		}
	}
	return nil
}
