package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// client is a Port to a registry with Confluent's REST API.
type client struct {
	memory
	sr        *sr.Client
	latestTTL time.Duration // negative: for ever
}

// wireSchema is a schema as the API has it.
type wireSchema struct {
	Subject    string      `json:"subject,omitempty"`
	Version    int         `json:"version,omitempty"`
	ID         int         `json:"id,omitempty"`
	GUID       string      `json:"guid,omitempty"`
	SchemaType string      `json:"schemaType,omitempty"`
	Schema     string      `json:"schema"`
	References []Reference `json:"references,omitempty"`
}

func toWire(s Schema) wireSchema {
	w := wireSchema{SchemaType: s.Type, Schema: s.Text, References: s.References}
	if w.SchemaType == AvroType {
		w.SchemaType = "" // old registries know nothing else
	}
	return w
}

// fromWire makes a Registered of an answer, with what it refers to.
func (c *client) fromWire(ctx context.Context, w wireSchema) (Registered, error) {
	r := Registered{
		Schema: Schema{Type: w.SchemaType, Text: w.Schema, References: w.References},
		ID:     w.ID, Version: w.Version, GUID: w.GUID,
	}
	if r.Type == "" {
		r.Type = AvroType
	}
	var err error
	r.Referenced, err = c.referenced(ctx, w.References, 0)
	return r, err
}

// deepestReference is how many steps references may lead.
const deepestReference = 100

func (c *client) referenced(ctx context.Context, refs []Reference, depth int) ([]Referenced, error) {
	if depth > deepestReference {
		return nil, &RefusedError{Status: http.StatusUnprocessableEntity, Code: 42201, Message: "the references of a schema lead to itself"}
	}
	var all []Referenced
	for _, ref := range refs {
		path := "/subjects/" + url.PathEscape(ref.Subject) + "/versions/" + strconv.Itoa(ref.Version)
		r, err := c.remembered(ctx, path, -1, func() (Registered, error) {
			var w wireSchema
			if err := c.do(ctx, http.MethodGet, path, nil, &w, url.Values{"deleted": {"true"}}); err != nil {
				return Registered{}, err
			}
			return Registered{Schema: Schema{Type: w.SchemaType, Text: w.Schema, References: w.References}}, nil
		})
		if err != nil {
			return nil, fmt.Errorf("looking up the reference %s, version %d of %s: %w", ref.Name, ref.Version, ref.Subject, err)
		}
		inner, err := c.referenced(ctx, r.References, depth+1)
		if err != nil {
			return nil, err
		}
		for _, found := range append(inner, Referenced{ref.Name, r.Text}) {
			if !slices.Contains(all, found) {
				all = append(all, found)
			}
		}
	}
	return all, nil
}

func (c *client) do(ctx context.Context, method, path string, in, out any, params url.Values) error {
	if len(params) > 0 {
		ctx = sr.WithParams(ctx, sr.RawParams(params))
	}
	return answered(ctx, c.sr.Do(ctx, method, path, in, out))
}

// ByID implements Port.
func (c *client) ByID(ctx context.Context, id int, subject string) (Registered, error) {
	path := "/schemas/ids/" + strconv.Itoa(id)
	params := url.Values{"fetchMaxId": {"false"}}
	if subject != "" {
		params.Set("subject", subject)
	}
	return c.remembered(ctx, path+"?"+subject, -1, func() (Registered, error) {
		var w wireSchema
		if err := c.do(ctx, http.MethodGet, path, nil, &w, params); err != nil {
			return Registered{}, err
		}
		w.ID, w.Version = id, 0
		return c.fromWire(ctx, w)
	})
}

// ByGUID implements Port.
func (c *client) ByGUID(ctx context.Context, guid string) (Registered, error) {
	path := "/schemas/guids/" + guid
	return c.remembered(ctx, path, -1, func() (Registered, error) {
		var w wireSchema
		if err := c.do(ctx, http.MethodGet, path, nil, &w, nil); err != nil {
			return Registered{}, err
		}
		w.GUID, w.Version = guid, 0
		return c.fromWire(ctx, w)
	})
}

// content is a key for a schema under a subject.
func content(verb, subject string, s Schema, normalize bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\x00%s\x00%v\x00%s", verb, subject, s.Type, normalize, s.Text)
	for _, ref := range s.References {
		fmt.Fprintf(&b, "\x00%s\x00%s\x00%d", ref.Name, ref.Subject, ref.Version)
	}
	return b.String()
}

func normalizing(normalize bool) url.Values {
	if normalize {
		return url.Values{"normalize": {"true"}}
	}
	return nil
}

// Register implements Port.
func (c *client) Register(ctx context.Context, subject string, s Schema, normalize bool) (Registered, error) {
	path := "/subjects/" + url.PathEscape(subject) + "/versions"
	r, err := c.remembered(ctx, content("register", subject, s, normalize), -1, func() (Registered, error) {
		var w wireSchema
		if err := c.do(ctx, http.MethodPost, path, toWire(s), &w, normalizing(normalize)); err != nil {
			return Registered{}, err
		}
		return Registered{Schema: s, ID: w.ID, Version: w.Version, GUID: w.GUID}, nil
	})
	if err == nil {
		c.forget(content("lookup", subject, s, normalize))
	}
	return r, err
}

// Lookup implements Port.
func (c *client) Lookup(ctx context.Context, subject string, s Schema, normalize bool) (Registered, error) {
	path := "/subjects/" + url.PathEscape(subject)
	return c.remembered(ctx, content("lookup", subject, s, normalize), -1, func() (Registered, error) {
		var w wireSchema
		params := normalizing(normalize)
		if params == nil {
			params = url.Values{}
		}
		params.Set("deleted", "true") // a schema that was deleted since still has its version
		if err := c.do(ctx, http.MethodPost, path, toWire(s), &w, params); err != nil {
			return Registered{}, err
		}
		return Registered{Schema: s, ID: w.ID, Version: w.Version, GUID: w.GUID}, nil
	})
}

// Latest implements Port.
func (c *client) Latest(ctx context.Context, subject string) (Registered, error) {
	path := "/subjects/" + url.PathEscape(subject) + "/versions/latest"
	return c.remembered(ctx, path, c.latestTTL, func() (Registered, error) {
		var w wireSchema
		if err := c.do(ctx, http.MethodGet, path, nil, &w, nil); err != nil {
			return Registered{}, err
		}
		return c.fromWire(ctx, w)
	})
}
