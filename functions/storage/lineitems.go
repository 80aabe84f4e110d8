package storage

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// textReading reads formats of text that can be cut into records: lines, elements of a JSON array, blocks of bytes.
type textReading struct {
	// extension is that of the files, without the one of the compression; "" takes every file.
	extension string
	// codec is how files are compressed: "" says that their names tell.
	codec string
	split splitFunc
	// item makes a record of what was cut out. The bytes are its own. ok is false if it is none, such as an empty line.
	item func(ctx context.Context, text []byte) (item Item, ok bool, err error)
}

// splitFunc cuts off what data begins with: it takes n bytes, of which text is the record; none if n is 0, when more
// bytes are wanted. at is how many bytes lie before data. torn says that only the end of the file ended the record.
type splitFunc func(data []byte, at int64, last bool) (n int, text []byte, torn bool, err error)

// Takes implements Reading.
func (t *textReading) Takes(name string) bool {
	return t.extension == "" || strings.HasSuffix(withoutCodec(name), t.extension)
}

// codecByName is the compression that a name ends with.
func codecByName(name string) string {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return "gzip"
	case strings.HasSuffix(name, ".snappy"):
		return "snappy"
	case strings.HasSuffix(name, ".zst"), strings.HasSuffix(name, ".zstd"):
		return "zstd"
	}
	return "none"
}

func withoutCodec(name string) string {
	if codecByName(name) == "none" {
		return name
	}
	return name[:strings.LastIndexByte(name, '.')]
}

// Open implements Reading. Offsets count bytes of text.
func (t *textReading) Open(ctx context.Context, c *Content, offset int64) (Items, error) {
	codec := &Codec{Name: t.codec}
	if codec.Name == "" {
		codec.Name = codecByName(c.Entry.Name)
	}
	items := &textItems{reading: t, ctx: ctx, at: offset}
	if !codec.On() {
		r, err := c.From(ctx, offset)
		items.file, items.text = r, r
		return items, err
	}
	file, err := c.From(ctx, 0)
	if err != nil {
		return nil, err
	}
	text, err := codec.Reader(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("decompressing %s: %w", c.Entry.Name, err), file.Close())
	}
	items.file, items.text, items.unpacking = file, text, text
	if _, err := io.CopyN(io.Discard, text, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("going to byte %d of the text of %s: %w", offset, c.Entry.Name, err), items.Close())
	}
	return items, nil
}

// textItems are the records of a text.
type textItems struct {
	reading   *textReading
	ctx       context.Context //nolint:containedctx // that of Open
	file      io.ReadCloser
	text      io.Reader
	unpacking io.Closer
	at        int64 // where data begins

	// data is what was read and not yet taken. Records keep parts of it, so that room is used once only.
	data, room []byte
	ended      bool
}

const (
	textRoom = 256 << 10
	// mostItem is the longest record that is believed in.
	mostItem = 256 << 20
)

// Next implements Items.
func (t *textItems) Next() (Item, error) {
	for {
		if len(t.data) > 0 || t.ended {
			n, text, torn, err := t.reading.split(t.data, t.at, t.ended)
			if err != nil {
				return Item{}, fmt.Errorf("at byte %d of the text: %w", t.at, err)
			}
			if n > 0 {
				t.data, t.at = t.data[n:], t.at+int64(n)
				if text == nil {
					continue
				}
				item, ok, err := t.reading.item(t.ctx, text)
				if err != nil {
					return Item{}, &BadItem{Offset: t.at, Err: err}
				}
				if !ok {
					continue
				}
				item.Offset, item.Torn = t.at, torn
				return item, nil
			}
			if t.ended {
				return Item{}, io.EOF
			}
		}
		if err := t.fill(); err != nil {
			return Item{}, err
		}
	}
}

// fill reads more behind data.
func (t *textItems) fill() error {
	if len(t.room) == 0 {
		if len(t.data) > mostItem {
			return fmt.Errorf("at byte %d of the text: a record of more than %d bytes", t.at, mostItem)
		}
		fresh := make([]byte, max(textRoom, 2*len(t.data)))
		n := copy(fresh, t.data)
		t.data, t.room = fresh[:n], fresh[n:]
	}
	n, err := t.text.Read(t.room)
	t.data, t.room = t.data[:len(t.data)+n], t.room[n:]
	if errors.Is(err, io.EOF) {
		t.ended = true
		return nil
	}
	return err
}

// Close implements Items.
func (t *textItems) Close() error {
	var err error
	if t.unpacking != nil {
		err = t.unpacking.Close()
	}
	return errors.Join(err, t.file.Close())
}

// splitBy cuts text at a separator.
func splitBy(separator string) splitFunc {
	sep := []byte(separator)
	return func(data []byte, _ int64, last bool) (int, []byte, bool, error) {
		if i := bytes.Index(data, sep); i >= 0 {
			return i + len(sep), data[:i:i], false, nil
		}
		if last && len(data) > 0 {
			return len(data), slices.Clip(data), true, nil
		}
		return 0, nil, false, nil
	}
}

