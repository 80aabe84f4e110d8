package transform

import (
	"slices"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
)

const (
	dropHeadersDoc  = "Removes headers by name."
	insertHeaderDoc = "Adds a header with a fixed value."
)

// dropHeaders is DropHeaders.
type dropHeaders struct{ headers []string }

// Define implements config.Definer.
func (t *dropHeaders) Define(d *config.Def) {
	d.List(&t.headers, "headers", nil, "Names of the headers to remove.", config.Required(),
		config.Check(config.Unique(false, false)), config.High)
}

// Apply implements connect.Transform.
func (t *dropHeaders) Apply(r *connect.Record) (bool, error) {
	if slices.ContainsFunc(r.Headers, t.drops) {
		kept := make([]connect.Header, 0, len(r.Headers)-1)
		for _, h := range r.Headers {
			if !t.drops(h) {
				kept = append(kept, h)
			}
		}
		r.Headers = kept
	}
	return true, nil
}

func (t *dropHeaders) drops(h connect.Header) bool { return slices.Contains(t.headers, h.Key) }

// insertHeader is InsertHeader.
type insertHeader struct {
	header, literal string
	datum           connect.Datum
}

// Define implements config.Definer.
func (t *insertHeader) Define(d *config.Def) {
	d.String(&t.header, "header", "", "Name of the header.", config.Required(), config.Check(config.NonNull()), config.High)
	d.String(&t.literal, "value.literal", "", "The value as text, whose type is guessed as for headers read from Kafka.",
		config.Required(), config.Check(config.NonNull()), config.High)
}

// Validate implements connect.Validator.
func (t *insertHeader) Validate() error {
	t.datum = convert.ParseText(t.literal)
	return nil
}

// Apply implements connect.Transform.
func (t *insertHeader) Apply(r *connect.Record) (bool, error) {
	all := make([]connect.Header, len(r.Headers)+1)
	all[copy(all, r.Headers)] = connect.Header{Key: t.header, Value: t.datum}
	r.Headers = all
	return true, nil
}
