package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
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
		if got := nearest(given, words); got != want {
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
		if got := cut(test.text, test.most); got != test.want {
			t.Errorf("cut(%q, %d) = %q; want %q", test.text, test.most, got, test.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("plain", 4)
	f.Add("\x1b[31mred\x07\u202e\n", 3)
	f.Add("日本語\xff", 2)
	f.Fuzz(func(t *testing.T, text string, most int) {
		shown := printable(text, "")
		for _, r := range shown {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) && r != 0x200e && r != 0x200f && r != 0x61c {
				t.Errorf("%q shows %U", text, r)
			}
		}
		if most = max(most%200, 1); columns(cut(shown, most)) > most {
			t.Errorf("cut(%q, %d) takes %d columns", shown, most, columns(cut(shown, most)))
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
		if got := age(now, now.Add(-ago)); got != want {
			t.Errorf("%s ago is %q; want %q", ago, got, want)
		}
	}
	if got := age(now, time.Time{}); got != "" {
		t.Errorf("no time is %q", got)
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "0": 0, "1h30m": 90 * time.Minute} {
		var s span
		if err := s.Set(text); err != nil || time.Duration(s) != want {
			t.Errorf("%s is %s, %v; want %s", text, time.Duration(s), err, want)
		}
		var again span
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s is written as %s, which is %s, %v", text, s.String(), time.Duration(again), err)
		}
	}
	for _, text := range []string{"", "d", "1w", "999999d", "-1d", "ten"} {
		if err := new(span).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	oops := errors.New("oops")
	for _, test := range []struct {
		err  error
		code int
		says string
	}{
		{nil, ExitOK, ""}, {oops, ExitError, "oops"}, {differs(oops), ExitDiffers, "oops"}, {differs(nil), ExitDiffers, ""},
		{usagef("no %s", "go"), ExitUsage, "no go"}, {held(oops), ExitHeld, "oops"}, {fmt.Errorf("so: %w", held(oops)), ExitHeld, "so: oops"},
		{errors.New("two\nlines\x1b"), ExitError, "two\nlines\uFFFD"},
	} {
		if code, says := exitCode(test.err), message(test.err); code != test.code || says != test.says {
			t.Errorf("%v: %d %q; want %d %q", test.err, code, says, test.code, test.says)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "1d687d61fe5a"}, {Key: "vcs.time", Value: "2026-11-20T12:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got := buildOf("", info).String(); !strings.HasPrefix(got, "plumb v1.2.3 (commit 1d687d61 with changes, go") {
		t.Errorf("got %s", got)
	}
	if got := buildOf("v2", info); got.Version != "v2" || got.Time != "2026-11-20T12:00:00Z" {
		t.Errorf("got %+v", got)
	}
	if got := buildOf("", nil).String(); !strings.HasPrefix(got, "plumb unknown (go") {
		t.Errorf("got %s", got)
	}
}
