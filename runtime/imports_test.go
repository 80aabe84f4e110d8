package runtime_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the prefix of every import path of ours.
const module = "github.com/sluice-connect/sluice/"

// Groups of modules that only some folders may link.
const (
	lambda = "github.com/aws/aws-lambda-go"
	awsSDK = "github.com/aws/aws-sdk-go-v2"
	smithy = "github.com/aws/smithy-go"
	franz  = "github.com/twmb/franz-go"
)

// A layer says what the shipped code of a folder may import. Folders are given from the root of the module; /... at the
// end adds all that lies in them, and a star stands for one path element: in ours for the one it stood for in folder.
type layer struct {
	folder string
	ours   []string
	others []string // what its import paths may begin with, besides those of the standard library
}

// anyModule allows every module that reserved does not keep for other folders.
const anyModule = "*"

// layers is the import direction of the house, from the ground up: arrows point to the contract, and nothing sees infra
// or local. The first layer that matches a folder counts.
var layers = []layer{
	{"events", nil, nil},
	{"runtime/metric", nil, nil},
	{"runtime/schema", nil, nil},
	{"runtime/schema/avro", []string{"runtime/schema", "runtime/config"}, nil},
	{"runtime/schema/protobuf", []string{"runtime/schema", "runtime/config"}, []string{"github.com/bufbuild/protocompile", "google.golang.org/protobuf"}},
	{"runtime/config", []string{"runtime/schema"}, nil},
	{"runtime/connect", []string{"runtime/schema", "runtime/config"}, nil},
	{"runtime/javaregex", []string{"runtime/config"}, []string{"github.com/dlclark/regexp2"}},
	{"runtime/connector", slices.Concat(contract, []string{"runtime/javaregex"}), nil},
	{"runtime/convert", contract, nil},
	{"runtime/convert/registry", slices.Concat(contract, []string{"runtime/convert", "runtime/convert/jsonschema", "runtime/schema/..."}), []string{franz, awsSDK, smithy, "golang.org/x/sync", "github.com/klauspost/compress"}},
	{"runtime/convert/registry/outline", contract, nil},
	{"runtime/convert/jsonschema", slices.Concat(contract, []string{"runtime/convert"}), []string{"github.com/santhosh-tekuri/jsonschema"}},
	{"runtime/transform", slices.Concat(contract, []string{"runtime/convert", "runtime/javaregex"}), nil},
	{"runtime/offset", []string{"runtime/connect"}, nil},
	{"runtime/offset/dynamo", []string{"runtime/offset", "runtime/connect"}, []string{awsSDK, smithy}},
	{"runtime/kafka", nil, []string{franz, "github.com/segmentio/asm"}},
	{"runtime/secret", []string{"runtime/config"}, []string{awsSDK, smithy, "github.com/magiconair/properties"}},
	{"runtime/worker", engine, nil},
	{"runtime/control", engine, nil},
	{"runtime/control/gateway", nil, nil},
	{"runtime/control/aws", slices.Concat(engine, []string{"runtime/control", "runtime/invoke", "runtime/worker"}), []string{awsSDK, smithy}},
	{"runtime/control/stack", slices.Concat(engine, []string{"runtime/control", "runtime/control/aws", "runtime/worker"}), nil},
	{"runtime/invoke", nil, []string{awsSDK, smithy}},
	{"runtime/connecttest/...", []string{"runtime/...", "events"}, []string{anyModule}},
	{"runtime", []string{"runtime/..."}, []string{lambda, awsSDK, smithy}},
	{"functions/control", []string{"runtime/..."}, []string{lambda, awsSDK, smithy}},
	{"functions/*/source", []string{"runtime", "functions/*"}, nil},
	{"functions/*/sink", []string{"runtime", "functions/*"}, nil},
	{"functions/storage/...", slices.Concat(contract, []string{"runtime/schema/avro", "runtime/convert", "functions/storage/..."}), []string{anyModule}},
	{"functions/*/...", []string{"runtime/connect", "runtime/config", "runtime/schema", "functions/*/...", "functions/storage"}, []string{anyModule}},
	{"infra/...", []string{"infra/...", "functions/...", "runtime/..."}, []string{anyModule}},
	{"local/...", []string{"local/...", "functions/...", "runtime/..."}, []string{anyModule}},
}

