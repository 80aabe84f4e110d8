package config

import (
	"fmt"
	"log/slog"
)

// Hidden is shown instead of a secret.
const Hidden = "[hidden]"

// Secret is a value that must not be shown. However it is printed, logged or marshalled, it is "[hidden]". Secrets can be
// compared with ==.
type Secret struct{ text string }

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the value itself. Hand it to the driver that needs it and to nothing else.
func (s Secret) Reveal() string { return s.text }

// String is "[hidden]".
func (s Secret) String() string { return Hidden }

// GoString is "[hidden]".
func (s Secret) GoString() string { return Hidden }

// Format writes "[hidden]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Hidden)) }

// MarshalJSON is "[hidden]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Hidden + `"`), nil }

// MarshalText is "[hidden]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(Hidden), nil }

// LogValue is "[hidden]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(Hidden) }
