package sql

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // functions run where there is none

	"github.com/sluice-connect/sluice/runtime/config"
)

// connection are the settings that both directions have.
type connection struct {
	url, user   string
	password    config.Secret
	attempts    int
	backoff     time.Duration
	dialectName string
	timezone    string
	quoting     string
	quotes      bool // Aiven's form of quoting
	provider    string
	calendar    string
	driver      map[string]config.Secret // connection.<property>

	userGiven, passwordGiven bool
}

// defaultProvider is the class that takes user and password from the settings.
const defaultProvider = "io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider"

// Define declares the settings.
func (c *connection) Define(d *config.Def) {
	d.String(&c.url, "connection.url", "", "JDBC URL of the database: jdbc:mysql://, jdbc:mariadb://, jdbc:postgresql:// or jdbc:sqlite:.",
		config.Required(), config.High, config.Group("Database", 1), config.WidthLong, config.Display("JDBC URL"),
		config.Check(config.Func("a JDBC URL", func(_ string, value any) error {
			text, _ := value.(string)
			return checkURL(text)
		})))
	d.String(&c.user, "connection.user", "", "Name of the database's user.", config.NullDefault(), config.Given(&c.userGiven),
		config.High, config.Group("Database", 2), config.WidthMedium, config.Display("JDBC User"))
	d.Password(&c.password, "connection.password", "Password of the database's user.", config.NullDefault(),
		config.Given(&c.passwordGiven), config.High, config.Group("Database", 3), config.WidthShort, config.Display("JDBC Password"))
	d.Int(&c.attempts, "connection.attempts", 3, "How often to try to connect.", config.Check(config.AtLeast(1)),
		config.Low, config.Group("Database", 4), config.WidthShort, config.Display("JDBC connection attempts"))
	d.Millis(&c.backoff, "connection.backoff.ms", 10*time.Second, "Pause between attempts to connect.", config.Check(config.AtLeast(0)),
		config.Low, config.Group("Database", 5), config.WidthShort, config.Display("JDBC connection backoff in milliseconds"))
	d.String(&c.dialectName, "dialect.name", "", "The database's dialect: MySqlDatabaseDialect, PostgreSqlDatabaseDialect or"+
		" SqliteDatabaseDialect. By default it follows from the URL.", config.Check(config.Func("a dialect", checkDialect)),
		config.Low, config.Group("Database", 6), config.WidthLong, config.Display("Database Dialect"))
	d.String(&c.timezone, "db.timezone", "UTC", "The time zone of times that have none in the database.",
		config.Check(config.Func("a time zone", checkZone)),
		config.Medium, config.Group("Database", 7), config.WidthMedium, config.Display("DB time zone"))
	d.String(&c.quoting, "quote.sql.identifiers", "ALWAYS", "ALWAYS, or NEVER: then the database takes names as if they were not quoted,"+
		" which PostgreSQL brings to lower case. They are quoted all the same.",
		config.Check(config.CaseInsensitiveIn("ALWAYS", "NEVER")),
		config.Medium, config.Group("Database", 8), config.WidthMedium, config.Display("Quote Identifiers"))
	d.Bool(&c.quotes, "sql.quote.identifiers", true, "Aiven's form of quote.sql.identifiers.",
		config.Low, config.Group("Database", 16), config.WidthMedium, config.Display("Quote Identifiers"))
	d.Class(&c.provider, "jdbc.credentials.provider.class", defaultProvider, "Where user and password come from: from the settings, in"+
		" which ${secretsManager:...} and its like may stand for them.", config.Check(config.Func("a class", checkProvider)),
		config.Low, config.Group("Database", 17), config.WidthMedium, config.Display("JDBC Credentials Provider Class"))
	d.String(&c.calendar, "date.calendar.system", "LEGACY", "The calendar of days before 15 October 1582: LEGACY, Java's older one,"+
		" which was Julian before; or PROLEPTIC_GREGORIAN, that of the databases and of newer programs.",
		config.Check(enumerator("legacy", "proleptic_gregorian")),
		config.Low, config.Group("Database", 18), config.WidthMedium, config.Display("Date calendar system"))
	d.Bool(new(bool), "trim.sensitive.log", false, "Keeps values out of the original's log. They are in no message here.", config.Internal())
	d.Rest(&c.driver, connectionPrefix)
}