// splitBlocks cuts bytes into blocks of a size.
func splitBlocks(size int) splitFunc {
	return func(data []byte, _ int64, last bool) (int, []byte, bool, error) {
		if len(data) >= size || last && len(data) > 0 {
			n := min(size, len(data))
			return n, data[:n:n], false, nil
		}
		return 0, nil, false, nil
	}
}

// splitJSON cuts out the elements of an array, or values that follow each other.
func splitJSON(data []byte, at int64, last bool) (n int, text []byte, torn bool, err error) {
	i := 0
	for ; i < len(data); i++ {
		switch c := data[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ']':
		case c == '[' && at == 0 && len(bytes.TrimSpace(data[:i])) == 0:
		default:
			end := jsonEnd(data[i:], last)
			if end == 0 {
				if last {
					return 0, nil, false, fmt.Errorf("a JSON value has no end: %w", io.ErrUnexpectedEOF)
				}
				return 0, nil, false, nil
			}
			return i + end, data[i : i+end : i+end], false, nil
		}
	}
	if !last && at == 0 {
		return 0, nil, false, nil // whether it is an array is known with its first byte that is no blank
	}
	return i, nil, false, nil
}

// jsonEnd is the length of the value that data begins with, 0 if its end is not there.
func jsonEnd(data []byte, last bool) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 { // of the array around a number
				return i
			}
		case depth == 0 && (c == ',' || c == '\n' || c == ' ' || c == '\t' || c == '\r'):
			return i
		}
	}
	if last && depth == 0 && !quoted {
		return len(data)
	}
	return 0
}

// jsonItem makes a record of JSON without a schema.
func jsonItem(c connect.Converter) func(ctx context.Context, text []byte) (Item, bool, error) {
	return func(ctx context.Context, text []byte) (Item, bool, error) {
		if text = bytes.TrimSpace(text); len(text) == 0 {
			return Item{}, false, nil
		}
		value, err := c.Decode(ctx, "", text)
		return Item{Value: value}, true, err
	}
}

// bytesItem makes a record of bytes as they are.
func bytesItem(s *schema.Schema) func(ctx context.Context, text []byte) (Item, bool, error) {
	return func(_ context.Context, text []byte) (Item, bool, error) {
		return Item{Value: connect.Datum{Schema: s, Value: text}}, true, nil
	}
}

// The schemas of values that are texts and bytes.
var (
	textSchema  = schema.Of(schema.String)
	bytesSchema = schema.Of(schema.Bytes)
)

// stringItem makes a record of a text.
func stringItem(_ context.Context, text []byte) (Item, bool, error) {
	return Item{Value: connect.Datum{Schema: textSchema, Value: string(text)}}, true, nil
}

// csvItem reads what Aiven's sink writes as csv: fields of a record in base64.
func csvItem(fields []string, plain bool) func(ctx context.Context, text []byte) (Item, bool, error) {
	return func(_ context.Context, text []byte) (Item, bool, error) {
		var item Item
		if len(text) == 0 && len(fields) > 1 {
			return item, false, nil
		}
		for i, field := range fields {
			column := text
			if i < len(fields)-1 {
				var found bool
				if column, text, found = bytes.Cut(text, []byte{','}); !found {
					return item, false, fmt.Errorf("a line has %d columns, and format.output.fields names %d", i+1, len(fields))
				}
			} else if i > 0 && field != fieldValue && bytes.IndexByte(column, ',') >= 0 {
				return item, false, fmt.Errorf("a line has more columns than the %d that format.output.fields names", len(fields))
			}
			if err := readColumn(&item, field, column, plain); err != nil {
				return item, false, fmt.Errorf("reading the column %s: %w", field, err)
			}
		}
		return item, true, nil
	}
}

func readColumn(item *Item, field string, column []byte, plain bool) (err error) {
	if len(column) == 0 {
		return nil
	}
	switch field {
	case fieldKey:
		item.Key, err = fromBase64(column)
	case fieldValue:
		if plain {
			item.Value = connect.Datum{Schema: bytesSchema, Value: column}
			return nil
		}
		item.Value, err = fromBase64(column)
	case fieldTimestamp:
		item.Time, err = time.Parse(time.RFC3339Nano, string(column))
	case fieldHeaders:
		for pair := range bytes.SplitSeq(bytes.TrimSuffix(column, []byte{';'}), []byte{';'}) {
			name, value, found := bytes.Cut(pair, []byte{':'})
			if !found {
				return errors.New("a header has no value")
			}
			key, err := fromBase64(name)
			if err != nil {
				return err
			}
			header, err := fromBase64(value)
			if err != nil {
				return err
			}
			item.Headers = append(item.Headers, connect.Header{Key: string(key.Value.([]byte)), Value: header}) //nolint:forcetypeassert // made there
		}
	}
	return err
}

func fromBase64(text []byte) (connect.Datum, error) {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	return connect.Datum{Schema: bytesSchema, Value: b}, err
}
