package terminal

import (
	"testing"
	"time"
	"unicode"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"apps", "app", "history", "render", "completion"}
	for given, want := range map[string]string{
		"aps": "apps", "hsitory": "history", "histry": "history", "rendr": "render", "ap": "app", "frobnicate": "", "": "", "zzz": "", "complete": "",
	} {
		if got := Nearest(given, words); got != want {
			t.Errorf("%q is taken for %q; want %q", given, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"größe", "grösse", 2}, {"abc", "abc", 0}} {
		if got := distance(test.a, test.b); got != test.want || distance(test.b, test.a) != got {
			t.Errorf("from %q to %q it is %d; want %d, both ways", test.a, test.b, got, test.want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		most int
		want string
	}{
		{"short", 5, "short"}, {"a bit longer", 6, "a bit…"}, {"a bit longer", 3, "a…"}, {"日本語です", 10, "日本語です"}, {"日本語です", 6, "日本…"},
		{"e\u0301te\u0301", 3, "e\u0301te\u0301"}, {"", 3, ""},
	} {
		if got := Cut(test.text, test.most); got != test.want {
			t.Errorf("cut(%q, %d) = %q; want %q", test.text, test.most, got, test.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("plain", 4)
	f.Add("\x1b[31mred\x07\u202e\n", 3)
	f.Add("日本語\xff", 2)
	f.Fuzz(func(t *testing.T, text string, most int) {
		shown := Printable(text, "")
		for _, r := range shown {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) && r != 0x200e && r != 0x200f && r != 0x61c {
				t.Errorf("%q shows %U", text, r)
			}
		}
		if most = max(most%200, 1); Columns(Cut(shown, most)) > most {
			t.Errorf("cut(%q, %d) takes %d columns", shown, most, Columns(Cut(shown, most)))
		}
	})
}

func TestAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		-time.Hour: "0s", 0: "0s", 59 * time.Second: "59s", time.Minute: "1m", 119 * time.Minute: "1h", 36 * time.Hour: "1d",
		700 * 24 * time.Hour: "700d", 800 * 24 * time.Hour: "2y",
	} {
		if got := Age(now, now.Add(-ago)); got != want {
			t.Errorf("%s ago is %q; want %q", ago, got, want)
		}
	}
	if got := Age(now, time.Time{}); got != "" {
		t.Errorf("no time is %q", got)
	}
}
