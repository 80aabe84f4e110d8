package secret

import "strings"

// placeholder is one ${provider:rest} in a text.
type placeholder struct {
	text           string // all of it
	provider, rest string
}

// next finds the first placeholder in text and where it begins; ok is false if there is none. It finds what Kafka's
// pattern ${provider:[path:]key} finds: a provider may hold anything but a colon, the rest anything but a brace.
func next(text string) (at int, p placeholder, ok bool) {
	for from := 0; ; {
		start := strings.Index(text[from:], "${")
		if start < 0 {
			return 0, p, false
		}
		start += from
		length := strings.IndexByte(text[start:], '}')
		if length < 0 {
			return 0, p, false
		}
		inner := text[start+2 : start+length]
		if provider, rest, found := strings.Cut(inner, ":"); found {
			return start, placeholder{text: text[start : start+length+1], provider: provider, rest: rest}, true
		}
		from = start + length + 1
	}
}

// expand replaces the placeholders in text by what value says of them; what it does not know stays as it is.
func expand(text string, value func(placeholder) (v string, known bool, err error)) (string, error) {
	var out strings.Builder
	for {
		at, p, ok := next(text)
		if !ok {
			out.WriteString(text)
			return out.String(), nil
		}
		v, known, err := value(p)
		if err != nil {
			return "", err
		}
		if !known {
			v = p.text
		}
		out.WriteString(text[:at])
		out.WriteString(v)
		text = text[at+len(p.text):]
	}
}

// has tells whether there is a placeholder in text.
func has(text string) bool {
	_, _, ok := next(text)
	return ok
}
