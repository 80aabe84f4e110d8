package infra_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/infra"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("SLUICE_CI") == "1" {
			panic("the CDK needs Node, which is not here")
		}
		println("the CDK needs Node, which is not here: nothing was tested")
		os.Exit(0)
	}
	status := m.Run()
	jsii.Close()
	os.Exit(status)
}

// binaries is a folder of something in the place of every function.
func binaries(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	names := []string{"control"}
	mains, err := filepath.Glob("../functions/*/s*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("there are no functions: %v", err)
	}
	for _, path := range mains {
		system, direction := filepath.Split(filepath.Dir(path))
		name := filepath.Base(system) + "-" + direction
		names = append(names, name, name+"-registry")
	}
	for _, name := range names {
		for _, arch := range []string{infra.ARM, infra.X86} {
			folder := filepath.Join(dir, arch, name)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte(name), 0o755); err != nil { //nolint:gosec // it is to be run
				t.Fatal(err)
			}
		}
	}
	return dir
}

// connectors are connectors in Connect's own form.
func connectors(t *testing.T, texts ...string) []infra.ConnectorFile {
	t.Helper()
	files := make([]infra.ConnectorFile, len(texts))
	for i, text := range texts {
		var err error
		if files[i], err = infra.ParseConnector([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func shipped(t *testing.T) []infra.ConnectorFile {
	t.Helper()
	files, err := infra.ReadConnectors("connectors")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// newStack makes a stack in an app of its own.
func newStack(t *testing.T, props infra.StackProps) (awscdk.App, *infra.Stack) {
	t.Helper()
	// What a deployment does by itself is not asked for again; the CLI's own validation has a check of its own.
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: new(t.TempDir()), Context: &map[string]any{"@aws-cdk/core:target-partitions": []string{"aws"}}})
	props.Functions = binaries(t)
	stack, err := infra.NewStack(app, "Sluice", props)
	if err != nil {
		t.Fatal(err)
	}
	return app, stack
}

// template is a CloudFormation template.
type template struct {
	text       []byte
	Parameters map[string]struct {
		Type, Description, AllowedPattern, ConstraintDescription string
		Default, MinValue, MaxValue                              any
		AllowedValues                                            []any
		NoEcho                                                   bool
	}
	Resources map[string]resource
	Rules     map[string]any
	Outputs   map[string]any
}

type resource struct {
	Type, Condition                     string
	DeletionPolicy, UpdateReplacePolicy string
	DependsOn                           any
	Properties, Metadata                map[string]any
}

func synth(t *testing.T, props infra.StackProps) template {
	t.Helper()
	app, _ := newStack(t, props)
	assembly := app.Synth(nil)
	text, err := os.ReadFile(*assembly.GetStackByName(new("Sluice")).TemplateFullPath())
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAll(text, []byte("ASSET"))
	found := template{text: text}
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// of returns the resources of a type, by their ids.
func (f template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range f.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// only returns the one resource of a type whose id begins so.
func (f template) only(t *testing.T, kind, prefix string) resource {
	t.Helper()
	var found []resource
	for id, r := range f.of(kind) {
		if strings.HasPrefix(id, prefix) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d %s whose id begins with %s, want one", len(found), kind, prefix)
	}
	return found[0]
}

// golden compares with a file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil { //nolint:gosec // it is part of the tree
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s is not what is made now (-update writes it):\n%s", path, diff)
	}
}
