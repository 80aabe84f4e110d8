package sql_test

import (
	"testing"

	"github.com/sluice-connect/sluice/functions/sql"
)

// The servers of the tests show who is writing in different ways: MariaDB by metadata locks, MySQL, whose performance_schema is
// off, by InnoDB's transactions, and to a user without privileges neither of them does.
func TestSight(t *testing.T) {
	t.Parallel()
	for system, want := range map[string]string{"mysql": "transactions", "mariadb": "locks"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			s := fresh(t, system)
			user := "blind_" + s.database()[7:]
			s.exec(t, "create user "+user+" identified by 'x'", "grant all on "+s.database()+".* to "+user)
			t.Cleanup(func() { _, _ = s.db.Exec("drop user " + user) })
			blind := s.with("")
			blind["connection.user"], blind["connection.password"] = user, "x"
			for settings, want := range map[*map[string]string]string{&s.settings: want, &blind: "none"} {
				d, err := sql.Open(t.Context(), *settings)
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.Sight(t.Context())
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				if err != nil || got != want {
					t.Errorf("%s: %q, want %q: %v", (*settings)["connection.user"], got, want, err)
				}
			}
		})
	}
}
