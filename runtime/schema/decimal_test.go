package schema_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestParseDecimal_KeepsTheScale(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text          string
		scale         int32
		String, Plain string
	}{
		{"0", 0, "0", "0"},
		{"-0.00", 2, "0.00", "0.00"},
		{"1.0", 1, "1.0", "1.0"},
		{"+1.00", 2, "1.00", "1.00"},
		{".5", 1, "0.5", "0.5"},
		{"5.", 0, "5", "5"},
		{"1E+3", -3, "1E+3", "1000"},
		{"1.5e3", -2, "1.5E+3", "1500"},
		{"0E-7", 7, "0E-7", "0.0000000"},
		{"0.000001", 6, "0.000001", "0.000001"},
		{"0.0000001", 7, "1E-7", "0.0000001"},
		{"123e-9", 9, "1.23E-7", "0.000000123"},
		{"12345678901234567890.12", 2, "12345678901234567890.12", "12345678901234567890.12"},
		{"-1e-2147483647", math.MaxInt32, "-1E-2147483647", "-1E-2147483647"},
		{"1e2147483647", -math.MaxInt32, "1E+2147483647", "1E+2147483647"},
		{"1e0000000000000003", -3, "1E+3", "1000"},
		{"١٢.٣", 1, "12.3", "12.3"},
		{"0E+3", -3, "0E+3", "0"},
	} {
		d, err := schema.ParseDecimal(c.text)
		if err != nil {
			t.Errorf("ParseDecimal(%q): %v", c.text, err)
			continue
		}
		if d.Scale != c.scale || d.String() != c.String || d.PlainString() != c.Plain {
			t.Errorf("ParseDecimal(%q) = %s, plain %s, scale %d, want %s, %s, %d", c.text, d, d.PlainString(), d.Scale, c.String, c.Plain, c.scale)
		}
	}
	for _, text := range []string{"", " 1", "1 ", "+", "-", ".", "e1", "1e", "1e+", "1.2.3", "0x1", "NaN", "1_0", "--1", "1e2147483649", "1e99999999999", "1.e-2147483648"} {
		if d, err := schema.ParseDecimal(text); err == nil {
			t.Errorf("ParseDecimal(%q) = %s, want an error", text, d)
		}
	}
}

func TestDecimal_BytesAreTwosComplement(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]byte{
		"0":                   {0},
		"127":                 {0x7f},
		"128":                 {0, 0x80},
		"-128":                {0x80},
		"-129":                {0xff, 0x7f},
		"-1":                  {0xff},
		"1.5":                 {15},
		"255":                 {0, 0xff},
		"-256":                {0xff, 0},
		"9223372036854775808": {0, 0x80, 0, 0, 0, 0, 0, 0, 0},
	} {
		d, err := schema.ParseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Bytes(); !bytes.Equal(got, want) {
			t.Errorf("%s has bytes %x, want %x", text, got, want)
		}
		back, err := schema.DecimalFromBytes(want, d.Scale)
		if err != nil || !schema.Equal(back, d) {
			t.Errorf("bytes %x are %s, %v, want %s", want, back, err, d)
		}
	}
	if _, err := schema.DecimalFromBytes(nil, 0); err == nil {
		t.Error("no bytes are a number")
	}
}

func TestDecimal_CmpLooksAtTheNumber(t *testing.T) {
	t.Parallel()
	rising := []string{"-1e2147483647", "-100", "-1.5", "-1e-2147483647", "0", "1e-2147483647", "0.1", "1", "9.99", "10", "1e2147483647"}
	for i, a := range rising {
		for j, b := range rising {
			da, _ := schema.ParseDecimal(a)
			db, _ := schema.ParseDecimal(b)
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := da.Cmp(db); got != want {
				t.Errorf("%s compared to %s = %d, want %d", a, b, got, want)
			}
		}
	}
	if schema.NewDecimal(10, 1).Cmp(schema.NewDecimal(1, 0)) != 0 {
		t.Error("1.0 and 1 differ as numbers")
	}
	if f := schema.NewDecimal(1, -400).Float64(); !math.IsInf(f, 1) {
		t.Errorf("1E+400 as a float is %v, want an infinity", f)
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, text := range []string{"0", "-1.50", "1E+3", "1e-2147483647", "٣", ".5e-7", "99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := schema.ParseDecimal(text)
		if err != nil {
			return
		}
		back, err := schema.ParseDecimal(d.String())
		if err != nil || !schema.Equal(back, d) {
			t.Errorf("%q is %s, which reads as %s, %v", text, d, back, err)
		}
		back, err = schema.DecimalFromBytes(d.Bytes(), d.Scale)
		if err != nil || !schema.Equal(back, d) {
			t.Errorf("the bytes of %s read as %s, %v", d, back, err)
		}
		if d.Scale < -10_000 || d.Scale > 10_000 {
			return // a million zeros are as good as ten thousand, and take too long
		}
		if plain := d.PlainString(); !strings.ContainsAny(plain, "eE") {
			if back, err = schema.ParseDecimal(plain); err != nil || back.Cmp(d) != 0 {
				t.Errorf("%s in plain is %s, which reads as %s, %v", d, plain, back, err)
			}
		}
	})
}
