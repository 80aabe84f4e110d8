package sql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/sql"
)

func TestParseURL_TakesItApart(t *testing.T) {
	t.Parallel()
	type parsed struct {
		System   string
		Hosts    []string
		Database string
		Params   [][2]string
	}
	for text, want := range map[string]parsed{
		"jdbc:mysql://db/shop":                       {"mysql", []string{"db:3306"}, "shop", nil},
		"jdbc:mysql://db:3307/shop?useSSL=false&a=":  {"mysql", []string{"db:3307"}, "shop", [][2]string{{"useSSL", "false"}, {"a", ""}}},
		"jdbc:mysql://u:p%40@db/shop":                {"mysql", []string{"db:3306"}, "shop", [][2]string{{"password", "p@"}, {"user", "u"}}},
		"jdbc:mysql:failover://a,b:1/":               {"mysql", []string{"a:3306", "b:1"}, "", nil},
		"jdbc:mariadb:sequential://a,[::1]:2/x%20y":  {"mariadb", []string{"a:3306", "[::1]:2"}, "x y", nil},
		"jdbc:postgresql://a,b:2/db?sslmode=require": {"postgresql", []string{"a:5432", "b:2"}, "db", [][2]string{{"sslmode", "require"}}},
		"jdbc:postgresql:db":                         {"postgresql", []string{"localhost:5432"}, "db", nil},
		"jdbc:postgresql:/":                          {"postgresql", []string{"localhost:5432"}, "", nil},
		"jdbc:postgresql://[::1]/db":                 {"postgresql", []string{"[::1]:5432"}, "db", nil},
		"jdbc:sqlite:/tmp/x.db?mode=ro":              {"sqlite", nil, "/tmp/x.db", [][2]string{{"mode", "ro"}}},
		"jdbc:sqlite::memory:":                       {"sqlite", nil, ":memory:", nil},
	} {
		var got parsed
		var err error
		if got.System, got.Hosts, got.Database, got.Params, err = sql.ParseURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if len(got.Params) > 1 && got.Params[0][0] == "user" { // in either order
			got.Params[0], got.Params[1] = got.Params[1], got.Params[0]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestCheckURL_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"mysql://db/shop":                      "the URL does not begin with",
		"jdbc:mysql":                           "the URL names no database system",
		"jdbc:oracle:thin:@db":                 `there is no driver for "oracle"`,
		"jdbc:mysql:db":                        "it has no // before the host",
		"jdbc:mysql:aws://db/x":                `there is "aws:" before the //`,
		"jdbc:mysql://address=(host=a)/x":      "hosts written as address=(…)",
		"jdbc:mysql://db/x?frob=1":             "the parameter frob: it is not known here",
		"jdbc:mysql://db/x?connectTimeout=1s":  `the parameter connectTimeout: "1s" is not a number of milliseconds`,
		"jdbc:mysql://db/x?sslMode=SOME":       `the parameter sslMode: there is no mode "SOME"`,
		"jdbc:mysql://db/x?useSSL=perhaps":     "the parameter useSSL: it is neither true nor false",
		"jdbc:postgresql://db/x?frob=1":        "the parameter frob: it is not known here",
		"jdbc:postgresql://db/x?sslfactory=x":  `the parameter sslfactory: "x" is a Java class`,
		"jdbc:postgresql://db/x?sslmode=maybe": "it, or the user or password, cannot be used",
		"jdbc:sqlite:x?frob=1":                 "the parameter frob: it is not known here",
		"jdbc:sqlite:x?cache_size=1);drop":     "is not a value of this pragma",
		"jdbc:mysql://db/x?a=%zz":              `the value of the parameter "a" is not encoded well`,
	} {
		err := sql.CheckURL(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if err := sql.CheckURL("jdbc:mysql://u:geheim@db/x?password=geheim&frob=1"); strings.Contains(err.Error(), "geheim") {
		t.Errorf("the password is in %q", err)
	}
}

func TestCheckURL_KnowsTheUsualParameters(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"jdbc:mysql://db/x?useSSL=true&requireSSL=true&verifyServerCertificate=false&serverTimezone=UTC&useUnicode=true" +
			"&characterEncoding=UTF-8&zeroDateTimeBehavior=CONVERT_TO_NULL&connectTimeout=5000&socketTimeout=60000" +
			"&allowPublicKeyRetrieval=true&rewriteBatchedStatements=true&useCursorFetch=true&defaultFetchSize=1000" +
			"&sessionVariables=sql_mode='ANSI,TRADITIONAL',time_zone='+00:00'&autoReconnect=true&tinyInt1isBit=false&yearIsDateType=false",
		"jdbc:mariadb:failover://a,b/x?sslMode=verify-full&useBulkStmts=true",
		"jdbc:postgresql://a,b/x?ssl=true&sslmode=require&ApplicationName=sluice&currentSchema=a,b&options=-c%20geqo=off" +
			"&targetServerType=primary&loadBalanceHosts=true&connectTimeout=10&socketTimeout=0&tcpKeepAlive=true&stringtype=unspecified",
		"jdbc:sqlite:/x?busy_timeout=10&journal_mode=WAL",
	} {
		if err := sql.CheckURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("jdbc:mysql://u:p@a:1,b/db?x=y&z")
	f.Add("jdbc:postgresql:/?user=x")
	f.Add("jdbc:sqlite::memory:")
	f.Fuzz(func(t *testing.T, text string) {
		system, hosts, _, _, err := sql.ParseURL(text)
		if err == nil && system != "sqlite" && len(hosts) == 0 {
			t.Error("no host")
		}
		_ = sql.CheckURL(text)
	})
}

func TestParseTable_KnowsQuotes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		system, text string
		parts        [3]string
		quoted       string
	}{
		{"mysql", "orders", [3]string{"", "", "orders"}, "`orders`"},
		{"mysql", "shop.orders", [3]string{"shop", "", "orders"}, "`shop`.`orders`"},
		{"mysql", "`a.b`.`c``d`", [3]string{"a.b", "", "c`d"}, "`a.b`.`c``d`"},
		{"postgresql", "public.orders", [3]string{"", "public", "orders"}, `"public"."orders"`},
		{"postgresql", `"A b"."c""d"`, [3]string{"", "A b", `c"d`}, `"A b"."c""d"`},
		{"postgresql", "db.public.orders", [3]string{"db", "public", "orders"}, `"db"."public"."orders"`},
	} {
		parts, quoted, err := sql.ParseTable(c.system, c.text)
		if err != nil || parts != c.parts || quoted != c.quoted {
			t.Errorf("%s: %q %s %v", c.text, parts, quoted, err)
		}
	}
	for _, bad := range []string{"", ".", "a.", "a.b.c.d", "`a", "`a`b"} {
		if _, _, err := sql.ParseTable("mysql", bad); err == nil {
			t.Errorf("%q is taken for a name", bad)
		}
	}
}

func TestDialect_QuotesAndBinds(t *testing.T) {
	t.Parallel()
	if a, b := sql.Placeholders("postgresql"); a != "$1" || b != "$2" {
		t.Errorf("PostgreSQL: %s %s", a, b)
	}
	if a, b := sql.Placeholders("mariadb"); a != "?" || b != "?" {
		t.Errorf("MariaDB: %s %s", a, b)
	}
	if got := sql.QuotedAll("sqlite", "a", `b"c`); got != `"a","b""c"` {
		t.Error(got)
	}
	if got := sql.Param("jdbc:mysql://h/d?a=1&a=2", "a"); got != "2" {
		t.Error(got)
	}
}
