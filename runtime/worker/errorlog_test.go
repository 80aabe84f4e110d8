package worker_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) errors(t *testing.T) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.text.String()) {
		if _, rest, ok := strings.Cut(line, `msg="Error encountered`); ok {
			text, _, _ := strings.Cut(rest, `" connector=`)
			found = append(found, "Error encountered"+text)
		}
	}
	return found
}

func TestErrorsLog_SaysWhatConnectDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ log, messages, sink, source string }{
		{"false", "true", "", ""},
		{
			"true", "false", "Error encountered in task s-0. Executing stage 'VALUE_CONVERTER' with class '" + stringConverter + "'.",
			"Error encountered in task c-0. Executing stage 'VALUE_CONVERTER' with class '" + stringConverter + "'.",
		},
		{
			"true", "true", "Error encountered in task s-0. Executing stage 'VALUE_CONVERTER' with class '" + stringConverter +
				"', where consumed record is {topic='in', partition=0, offset=7, timestamp=1700000000000, timestampType=CreateTime}.",
			"Error encountered in task c-0. Executing stage 'VALUE_CONVERTER' with class '" + stringConverter +
				"', where source record is = SourceRecord{sourcePartition={part=a}, sourceOffset={line=1}} ConnectRecord{topic='feed', " +
				"kafkaPartition=null, key=null, keySchema=null, value=bad, valueSchema=null, timestamp=null, headers=ConnectHeaders(headers=)}.",
		},
	} {
		b, p, f, log := setup(t), &pit{}, &feed{}, &lines{}
		b.env.Log = slog.New(slog.NewTextHandler(log, nil))
		settings := map[string]string{"errors.tolerance": "all", "errors.log.enable": c.log, "errors.log.include.messages": c.messages}
		f.add("a", "bad")
		b.put(t, "c", settings)
		run(t, b.source(f), "c")
		settings["topics"] = "in"
		b.put(t, "s", settings)
		if _, _, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 7, "bad")); err != nil {
			t.Fatal(err)
		}
		var want []string
		if c.source != "" {
			want = []string{c.source, c.sink}
		}
		if diff := cmp.Diff(want, log.errors(t)); diff != "" {
			t.Errorf("%+v: %s", fmt.Sprint(c.log, c.messages), diff)
		}
	}
}
