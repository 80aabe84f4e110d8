package runtime_test

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTree_TopLevelIsFixed(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatalf("reading the top level: %v", err)
	}
	allowed := []string{
		"functions", "runtime", "infra", "local", "events", "go.mod", "go.sum", "Makefile", "samconfig.toml", "README.md",
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s stands at the top level, which holds only dot-files and %s", e.Name(), list(allowed))
		}
	}
}

func TestTree_FilesAreShort(t *testing.T) {
	t.Parallel()
	const most = 450
	for _, f := range sources(t) {
		if f.lines > most && !ast.IsGenerated(f.syntax) {
			t.Errorf("%s has %d lines, more than %d; part it by what a reader looks for", f.path, f.lines, most)
		}
	}
}

func TestTree_SpeaksOfItselfAlone(t *testing.T) {
	t.Parallel()
	// The needles are put together here, so that this file does not hold them.
	slash, dot := "/", "."
	needles := []string{
		slash + "work" + slash, slash + "root" + slash, dot + dot + slash + "shared",
		"proxy" + dot + "golang.org", "sum" + dot + "golang.org", "repo1" + dot + "maven", "repo" + dot + "maven",
		"registry" + dot + "npmjs", "pypi" + dot + "org", "pythonhosted" + dot + "org", "ghcr" + dot + "io", "docker" + dot + "io",
	}
	walk(t, func(name string, read func() []byte) {
		text := read()
		if bytes.IndexByte(text, 0) >= 0 || name == "go.sum" {
			return
		}
		for _, needle := range needles {
			if before, _, found := bytes.Cut(text, []byte(needle)); found {
				t.Errorf("%s:%d mentions %s: paths of one machine and hosts of registries do not belong into the tree",
					name, 1+bytes.Count(before, []byte("\n")), needle)
			}
		}
	})
}

// Errors read as a chain of what was being done, as in "polling table orders: ...". Sentences that begin with a capital
// are Connect's own and stay as they are.
func TestTree_ErrorsSayWhatWasBeingDone(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			name, text := calledName(call), ""
			if lit, ok := call.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text = lit.Value[1:]
			}
			for _, worn := range []string{"failed to ", "unable to ", "could not ", "error "} {
				if (name == "fmt.Errorf" || name == "errors.New") && strings.HasPrefix(text, worn) {
					t.Errorf("%s: %s(%q…): say what was being done: polling table orders: …", f.path, name, strings.TrimSpace(worn))
				}
			}
			return true
		})
	}
}

func TestTree_TestsSleepOnlyInBubbles(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if !f.test || slices.Contains(f.imports, "testing/synctest") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && calledName(call) == "time.Sleep" {
				t.Errorf("%s sleeps by the clock: wait for what happens, or use testing/synctest", f.path)
			}
			return true
		})
	}
}

// calledName is what a call calls, as package.Function, or empty.
func calledName(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + selector.Sel.Name
}
