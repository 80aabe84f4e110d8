package sql_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// declared are all settings of the connectors of Confluent and Aiven, which none of those here may miss.
func TestSettings_AreThoseOfTheOriginals(t *testing.T) {
	t.Parallel()
	both := []string{
		"connection.url", "connection.user", "connection.password", "connection.attempts", "connection.backoff.ms", "dialect.name", "db.timezone",
		"jdbc.credentials.provider.class", "quote.sql.identifiers", "sql.quote.identifiers", "table.types",
		"date.calendar.system", "trim.sensitive.log",
	}
	source := []string{
		"mode", "incrementing.column.name", "incrementing.column.mapping", "incrementing.initial", "timestamp.column.name",
		"timestamp.columns.mapping", "timestamp.initial", "timestamp.initial.ms", "validate.non.null", "table.whitelist", "table.blacklist",
		"table.include.list", "table.exclude.list", "table.names.qualify", "schema.pattern", "catalog.pattern", "table.poll.interval.ms",
		"query", "query.masked", "query.suffix", "query.retry.attempts", "transaction.isolation.mode", "topic.prefix", "poll.interval.ms",
		"poll.linger.ms", "batch.max.rows", "table.monitoring.startup.polling.limit.ms", "timestamp.delay.interval.ms", "timestamp.granularity", "numeric.mapping", "numeric.precision.mapping",
	}
	sink := []string{
		"insert.mode", "pk.mode", "pk.fields", "auto.create", "auto.evolve", "delete.enabled", "batch.size", "table.name.format",
		"table.name.normalize", "topics.to.tables.mapping", "fields.whitelist", "max.retries", "retry.backoff.ms", "replace.null.with.default",
		"string.output.value.column.name", "date.timezone", "timestamp.fields.list", "timestamp.precision.mode", "mssql.use.merge.holdlock",
	}
	for name, c := range map[string]struct {
		definer config.Definer
		want    []string
	}{"source": {sql.Source.New(), slices.Concat(both, source)}, "sink": {sql.Sink.New(), slices.Concat(both, sink)}} {
		var have []string
		for _, k := range config.Keys(c.definer) {
			have = append(have, k.Name)
		}
		for _, want := range c.want {
			if !slices.Contains(have, want) {
				t.Errorf("the %s does not declare %s", name, want)
			}
		}
	}
}

// wrong parses and validates settings added to some that are right, and returns which settings are wrong.
func wrong(c config.Definer, settings map[string]string) []string {
	all := map[string]string{"connection.url": "jdbc:mysql://db/x", "mode": "bulk", "topic.prefix": "t-"}
	maps.Copy(all, settings)
	err := config.Parse(all, c)
	if err == nil {
		err = c.(connect.Validator).Validate()
	}
	names := []string{}
	for _, e := range config.Errors(err) {
		names = append(names, e.Key)
	}
	slices.Sort(names)
	return names
}

func TestSource_ValidatesSettingsTogether(t *testing.T) {
	t.Parallel()
	const aiven, confluent = "io.aiven.connect.jdbc.JdbcSourceConnector", "io.confluent.connect.jdbc.JdbcSourceConnector"
	filters := []string{"table.blacklist", "table.exclude.list", "table.include.list", "table.whitelist"}
	for text, want := range map[string][]string{
		"":                  filters,
		"table.whitelist=a": {},
		"mode=incrementing|incrementing.column.name=id": {},
		"connector.class=" + aiven:                      {},

		"table.whitelist=a|table.include.list=b":                                   {"table.include.list", "table.whitelist"},
		"table.include.list=b|mode=incrementing|incrementing.column.name=id":       {"incrementing.column.name", "table.include.list"},
		"table.include.list=b|mode=incrementing":                                   {"mode"},
		"table.include.list=b|mode=incrementing|incrementing.column.mapping=.*:id": {},
		"table.include.list=b|incrementing.column.mapping=.*:id":                   {"mode"},
		"table.include.list=b|mode=timestamp":                                      {"mode"},
		"table.exclude.list=b":                                                     {"table.exclude.list"},
		"table.whitelist=a|table.blacklist=b":                                      {"table.blacklist", "table.whitelist"},
		"table.include.list=(|table.exclude.list=x":                                {"table.include.list"},
		"query=select 1":                                    {},
		"query.masked= Select 1":                            {},
		"query=update t set a=1":                            {"query"},
		"query.masked=with a as (select 1) select * from a": {"query.masked"},
		"connector.class=" + aiven + "|query=with a as (select 1) select * from a":                      {},
		"query=select 1|query.masked=select 2":                                                          {"query", "query.masked"},
		"query=select 1|table.whitelist=a":                                                              {"query", "query.masked", "table.whitelist"},
		"query=select 1|topic.prefix=":                                                                  {"topic.prefix"},
		"table.whitelist=a|topic.prefix=a b":                                                            {"topic.prefix"},
		"table.whitelist=a|topic.prefix=":                                                               {},
		"table.whitelist=a|transaction.isolation.mode=sql_server_snapshot":                              {"transaction.isolation.mode"},
		"table.whitelist=a|transaction.isolation.mode=SOME":                                             {"transaction.isolation.mode"},
		"table.whitelist=a|jdbc.credentials.provider.class=com.example.Mine":                            {"jdbc.credentials.provider.class"},
		"table.whitelist=a|connection.useSSL=false|connection.frob=1":                                   {"connection.frob"},
		"table.whitelist=a|connection.url=jdbc:postgresql://db/x|connection.loginTimeout=x":             {"connection.loginTimeout"},
		"table.whitelist=a|mode=timestamp|connector.class=" + confluent + "|validate.non.null=false":    {"timestamp.column.name"},
		"table.whitelist=a|table.blacklist=b|connector.class=" + aiven + "|sql.quote.identifiers=false": {"table.blacklist", "table.whitelist"},
	} {
		settings := map[string]string{}
		for pair := range strings.SplitSeq(text, "|") {
			name, value, _ := strings.Cut(pair, "=")
			if name != "" {
				settings[name] = value
			}
		}
		if diff := cmp.Diff(want, wrong(sql.Source.New(), settings)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestSink_NamesADriversPropertyThatIsWrong(t *testing.T) {
	t.Parallel()
	got := wrong(sql.Sink.New(), map[string]string{"connection.frob": "1", "connection.connectTimeout": "5"})
	if diff := cmp.Diff([]string{"connection.frob"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
