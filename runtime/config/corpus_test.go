package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
)

// declaration is the def of a case of the family configdef.
type declaration struct {
	Name      string
	Type      config.Type
	Default   map[string]any
	Validator *struct {
		Kind string
		Args []map[string]any
	}
}

func TestCorpus_ConfigDef(t *testing.T) {
	t.Parallel()
	corpus.Run(t, "configdef", checkCase)
}

func read(t *testing.T, text []byte, v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		t.Fatal(err)
	}
}

func checkCase(t *testing.T, c corpus.Case) {
	var def declaration
	read(t, c.Def, &def)
	var got any
	definer := config.DefinerFunc(func(d *config.Def) {
		opts := []config.Option{config.Resolve(javaClasses)}
		if v := def.Validator; v != nil {
			opts = append(opts, config.Check(validator(t, v.Kind, v.Args)))
		}
		if def.Default == nil {
			opts = append(opts, config.Required())
		}
		d.Any(&got, def.Name, def.Type, decode(t, def.Default), "", opts...)
	})
	err := config.Parse(c.Config, definer)
	if !c.Failed(t, err) {
		var want map[string]map[string]any
		read(t, c.Output, &want)
		if diff := cmp.Diff(encode(decode(t, want[def.Name])), encode(got)); diff != "" {
			t.Errorf("value (-want +got):\n%s", diff)
		}
	}
	if c.Validate == nil {
		return
	}
	var want struct {
		Value  map[string]any
		Errors []string
	}
	read(t, c.Validate, &want)
	value := config.Validate(c.Config, definer)[0]
	if diff := cmp.Diff(encode(decode(t, want.Value)), encode(value.Parsed)); diff != "" {
		t.Errorf("validated value (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Errors, append([]string{}, value.Errors...)); diff != "" {
		t.Errorf("validation errors (-want +got):\n%s", diff)
	}
}

func javaClasses(name string) (string, bool) {
	switch name {
	case "java.lang.String", "org.apache.kafka.connect.json.JsonConverter":
		return name, true
	}
	return "", false
}

func validator(t *testing.T, kind string, args []map[string]any) config.Validator {
	t.Helper()
	values := make([]any, len(args))
	texts := make([]string, len(args))
	for i, a := range args {
		values[i] = decode(t, a)
		texts[i], _ = values[i].(string)
	}
	switch kind {
	case "between":
		return config.Bounds(values[0], values[1])
	case "atLeast":
		return config.Bounds(values[0], nil)
	case "validString":
		return config.In(texts...)
	case "caseInsensitiveValidString":
		return config.CaseInsensitiveIn(texts...)
	case "nonEmptyString":
		return config.NonEmpty()
	case "nonEmptyStringWithoutControlChars":
		return config.NonEmptyWithoutControlChars()
	case "nonNull":
		return config.NonNull()
	case "validList":
		return config.ListOf(texts...)
	case "anyNonDuplicateValues":
		return config.Unique(values[0].(bool), values[1].(bool))
	case "listSize":
		return config.ListSize(int(values[0].(int32)))
	}
	t.Fatalf("validator of kind %q", kind)
	return nil
}

// decode reads a value of the corpus: one tag, which is the Java type.
func decode(t *testing.T, v map[string]any) any {
	t.Helper()
	integer := func(x any, bits int) int64 {
		n, err := strconv.ParseInt(fmt.Sprint(x), 10, bits)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for tag, x := range v {
		switch tag {
		case "null":
			return nil
		case "int16":
			return int16(integer(x, 16))
		case "int32":
			return int32(integer(x, 32))
		case "int64":
			return integer(x, 64)
		case "float64":
			f, err := strconv.ParseFloat(x.(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		case "string", "boolean":
			return x
		case "class":
			return config.ClassName(x.(string))
		case "password":
			return config.NewSecret(x.(string))
		case "array":
			list := []string{}
			for _, e := range x.([]any) {
				list = append(list, decode(t, e.(map[string]any)).(string))
			}
			return list
		default:
			t.Fatalf("value with the tag %q", tag)
		}
	}
	return nil
}

// encode makes values comparable: the type, and the text as Java prints it, secrets revealed.
func encode(v any) string {
	if s, ok := v.(config.Secret); ok {
		return fmt.Sprintf("%T %q", v, s.Reveal())
	}
	return fmt.Sprintf("%T %q", v, config.Print(v))
}
