package config_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
)

// corpusCase is one line of configdef.jsonl, which Kafka's own ConfigDef answered.
type corpusCase struct {
	ID  string
	Def struct {
		Name      string
		Type      config.Type
		Default   map[string]any
		Validator *struct {
			Kind string
			Args []map[string]any
		}
	}
	Config   map[string]*string
	Output   map[string]map[string]any
	Error    *struct{ Phase, Class, Message, Match string }
	Validate *struct {
		Value  map[string]any
		Errors []string
	}
}

func TestCorpus_ConfigDef(t *testing.T) {
	t.Parallel()
	var passed, failed int
	for _, c := range readCorpus(t) {
		t.Run(c.ID, func(t *testing.T) {
			checkCase(t, c)
			if t.Failed() {
				failed++
			} else {
				passed++
			}
		})
	}
	t.Logf("configdef: %d passed, %d failed", passed, failed)
}

func readCorpus(t *testing.T) []corpusCase {
	t.Helper()
	dir := "testdata"
	if other := os.Getenv("SLUICE_CORPUS"); other != "" {
		dir = other
	}
	f, err := os.Open(filepath.Join(dir, "configdef.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []corpusCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c corpusCase
		dec := json.NewDecoder(strings.NewReader(lines.Text()))
		dec.UseNumber()
		if err := dec.Decode(&c); err != nil {
			t.Fatalf("line %d: %v", len(cases)+1, err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	return cases
}

func checkCase(t *testing.T, c corpusCase) {
	t.Helper()
	var got any
	definer := config.DefinerFunc(func(d *config.Def) {
		opts := []config.Option{config.Resolve(javaClasses)}
		if v := c.Def.Validator; v != nil {
			opts = append(opts, config.Check(validator(t, v.Kind, v.Args)))
		}
		if c.Def.Default == nil {
			opts = append(opts, config.Required())
		}
		d.Any(&got, c.Def.Name, c.Def.Type, decode(t, c.Def.Default), "", opts...)
	})
	err := config.Parse(c.Config, definer)
	switch {
	case c.Error != nil && err == nil:
		t.Errorf("parsed as %v, want error %q", got, c.Error.Message)
	case c.Error != nil:
		first := config.Errors(err)[0]
		if c.Error.Match == "full" && first.Message != c.Error.Message {
			t.Errorf("error %q, want %q", first.Message, c.Error.Message)
		}
		if first.JavaClass() != c.Error.Class {
			t.Errorf("class %s, want %s", first.JavaClass(), c.Error.Class)
		}
	case err != nil:
		t.Errorf("error %q, want value %v", err, c.Output[c.Def.Name])
	default:
		if diff := cmp.Diff(encode(t, decode(t, c.Output[c.Def.Name])), encode(t, got)); diff != "" {
			t.Errorf("value (-want +got):\n%s", diff)
		}
	}
	if c.Validate == nil {
		return
	}
	value := config.Validate(c.Config, definer)[0]
	if diff := cmp.Diff(encode(t, decode(t, c.Validate.Value)), encode(t, value.Parsed)); diff != "" {
		t.Errorf("validated value (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(c.Validate.Errors, append([]string{}, value.Errors...)); diff != "" {
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
func encode(t *testing.T, v any) string {
	t.Helper()
	if s, ok := v.(config.Secret); ok {
		return fmt.Sprintf("%T %q", v, s.Reveal())
	}
	return fmt.Sprintf("%T %q", v, config.Print(v))
}
