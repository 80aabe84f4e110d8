package aws_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/control/aws"
	"github.com/sluice-connect/sluice/runtime/offset"
)

const list = `[{"class": "com.example.OrdersSource", "type": "source", "version": "1", "function": "orders"},
	{"class": "com.example.OrdersSink", "type": "sink", "version": "1", "function": "sink"}]`

// noted is a Lambda that notes what it is asked.
type noted struct{ asked []string }

func (n *noted) Call(_ context.Context, function string, payload []byte) ([]byte, error) {
	n.asked = append(n.asked, "call "+function+" "+string(payload))
	return []byte("{}"), nil
}

func (n *noted) Event(_ context.Context, function string, payload []byte) error {
	n.asked = append(n.asked, "event "+function+" "+string(payload))
	return nil
}

func connector(class string, target offset.Target, trigger map[string]string) offset.Connector {
	return offset.Connector{
		Name: "c", Config: map[string]string{"connector.class": class}, Target: target, Stale: true, Trigger: trigger,
	}
}

func TestFunctions_AskWhoAnswersForAClass(t *testing.T) {
	t.Parallel()
	all, err := aws.ParseFunctions(list)
	if err != nil {
		t.Fatal(err)
	}
	n := &noted{}
	f := aws.Functions{Lambda: n, List: all}
	if _, err := f.Ask(t.Context(), "com.example.OrdersSource", offset.Connector{}, []byte("1")); err != nil {
		t.Error(err)
	}
	if _, err := f.Invoke(t.Context(), connector("OrdersSink", offset.Running, nil), []byte("2")); err != nil {
		t.Error(err)
	}
	if _, err := f.Invoke(t.Context(), connector("OrdersSink", offset.Running, map[string]string{"function": "own"}), []byte("3")); err != nil {
		t.Error(err)
	}
	// A connector's own function may read its secrets, others of its class may not; another class it does not know.
	own := connector("OrdersSink", offset.Running, map[string]string{"function": "own"})
	for _, class := range []string{"com.example.OrdersSink", "com.example.OrdersSource"} {
		if _, err := f.Ask(t.Context(), class, own, []byte("4")); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"call orders 1", "call sink:connector-c 2", "call own 3", "call own 4", "call orders 4"}; !slices.Equal(n.asked, want) {
		t.Errorf("asked %q, want %q", n.asked, want)
	}
	if _, err := f.Ask(t.Context(), "com.example.Other", offset.Connector{}, nil); err == nil || !strings.Contains(err.Error(), "com.example.Other") {
		t.Errorf("a class that is not deployed: %v", err)
	}
}

func TestParseFunctions_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", `[{"class": "a", "type": "source"}]`, `[{"class": "a", "function": "f", "type": "both"}]`} {
		if _, err := aws.ParseFunctions(text); err == nil || !strings.Contains(err.Error(), aws.EnvFunctions) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if all, err := aws.ParseFunctions(""); err != nil || all != nil {
		t.Errorf("nothing is %v, %v", all, err)
	}
}
