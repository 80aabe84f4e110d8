package connector_test

import (
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connector"
)

// FuzzValidate reads settings from lines name=value. Nothing panics, and what validation finds nothing wrong with can be
// parsed, unless a transform names a predicate that is not listed, which Connect does not notice before it runs.
func FuzzValidate(f *testing.F) {
	f.Add("topics=a,a\ntopics.regex=(", true)
	f.Add("transforms=a,,b\ntransforms.a.type=Filter\ntransforms.a.predicate=p\npredicates=p", false)
	f.Add("transforms=a\ntransforms.a.type=org.apache.kafka.connect.transforms.Cast\ntransforms.a.negate=", false)
	f.Add("topic.creation.groups=g\ntopic.creation.g.include=[\ntopic.creation.default.partitions=1", false)
	f.Add("key.converter=Json\nkey.converter.converter.type=\nheader.converter= Simple", true)
	f.Add("errors.deadletterqueue.topic.name=t\ntopics=t\nconsumer.override.x=\nname=\x00", true)
	f.Add("transforms=\xff\ntransforms.\xff.type=\ntasks.max=99999999999", true)
	p, w := described(f), worker(f)
	own := map[bool]config.Definer{false: ownSettings(f, connector.KindSource), true: ownSettings(f, connector.KindSink)}
	f.Fuzz(func(t *testing.T, text string, sink bool) {
		values := with("topic", "t")
		for line := range strings.Lines(text) {
			name, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			values[name] = v
		}
		subject := connector.Subject{Kind: connector.KindSource}
		if sink {
			subject.Kind = connector.KindSink
		}
		subject.Own = own[sink]
		infos := connector.Validate(values, subject, p, w)
		count := 0
		for _, c := range infos.Configs {
			if c.Value == nil || c.Value.Errors == nil || c.Value.Recommended == nil {
				t.Fatalf("incomplete: %+v", c)
			}
			count += len(c.Value.Errors)
		}
		if count != infos.ErrorCount {
			t.Errorf("%d errors, but error_count is %d", count, infos.ErrorCount)
		}
		var err error
		if sink {
			_, err = connector.ParseSink(values, p, w)
		} else {
			_, err = connector.ParseSource(values, p, w)
		}
		if count == 0 && err != nil && !strings.Contains(err.Error(), "Unknown configuration 'predicates.") &&
			!connector.UsesTopicCreation(values) {
			t.Errorf("nothing wrong was found, but parsing fails: %v", err)
		}
	})
}
