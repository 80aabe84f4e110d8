package config

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes a table of the settings that targets declare, in order of declaration, for a README. Internal settings
// are left out.
func Markdown(w io.Writer, targets ...Definer) error {
	var b strings.Builder
	b.WriteString("| Setting | Type | Default | Meaning |\n|---|---|---|---|\n")
	for _, t := range targets {
		for _, k := range Definitions(t).keys {
			if k.internal || k.borrowed {
				continue
			}
			doc := k.documentation()
			if k.check != nil {
				doc += " Valid: " + k.check.String() + "."
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", cell(k.name), strings.ToLower(string(k.typ)), k.shownDefault(), cell(doc))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the table of settings: %w", err)
	}
	return nil
}

func (k *key) shownDefault() string {
	if k.required() {
		return "required"
	}
	switch def := text(k.def); {
	case def == nil:
		return ""
	case *def == "":
		return "empty"
	default:
		return "`" + cell(*def) + "`"
	}
}

// cell makes s fit into one cell of a table.
func cell(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "|", `\|`)), " ")
}
