package control

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// Settings are what a worker's properties say about its REST API. ParseSettings makes them.
type Settings struct {
	// Origins are the origins whose pages may call; "*" stands for all, none for no page. Methods are those they may use.
	Origins []string
	Methods string
	// Headers are added to every answer.
	Headers []Header
	// ShowPasswords says that answers hold passwords as they are.
	ShowPasswords bool
	// HideTopics and KeepTopics say that active topics are not shown, and that they cannot be reset.
	HideTopics, KeepTopics bool
	// NoAdmin says that there is no /admin.
	NoAdmin bool
}

// Header is one that is added to answers.
type Header struct {
	Name, Value string
	// Add says to leave others of the same name.
	Add bool
}

// DefaultSettings are those of a worker that says nothing.
func DefaultSettings() Settings {
	s, err := ParseSettings(nil)
	if err != nil {
		return Settings{} // nothing can be wrong with nothing
	}
	return s
}

// ParseSettings reads a worker's properties. What does not concern the REST API is ignored.
func ParseSettings(properties map[string]string) (Settings, error) {
	d := &declared{}
	if err := config.Parse(properties, d); err != nil {
		return Settings{}, fmt.Errorf("reading the settings of the REST API: %w", err)
	}
	s := Settings{
		Methods: d.methods, ShowPasswords: d.passwords == "raw", HideTopics: !d.tracking, KeepTopics: !d.reset,
	}
	for origin := range strings.SplitSeq(d.origin, ",") {
		if origin = strings.TrimSpace(origin); origin != "" {
			s.Origins = append(s.Origins, origin)
		}
	}
	if admin, given := properties["admin.listeners"]; given && strings.TrimSpace(admin) == "" {
		s.NoAdmin = true
	}
	var err error
	if s.Headers, err = parseHeaders(d.headers); err != nil {
		return Settings{}, fmt.Errorf("reading the settings of the REST API: response.http.headers.config: %w", err)
	}
	return s, nil
}

// declared are the settings as they are written.
type declared struct {
	origin, methods, headers, passwords string
	tracking, reset                     bool
}

// Define declares the settings.
func (d *declared) Define(def *config.Def) {
	def.String(&d.origin, "access.control.allow.origin", "",
		"Origins whose pages browsers let call the REST API, separated by commas; * for all. Empty for none.", config.Low)
	def.String(&d.methods, "access.control.allow.methods", "",
		"Methods that such pages may use, separated by commas. Empty for GET, POST and HEAD.", config.Low)
	def.String(&d.headers, "response.http.headers.config", "",
		"Headers for every answer: a list of set, add, setDate or addDate, a name, a colon and a value; each in double quotes if it holds a comma.",
		config.Low)
	def.String(&d.passwords, "sluice.rest.passwords", "masked",
		"How answers show PASSWORD settings that are no placeholders: masked, or raw as Kafka Connect does.",
		config.Check(config.In("masked", "raw")), config.Medium)
	def.Bool(&d.tracking, "topic.tracking.enable", true, "Whether the topics that connectors use are shown.", config.Low)
	def.Bool(&d.reset, "topic.tracking.allow.reset", true, "Whether those can be reset.", config.Low)
}

// parseHeaders reads response.http.headers.config.
func parseHeaders(text string) ([]Header, error) {
	var headers []Header
	for _, one := range splitQuoted(text) {
		action, rest, found := strings.Cut(one, " ")
		name, value, colon := strings.Cut(strings.TrimSpace(rest), ":")
		name, value = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !found || !colon || name == "" || value == "" || strings.Contains(name, " ") {
			return nil, fmt.Errorf("%q is not of the form: action name:value", one)
		}
		h := Header{Name: name, Value: value}
		switch strings.ToLower(action) {
		case "set":
		case "add":
			h.Add = true
		case "setdate", "adddate":
			ms, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q: a date is given in milliseconds", one)
			}
			h.Add, h.Value = strings.EqualFold(action, "adddate"), time.UnixMilli(ms).UTC().Format(http.TimeFormat)
		default:
			return nil, fmt.Errorf("%q: the actions are set, add, setDate and addDate", action)
		}
		headers = append(headers, h)
	}
	return headers, nil
}

// splitQuoted cuts a list at its commas, but for those within double quotes.
func splitQuoted(text string) []string {
	var parts []string
	quoted, from := false, 0
	cut := func(to int) {
		if part := strings.Trim(strings.TrimSpace(text[from:to]), `"`); part != "" {
			parts = append(parts, part)
		}
		from = to + 1
	}
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			cut(i)
		}
	}
	cut(len(text))
	return parts
}

// decorate sets the headers that every answer has. A preflight request is answered by its resource, as in Connect.
func (s *Settings) decorate(header http.Header, r *http.Request) {
	if len(s.Origins) > 0 {
		header.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin != "" && (slices.Contains(s.Origins, "*") || slices.Contains(s.Origins, origin)) {
			header.Set("Access-Control-Allow-Origin", origin)
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				methods := s.Methods
				if methods == "" {
					methods = "GET,POST,HEAD"
				}
				header.Set("Access-Control-Allow-Methods", methods)
				header.Set("Access-Control-Allow-Headers", "Content-Type")
				header.Set("Access-Control-Max-Age", "60")
			}
		}
	}
	for _, h := range s.Headers {
		if h.Add {
			header.Add(h.Name, h.Value)
		} else {
			header.Set(h.Name, h.Value)
		}
	}
}
