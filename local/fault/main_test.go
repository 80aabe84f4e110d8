//go:build unix

package fault_test

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// built are the programs under test, made once.
var built struct {
	dir, desk, functions, launch string

	once sync.Once
	err  error
}

// programs builds them for the first test that asks.
func programs(t *testing.T) {
	t.Helper()
	built.once.Do(func() { built.err = build(built.dir) })
	if built.err != nil {
		t.Fatal(built.err)
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// Most of a fault test is waiting for leases to run out: let them wait together.
	explicit := false
	flag.Visit(func(f *flag.Flag) { explicit = explicit || f.Name == "test.parallel" })
	if !explicit {
		if err := flag.Set("test.parallel", "16"); err != nil {
			log.Println(err)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "fault-")
	if err != nil {
		log.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	built.dir = dir
	return m.Run()
}

// launcher replaces the shell by the function, which then speaks under the name of the connector and this process.
const launcher = `#!/bin/sh
me="$AWS_LAMBDA_FUNCTION_NAME.$$"
AWS_ACCESS_KEY_ID=$me
HADOOP_USER_NAME=$me
SLUICE_WORKER="${SLUICE_WORKER%%@ME@*}$me${SLUICE_WORKER#*@ME@}"
AWS_LAMBDA_RUNTIME_API="$FAULT_RUNTIME/$me/$AWS_LAMBDA_RUNTIME_API"
export AWS_ACCESS_KEY_ID HADOOP_USER_NAME SLUICE_WORKER AWS_LAMBDA_RUNTIME_API
exec "$FAULT_BOOTSTRAP"
`

// systems are those whose functions are tested.
func systems() []string { return []string{"file", "s3", "hdfs"} }

func build(dir string) error {
	out := filepath.Join(dir, "built")
	if err := goBuild(filepath.Join(out, "desk"), "./local"); err != nil {
		return err
	}
	built.desk = filepath.Join(out, "desk", "local")
	built.functions = filepath.Join(dir, "functions")
	built.launch = filepath.Join(dir, "launch")
	for _, system := range systems() {
		folder := filepath.Join(out, system)
		if err := goBuild(folder, "./functions/"+system+"/source", "./functions/"+system+"/sink"); err != nil {
			return err
		}
		for _, kind := range []string{"source", "sink"} {
			home := filepath.Join(built.functions, system+"-"+kind)
			if err := errors.Join(os.MkdirAll(home, 0o755), os.Rename(filepath.Join(folder, kind), filepath.Join(home, "bootstrap"))); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(built.launch, []byte(launcher), 0o755)
}

// goBuild builds programs into a folder.
func goBuild(folder string, packages ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-tags", "lambda.norpc", "-o", folder + string(filepath.Separator)}, packages...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs under test: %w\n%s", err, text)
	}
	return nil
}

// plan is how much a test does, and how it is random.
type plan struct {
	rounds int
	// least is how often each step is to be hit by tests that deal steps.
	least int
	seed  uint64
	// first is the number of the first round, where a test runs its rounds in several parts.
	first int
}

// newPlan reads SLUICE_ROUNDS and SLUICE_SEED. Without them a test does a few rounds, brief; the rounds it is meant to do,
// whole, are the least with them, and wherever nothing may be left out.
func newPlan(t *testing.T, brief, whole int) plan {
	t.Helper()
	if testing.Short() {
		t.Skip("kills processes for a minute")
	}
	p := plan{rounds: brief, least: 1, seed: uint64(time.Now().UnixNano())}
	rounds, seed := os.Getenv("SLUICE_ROUNDS"), os.Getenv("SLUICE_SEED")
	if rounds+seed+os.Getenv("SLUICE_CI") != "" {
		p.rounds, p.least = whole, 5
	}
	if seed != "" {
		n, err := strconv.ParseUint(seed, 10, 64)
		if err != nil {
			t.Fatalf("SLUICE_SEED: %v", err)
		}
		p.seed = n
	}
	if rounds != "" {
		n, err := strconv.Atoi(rounds)
		if err != nil {
			t.Fatalf("SLUICE_ROUNDS: %v", err)
		}
		p.rounds = max(whole, n)
	}
	t.Logf("SLUICE_SEED=%d", p.seed)
	return p
}

// random is the randomness of one round.
func (p plan) random(round int) *rand.Rand {
	return rand.New(rand.NewPCG(p.seed, uint64(p.first+round)))
}

// place is where a round stands among the cases that are tried in turn: the seed decides which come first.
func (p plan) place(round int) int { return p.first + round + int(p.seed%1009) }

// parts cuts the rounds into parts of so many and does one after the other.
func (p plan) parts(together int, do func(plan)) {
	for first := 0; first < p.rounds; first += together {
		do(plan{rounds: min(together, p.rounds-first), least: p.least, seed: p.seed, first: first})
	}
}

// run does all rounds, some at a time, and fails the test with what went wrong. After a few failures it does no more.
func (p plan) run(t *testing.T, atOnce int, round func(i int, random *rand.Rand) error) {
	t.Helper()
	start := time.Now()
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i := range p.rounds {
		all.Go(func() error {
			if t.Failed() {
				return nil
			}
			if err := round(i, p.random(i)); err != nil {
				t.Errorf("round %d, SLUICE_SEED=%d: %v", p.first+i, p.seed, err)
			}
			return nil
		})
	}
	_ = all.Wait()
	t.Logf("%d rounds in %s", p.rounds, time.Since(start).Round(time.Millisecond))
}

// between is a random number, both ends included.
func between(random *rand.Rand, low, high int) int { return low + random.IntN(high-low+1) }

// oneOf is one of several, at random.
func oneOf[T any](random *rand.Rand, of ...T) T { return of[random.IntN(len(of))] }