// connectionPrefix stands before the names of properties that are handed to the driver.
const connectionPrefix = "connection."

func checkProvider(name string, value any) error {
	if class, _ := value.(config.ClassName); value != nil && class != defaultProvider {
		return config.Invalid(name, value, "Java classes are not run here; write ${secretsManager:name:key}, ${ssm:name} or"+
			" ${file:path:key} as connection.user and connection.password")
	}
	return nil
}

// parse takes the URL apart and adds the driver's properties to its parameters, which in all drivers but Connector/J count more.
func (c *connection) parse() (address, error) {
	a, err := parseURL(c.url)
	if err != nil {
		return a, err
	}
	var properties []param
	for _, name := range slices.Sorted(maps.Keys(c.driver)) {
		properties = append(properties, param{name, c.driver[name].Reveal()})
	}
	if a.system == "mysql" {
		a.params = append(a.params, properties...)
	} else {
		a.params = append(properties, a.params...)
	}
	return a, nil
}

// validateConnection checks the driver's properties, by their names.
func (c *connection) validateConnection() error {
	a, err := parseURL(c.url)
	if err != nil {
		return nil //nolint:nilerr // the setting's own check reported it
	}
	d, ok := dialectOf(a.system)
	if !ok {
		return nil
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.driver)) {
		a.params = []param{{name, c.driver[name].Reveal()}}
		if _, err := d.connector(a, "user", "password"); err != nil {
			errs = append(errs, config.Errorf(connectionPrefix+name, "Invalid value for configuration %s: %s", connectionPrefix+name, err))
		}
	}
	return errors.Join(errs...)
}

// gregorian tells whether days before 1582 are in the Gregorian calendar, too.
func (c *connection) gregorian() bool { return strings.EqualFold(c.calendar, "PROLEPTIC_GREGORIAN") }

// folds tells whether the database takes names as if they were not quoted.
func (c *connection) folds() bool { return strings.EqualFold(c.quoting, "NEVER") || !c.quotes }

// checkURL tells what is wrong with a URL, as far as that can be known without connecting.
func checkURL(text string) error {
	const name = "connection.url"
	a, err := parseURL(text)
	if err != nil {
		return config.Errorf(name, "Invalid value for configuration %s: %s", name, err)
	}
	d, ok := dialectOf(a.system)
	if !ok {
		return config.Invalid(name, nil, "there is no driver for it")
	}
	if _, err := d.connector(a, "user", "password"); err != nil {
		return config.Errorf(name, "Invalid value for configuration %s: %s", name, err)
	}
	return nil
}

func checkDialect(name string, value any) error {
	text, _ := value.(string)
	if text == "" {
		return nil
	}
	for _, d := range dialects() {
		if strings.EqualFold(text, d.name+"DatabaseDialect") {
			return nil
		}
	}
	return config.Invalid(name, value, "there is no such dialect")
}

func checkZone(name string, value any) error {
	text, _ := value.(string)
	if _, err := zone(text); err != nil {
		return config.Invalid(name, value, "Invalid time zone identifier")
	}
	return nil
}

// zone reads a time zone as Java writes it: Europe/Berlin, GMT+2, UTC.
func zone(text string) (*time.Location, error) {
	for _, prefix := range []string{"GMT", "UTC", "UT"} {
		offset, ok := strings.CutPrefix(text, prefix)
		if !ok || offset == "" || offset[0] != '+' && offset[0] != '-' {
			continue
		}
		for _, layout := range []string{"-07:00", "-0700", "-07"} {
			padded := offset
			if len(offset) == 2 || len(offset) == 5 && offset[2] == ':' {
				padded = offset[:1] + "0" + offset[1:]
			}
			if t, err := time.Parse(layout, padded); err == nil {
				return t.Location(), nil
			}
		}
	}
	return time.LoadLocation(text)
}

// either returns the first text that is not empty.
func either(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func milliseconds(text string) (time.Duration, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of milliseconds", text)
	}
	return time.Duration(n) * time.Millisecond, nil
}

func truth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes":
		return true, nil
	case "false", "no":
		return false, nil
	}
	return false, errors.New("it is neither true nor false")
}
