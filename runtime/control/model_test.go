package control_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// connectModel is what Connect's documentation says of one connector's states, without anything of how they come about.
type connectModel struct {
	sink           bool
	exists, broken bool
	target         string
	started        bool // somebody has looked at the connector
	due            bool // its tasks are to be planned
	tasks, max     int  // how many tasks there are, and how many there shall be
	failed, ran    bool // what its tasks did last
}

// status is what GET …/status should show.
func (m *connectModel) status() string {
	all := []string{m.target}
	if m.target == "RUNNING" && !m.started {
		all[0] = "UNASSIGNED"
	}
	if m.target == "STOPPED" {
		return all[0]
	}
	for range m.tasks {
		switch {
		case m.failed:
			all = append(all, "FAILED")
		case m.target == "PAUSED":
			all = append(all, "PAUSED")
		case m.sink || m.ran:
			all = append(all, "RUNNING")
		default:
			all = append(all, "UNASSIGNED")
		}
	}
	return strings.Join(all, " ")
}

// aim is pause, resume and stop.
func (m *connectModel) aim(target string) {
	if m.target == "STOPPED" && target != "STOPPED" {
		m.tasks, m.due, m.failed, m.ran = 0, true, false, false
	}
	m.target = target
}

// configure is a change of the configuration: failed tasks start anew, others are shown as they were until they do.
func (m *connectModel) configure(tasks int, broken bool) {
	m.max, m.broken, m.due = tasks, broken, true
	m.anew()
	if !m.sink {
		m.max = 1 // whatever it is asked for
	}
}

// anew has failed tasks start anew.
func (m *connectModel) anew() {
	if m.failed {
		m.failed, m.ran = false, false
	}
}

// restart restarts tasks.
func (m *connectModel) restart() {
	if m.target != "STOPPED" && m.tasks > 0 {
		m.anew() // without onlyFailed the others restart, too, and are shown as running all the time
	}
}

// tick is an invocation of its function.
func (m *connectModel) tick() {
	if m.target != "RUNNING" {
		return
	}
	if m.due {
		m.tasks, m.due, m.started, m.failed, m.ran = m.max, false, true, false, false
	}
	if m.sink || m.failed { // a failed one waits before it is tried again
		return
	}
	m.failed, m.ran = m.broken, !m.broken
}

// TestServer_StatesAreThoseOfConnect sends random requests, with invocations in between, and compares every answer and
// every status with a model of Connect's states. SLUICE_SEED repeats a run.
func TestServer_StatesAreThoseOfConnect(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	if text := os.Getenv("SLUICE_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SLUICE_SEED=%d", seed)
	for round := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, round))
		server, w, _ := still(t)
		p := &modelPlay{t: t, server: server, world: w, random: random, model: connectModel{sink: round%2 == 0}, dir: t.TempDir()}
		for range 40 {
			p.step()
			if t.Failed() {
				t.Fatalf("round %d, after: %s", round, strings.Join(p.done, ", "))
			}
		}
	}
}

// modelPlay plays one sequence.
type modelPlay struct {
	t      *testing.T
	server *httptest.Server
	world  *world
	random *rand.Rand
	model  connectModel
	dir    string
	done   []string
}

// step makes one random move and compares.
func (p *modelPlay) step() {
	moves := []func() (string, bool){p.create, p.remove, p.put, p.pause, p.resume, p.stop, p.restart, p.tick, p.tick, p.tick}
	name, sent := moves[p.random.IntN(len(moves))]()
	p.done = append(p.done, name)
	status, _, text := call(p.t, p.server, "GET", "/connectors/c/status", "")
	switch {
	case !p.model.exists && status != 404:
		p.t.Errorf("%s: the status of nothing is %d %s", name, status, text)
	case p.model.exists && (status != 200 || states(p.t, text) != p.model.status()):
		p.t.Errorf("%s (%v): the status is %d %s, want %s", name, sent, status, text, p.model.status())
	}
}

// expect sends a request that succeeds with a status if the connector exists, and else is answered with another.
func (p *modelPlay) expect(method, path, body string, there, not int) (string, bool) {
	want := not
	if p.model.exists {
		want = there
	}
	status, _, text := call(p.t, p.server, method, path, body)
	if status != want {
		p.t.Errorf("%s %s: %d %s, want %d", method, path, status, text, want)
	}
	return method + " " + path + " " + body, p.model.exists
}

func (p *modelPlay) config() (text string, tasks int, broken bool) {
	tasks, broken = 1+p.random.IntN(3), p.random.IntN(3) == 0
	path := filepath.Join(p.dir, "lines")
	if broken {
		path = p.dir // a folder cannot be read
	}
	config := map[string]string{
		"name": "c", "connector.class": "FileStreamSource", "file": path, "topic": "t", "tasks.max": fmt.Sprint(tasks), "sluice.restart.backoff.ms": "3600000",
	}
	if p.model.sink {
		delete(config, "topic")
		config["connector.class"], config["topics"], config["file"] = "FileStreamSink", "t", filepath.Join(p.dir, "out")
	}
	body, err := json.Marshal(config)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(body), tasks, broken
}

