package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// parseJAAS reads a login module and its options: `Module required name="value" other=value;`. Its errors repeat
// nothing of the text, which usually holds a password.
func parseJAAS(text string) (module string, options map[string]string, err error) {
	p := jaasParser{text: text}
	module, _ = p.token()
	if module == "" {
		return "", nil, errors.New("expected the name of a login module")
	}
	flag, _ := p.token()
	switch strings.ToLower(flag) {
	case "required", "requisite", "sufficient", "optional":
	default:
		return "", nil, errors.New("expected required after the name of the login module")
	}
	options = make(map[string]string)
	for {
		name, quoted := p.token()
		switch {
		case p.err != nil:
			return "", nil, p.err
		case name == ";" && !quoted:
			if rest, _ := p.token(); rest != "" {
				return "", nil, errors.New("expected one login module, found more after the semicolon")
			}
			return module, options, p.err
		case name == "":
			return "", nil, errors.New("expected a semicolon at the end")
		}
		if equals, quoted := p.token(); equals != "=" || quoted {
			return "", nil, errors.New("expected options as name=\"value\"")
		}
		value, quoted := p.token()
		if !quoted && (value == "" || value == ";" || value == "=") {
			return "", nil, fmt.Errorf("expected a value for the option %s", name)
		}
		options[name] = value
	}
}

type jaasParser struct {
	text string
	err  error
}

// token returns the next word, quoted text, '=' or ';', or "" at the end.
func (p *jaasParser) token() (token string, quoted bool) {
	p.text = strings.TrimLeft(p.text, " \t\r\n")
	if p.text == "" || p.err != nil {
		return "", false
	}
	switch c := p.text[0]; c {
	case '=', ';':
		p.text = p.text[1:]
		return string(c), false
	case '"', '\'':
		return p.quoted(c), true
	}
	end := strings.IndexAny(p.text, " \t\r\n=;\"'")
	if end < 0 {
		end = len(p.text)
	}
	token, p.text = p.text[:end], p.text[end:]
	return token, false
}

// quoted reads text in quotes with the escapes of Java's StreamTokenizer that matter.
func (p *jaasParser) quoted(quote byte) string {
	var out []byte
	for i := 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == quote:
			p.text = p.text[i+1:]
			return string(out)
		case c == '\\' && i+1 < len(p.text):
			i++
			switch c = p.text[i]; c {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			}
			out = append(out, c)
		default:
			out = append(out, c)
		}
	}
	p.err = errors.New("a quote is not closed")
	p.text = ""
	return ""
}

// clientGrant fetches tokens by the client credentials grant of OAuth 2.
type clientGrant struct {
	url, id, secret, scope string
}

func (g clientGrant) token(ctx context.Context) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if g.scope != "" {
		form.Set("scope", g.scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(g.id, g.secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		// The body may hold a token even then; the status says enough.
		return "", fmt.Errorf("the answer is %s (wrong client id, secret or scope?)", resp.Status)
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" {
		return "", errors.New("the answer holds no access_token")
	}
	return answer.Token, nil
}