var (
	// contract is all that plugins see of us.
	contract = []string{"runtime/connect", "runtime/config", "runtime/schema"}
	// engine is what runs plugins and manages them.
	engine = []string{
		"runtime/connect", "runtime/config", "runtime/schema", "runtime/connector", "runtime/convert", "runtime/transform",
		"runtime/offset", "runtime/kafka",
	}
)

// outside are the packages by which a process speaks to others.
var outside = []string{"net", "net/http", "os", "os/exec"}

// pure folders speak to nothing outside the process.
var pure = []string{
	"runtime/schema", "runtime/schema/avro", "runtime/schema/protobuf", "runtime/config", "runtime/connect", "runtime/javaregex", "runtime/connector", "runtime/convert", "runtime/transform",
}

// reserved are imports that shipped code may have in these folders only.
var reserved = []struct {
	imported string
	folders  []string
}{
	{franz, []string{"runtime/kafka", "runtime/convert/registry", "runtime/connecttest/...", "local/..."}},
	{lambda, []string{"runtime", "functions/control", "local/..."}},
	{"github.com/aws/aws-cdk-go", []string{"infra/..."}},
	{"github.com/aws/constructs-go", []string{"infra/..."}},
	{"github.com/aws/jsii-runtime-go", []string{"infra/..."}},
	{"testing", []string{"runtime/connecttest/..."}},
	{"github.com/google/go-cmp", []string{"runtime/connecttest/..."}},
	{module + "runtime/connecttest", []string{"runtime/connecttest/..."}},
	{module + "events", []string{"runtime/connecttest/..."}},
}

func TestImports_PointToTheContract(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.test {
			if slices.ContainsFunc(f.imports, func(p string) bool { return within(module+"infra", p) }) && !within("infra", f.folder) {
				t.Errorf("%s: a test outside infra imports the CDK app, which `make test` must not compile", f.path)
			}
			continue
		}
		l, star, ok := layerOf(f.folder)
		if !ok {
			t.Errorf("%s: no layer says what this folder may import; add one to layers", f.path)
			continue
		}
		for _, imported := range f.imports {
			checkImport(t, f, l, star, imported)
		}
	}
}

// checkImport reports the rule that one import of shipped code breaks.
func checkImport(t *testing.T, f source, l layer, star, imported string) {
	t.Helper()
	for _, r := range reserved {
		if within(r.imported, imported) && !matchesAny(r.folders, star, f.folder) {
			t.Errorf("%s imports %s, which only tests and %s may do", f.path, imported, list(r.folders))
			return
		}
	}
	ours, isOurs := strings.CutPrefix(imported, module)
	switch {
	case isOurs:
		if !matchesAny(l.ours, star, ours) {
			t.Errorf("%s imports %s, but of ours %s may import only: %s", f.path, ours, l.folder, list(l.ours))
		}
	case isStandard(imported):
		if slices.Contains(outside, imported) && slices.Contains(pure, l.folder) {
			t.Errorf("%s imports %s, but %s speaks to nothing outside the process", f.path, imported, l.folder)
		}
	default:
		if !slices.ContainsFunc(l.others, func(p string) bool { return p == anyModule || within(p, imported) }) {
			t.Errorf("%s imports %s, but besides the standard library %s may import only: %s", f.path, imported, l.folder, list(l.others))
		}
	}
}

func TestImports_MainsAreOneLine(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if ok, _ := path.Match("functions/*/*", f.folder); !ok || f.test || f.syntax.Name.Name != "main" {
			continue
		}
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				if d.Tok != token.IMPORT {
					t.Errorf("%s declares more than main; what a function does belongs into its system's package", f.path)
				}
			case *ast.FuncDecl:
				if d.Name.Name != "main" || len(d.Body.List) != 1 {
					t.Errorf("%s: the main of a function is one line, such as runtime.ServeSource(file.Source)", f.path)
				}
			}
		}
	}
}

