package control

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Auth says who may call. Its zero value lets everybody in.
type Auth struct {
	users  map[string][sha256.Size]byte // by name: the hash of the password
	tokens [][sha256.Size]byte
}

// ReadAuth reads who may call: users, one "name=password" a line as in the file of Connect's basic authentication, and
// lines "Bearer token". Blank lines and those that begin with # are left out.
func ReadAuth(r io.Reader) (Auth, error) {
	a := Auth{users: map[string][sha256.Size]byte{}}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if token, found := strings.CutPrefix(line, "Bearer "); found {
			a.tokens = append(a.tokens, sha256.Sum256([]byte(strings.TrimSpace(token))))
			continue
		}
		name, password, found := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			return Auth{}, fmt.Errorf("reading line %d of the users: it is neither name=password nor Bearer token", n)
		}
		a.users[name] = sha256.Sum256([]byte(strings.TrimSpace(password)))
	}
	if err := lines.Err(); err != nil {
		return Auth{}, fmt.Errorf("reading the users: %w", err)
	}
	if !a.Required() {
		return Auth{}, errors.New("reading the users: there are none")
	}
	return a, nil
}

// Required tells whether anybody is kept out.
func (a Auth) Required() bool { return len(a.users)+len(a.tokens) > 0 }

// Guard keeps those out who may not call.
func (a Auth) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.admits(r) {
			a.refused().write(w, r.Method == http.MethodHead)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admits tells whether a request may be answered.
func (a Auth) admits(r *http.Request) bool {
	if !a.Required() {
		return true
	}
	if name, password, basic := r.BasicAuth(); basic {
		wanted, known := a.users[name]
		given := sha256.Sum256([]byte(password))
		return subtle.ConstantTimeCompare(given[:], wanted[:]) == 1 && known
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given, admitted := sha256.Sum256([]byte(strings.TrimSpace(token))), 0
	for i := range a.tokens {
		admitted |= subtle.ConstantTimeCompare(given[:], a.tokens[i][:])
	}
	return admitted == 1 && strings.EqualFold(scheme, "Bearer")
}

// refused is the answer to a request that may not be answered: plain text, as Connect's.
func (a Auth) refused() answer {
	header := http.Header{"Content-Type": {"text/plain"}}
	if len(a.users) > 0 {
		header.Add("WWW-Authenticate", `Basic realm="connect"`)
	}
	if len(a.tokens) > 0 {
		header.Add("WWW-Authenticate", "Bearer")
	}
	return answer{status: http.StatusUnauthorized, text: "User cannot access the resource.", header: header}
}
