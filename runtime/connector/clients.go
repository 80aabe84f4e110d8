package connector

import (
	_ "embed"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
)

//go:embed clients.tsv
var clients string

// clientSettings declares those of the settings given that the Kafka client has whose settings have this prefix.
func clientSettings(prefix string, given map[string]*string) config.Definer {
	client, _, _ := strings.Cut(prefix, ".")
	return config.DefinerFunc(func(d *config.Def) {
		if len(given) == 0 {
			return
		}
		for line := range strings.Lines(clients) {
			fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(fields) != 5 || !strings.Contains(fields[4], client) {
				continue
			}
			name, kind, def, importance := fields[0], fields[1], fields[2], fields[3]
			if _, ok := given[name]; ok {
				declareClientSetting(d, name, config.Type(kind), def, importance, "A setting of Kafka's "+client+".")
			}
		}
	})
}

// declareClientSetting declares one. def is "required", "null", or the default behind an equals sign.
func declareClientSetting(d *config.Def, name string, kind config.Type, def, importance, doc string) {
	options := []config.Option{config.Medium}
	switch importance {
	case config.High.String():
		options[0] = config.High
	case config.Low.String():
		options[0] = config.Low
	}
	text, some := strings.CutPrefix(def, "=")
	switch {
	case some:
		d.Any(new(any), name, kind, text, doc, options...)
	case def == "null":
		d.Any(new(any), name, kind, nil, doc, options...)
	default:
		d.Any(new(any), name, kind, nil, doc, append(options, config.Required())...)
	}
}