func TestImports_NothingRunsByBeingImported(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		for _, d := range f.syntax.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" {
				t.Errorf("%s declares func init; say it where it is used", f.path)
			}
		}
	}
}

func TestImports_ShippedBinariesLinkNoTestCode(t *testing.T) {
	t.Parallel()
	var mains []string
	for _, f := range sources(t) {
		if !f.test && f.syntax.Name.Name == "main" && !within("infra", f.folder) && !slices.Contains(mains, "./"+f.folder) {
			mains = append(mains, "./"+f.folder)
		}
	}
	for _, main := range mains {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-f", "{{.ImportPath}}", main)
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("listing what %s links: %v", main, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			switch {
			case dep == "testing", within("github.com/google/go-cmp", dep), within(module+"runtime/connecttest", dep):
				t.Errorf("%s links %s, which is for tests; go list -deps %s shows the way", main, dep, main)
			case main == "./functions/control" && dep == module+"runtime/convert/registry":
				t.Errorf("%s links %s, which takes longer to start than all the rest; runtime/convert/registry/outline has what it needs", main, dep)
			}
		}
	}
}

// root is the top of the module, seen from this folder.
const root = ".."

// A source is one Go file of the module.
type source struct {
	path, folder string // from the root, with slashes
	test         bool
	lines        int
	imports      []string
	syntax       *ast.File
}

// sources parses every Go file of the module. Files that do not parse fail the test: go vet would say so anyway.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	set := token.NewFileSet()
	walk(t, func(name string, read func() []byte) {
		if path.Ext(name) != ".go" {
			return
		}
		text := read()
		syntax, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("reading Go: %v", err)
			return
		}
		f := source{
			path: name, folder: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			lines: bytes.Count(text, []byte("\n")), syntax: syntax,
		}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Errorf("%s: reading an import: %v", name, err)
				continue
			}
			f.imports = append(f.imports, imported)
		}
		all = append(all, f)
	})
	if len(all) == 0 {
		t.Fatal("there is no Go file below the root: the test looks at the wrong folder")
	}
	return all
}

// walk visits the files of the tree, by their path from the root. Folders whose name begins with a dot are left out, but
// for .ci: the others hold what git, builds and the desk wrote.
func walk(t *testing.T, visit func(name string, read func() []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != root && strings.HasPrefix(base, ".") && base != ".ci" || base == "node_modules" || base == "cdk.out" {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || base == ".git" { // .git is a file in a linked worktree
			return nil
		}
		from, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(from), func() []byte {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Errorf("reading the tree: %v", err)
			}
			return text
		})
		return nil
	})
	if err != nil {
		t.Fatalf("walking the tree: %v", err)
	}
}

// layerOf finds the layer of a folder, and what its star stands for.
func layerOf(folder string) (l layer, star string, ok bool) {
	for _, l := range layers {
		if star, ok := match(l.folder, folder); ok {
			return l, star, true
		}
	}
	return layer{}, "", false
}

// match matches a folder with a pattern of layers, and returns what the star stands for.
func match(pattern, folder string) (star string, ok bool) {
	pattern, below := strings.CutSuffix(pattern, "/...")
	want, have := strings.Split(pattern, "/"), strings.Split(folder, "/")
	if len(have) < len(want) || len(have) > len(want) && !below {
		return "", false
	}
	for i, w := range want {
		switch w {
		case "*":
			star = have[i]
		case have[i]:
		default:
			return "", false
		}
	}
	return star, true
}

func matchesAny(patterns []string, star, folder string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		_, ok := match(strings.ReplaceAll(p, "*", star), folder)
		return ok
	})
}

// within reports whether an import path or a folder is another one or lies in it.
func within(outer, inner string) bool { return inner == outer || strings.HasPrefix(inner, outer+"/") }

// isStandard reports whether an import path belongs to the standard library: its first element has no dot.
func isStandard(imported string) bool { return !strings.Contains(strings.Split(imported, "/")[0], ".") }

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
