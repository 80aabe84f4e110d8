// Package config declares settings once; parsing, validation, defaults, documentation and redaction follow from that one
// declaration. It has everything Kafka's ConfigDef has, and answers with Kafka's own words.
//
// Anything with settings is a [Definer]. It binds each setting to a variable:
//
//	func (s *source) Define(d *config.Def) {
//		d.String(&s.file, "file", "", "Source file.", config.NullDefault(), config.High)
//		d.Int(&s.batch, "batch.size", 2000, "Most lines read in one poll.", config.Check(config.AtLeast(1)), config.Low)
//	}
//
// and [Parse] fills the variables. [Validate] and [Describe] answer Connect's validation API, [Markdown] writes the
// table for a README and [Redact] hides what is secret.
//
// Values are texts, as in a connector's configuration. Where Java tells a missing value from null, so does this package:
// every function takes map[string]string as well as map[string]*string, where nil is null.
package config
