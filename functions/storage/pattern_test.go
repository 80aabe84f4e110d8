package storage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
)

func TestPattern_IsThatOfJodaTime(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 3, 5, 0, 7, 9, 45_000_000, berlin) // a Tuesday
	for _, c := range []struct{ pattern, locale, want string }{
		{"'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", "en", "year=2024/month=03/day=05/hour=00"},
		{"yyyy-M-d H:m:s.SSS", "en-US", "2024-3-5 0:7:9.045"},
		{"yy YY y", "en", "24 24 2024"},
		{"EEE EEEE MMM MMMM a", "en_US", "Tue Tuesday Mar March AM"},
		{"EEE, d. MMMM", "de-DE", "Di., 5. März"},
		{"EEEE d MMMM", "fr", "mardi 5 mars"},
		{"xxxx-'W'ww-e", "en", "2024-W10-2"},
		{"DDD", "en", "065"},
		{"hh KK kk", "en", "12 00 24"},
		{"Z ZZ ZZZ z", "en", "+0100 +01:00 Europe/Berlin CET"},
		{"''yyyy''", "en", "'2024'"},
		{"G C", "en", "AD 20"},
		{"S SS SSSS", "en", "0 04 0450"},
		{"'dt'=yyyyMMdd", "ja", "dt=20240305"},
	} {
		p, err := storage.ParsePattern(c.pattern, c.locale)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.Format(at); got != c.want {
			t.Errorf("%s: %q, want %q", c.pattern, got, c.want)
		}
	}
}

func TestPattern_Refuses(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{"yyyy-q": "Illegal pattern component: q", "MMMM": "are not known in the language of locale ja"} {
		if _, err := storage.ParsePattern(pattern, "ja"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func FuzzParsePattern(f *testing.F) {
	for _, seed := range []string{"yyyy", "'year'=YYYY/'month'=MM", "''", "'", "EEEE", "ZZZ", "SSSSSSSS"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, pattern string) {
		if len(pattern) > 1000 {
			return
		}
		if p, err := storage.ParsePattern(pattern, "en"); err == nil {
			p.Format(time.UnixMilli(1700000000123))
		}
	})
}