func (p *modelPlay) create() (string, bool) {
	config, tasks, broken := p.config()
	target := []string{"RUNNING", "PAUSED", "STOPPED"}[p.random.IntN(3)]
	move, existed := p.expect("POST", "/connectors", `{"name": "c", "initial_state": "`+target+`", "config": `+config+`}`, 409, 201)
	if !existed {
		p.model = connectModel{sink: p.model.sink, exists: true, target: target}
		p.model.configure(tasks, broken)
	}
	return move, existed
}

func (p *modelPlay) put() (string, bool) {
	if p.model.exists && p.model.target == "RUNNING" && p.model.tasks == 0 {
		return "nothing", false // a first plan is waited for, which nobody makes here
	}
	config, tasks, broken := p.config()
	move, existed := p.expect("PUT", "/connectors/c/config", config, 200, 201)
	if !existed {
		p.model = connectModel{sink: p.model.sink, exists: true, target: "RUNNING"}
	}
	p.model.configure(tasks, broken)
	return move, existed
}

func (p *modelPlay) remove() (string, bool) {
	move, existed := p.expect("DELETE", "/connectors/c", "", 204, 404)
	p.model.exists = false
	return move, existed
}

func (p *modelPlay) aim(how, target string, status int) (string, bool) {
	move, existed := p.expect("PUT", "/connectors/c/"+how, "", status, 404)
	if existed {
		p.model.aim(target)
	}
	return move, existed
}

func (p *modelPlay) pause() (string, bool)  { return p.aim("pause", "PAUSED", 202) }
func (p *modelPlay) resume() (string, bool) { return p.aim("resume", "RUNNING", 202) }
func (p *modelPlay) stop() (string, bool)   { return p.aim("stop", "STOPPED", 204) }

func (p *modelPlay) restart() (string, bool) {
	onlyFailed := p.random.IntN(2) == 0
	move, existed := p.expect("POST", fmt.Sprintf("/connectors/c/restart?includeTasks=true&onlyFailed=%v", onlyFailed), "", 202, 404)
	if existed {
		p.model.restart()
	}
	return move, existed
}

func (p *modelPlay) tick() (string, bool) {
	if !p.model.exists {
		return "nothing", false
	}
	ctx := p.t.Context()
	if p.model.sink {
		if p.model.target != "RUNNING" {
			return "nothing", false
		}
		if _, err := p.world.invoke(ctx, "c", []byte(`{"eventSource":"SelfManagedKafka","records":{}}`)); err != nil {
			p.t.Error(err)
		}
	} else {
		source := &worker.Source{Connector: file.Source, Env: p.world.env, Store: p.world.store}
		if _, err := source.Run(ctx, worker.Tick{Connector: "c"}); err != nil {
			p.t.Error(err)
		}
	}
	p.model.tick()
	return "tick", true
}

// TestServer_LosesNoUpdate has 50 clients change 20 connectors at once: each its own setting of each, between other
// requests. What every client was told to be done must have been done.
func TestServer_LosesNoUpdate(t *testing.T) {
	t.Parallel()
	const clients, connectors, rounds = 50, 20, 12
	server, _, _ := still(t)
	for n := range connectors {
		must(t, server, 201, "POST", "/connectors", strings.Replace(source, `"c"`, fmt.Sprintf(`"c%d"`, n), 1))
		must(t, server, 202, "PUT", fmt.Sprintf("/connectors/c%d/pause", n), "") // or every change waits for a first plan
	}
	var mu sync.Mutex
	told := make([]map[string]string, connectors)
	for n := range told {
		told[n] = map[string]string{}
	}
	var working sync.WaitGroup
	for client := range clients {
		working.Go(func() {
			random := rand.New(rand.NewPCG(uint64(client), 7))
			for round := range rounds {
				n, path := random.IntN(connectors), ""
				path = fmt.Sprintf("/connectors/c%d", n)
				other := [][2]string{{"PUT", "/pause"}, {"PUT", "/stop"}, {"POST", "/restart"}, {"GET", "/status"}, {"GET", ""}, {"GET", "/health"}}[random.IntN(6)]
				if status, _, text := call(t, server, other[0], path+other[1], ""); status/100 != 2 {
					t.Errorf("%s %s: %d %s", other[0], path+other[1], status, text)
				}
				key, value := fmt.Sprintf("client.%d", client), fmt.Sprint(round)
				if status, _, text := call(t, server, "PATCH", path+"/config", fmt.Sprintf("{%q: %q}", key, value)); status != 200 {
					t.Errorf("PATCH %s: %d %s", path, status, text)
					continue
				}
				mu.Lock()
				told[n][key] = value
				mu.Unlock()
			}
		})
	}
	working.Wait()
	for n, want := range told {
		var got map[string]string
		if err := json.Unmarshal([]byte(must(t, server, 200, "GET", fmt.Sprintf("/connectors/c%d/config", n), "")), &got); err != nil {
			t.Fatal(err)
		}
		var lost []string
		for key, value := range want {
			if got[key] != value {
				lost = append(lost, key+"="+value)
			}
		}
		if slices.Sort(lost); len(lost) > 0 {
			t.Errorf("connector c%d lost %s", n, strings.Join(lost, ", "))
		}
	}
}
