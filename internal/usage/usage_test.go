package usage

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "0": 0, "1h30m": 90 * time.Minute} {
		var s Span
		if err := s.Set(text); err != nil || time.Duration(s) != want {
			t.Errorf("%s is %s, %v; want %s", text, time.Duration(s), err, want)
		}
		var again Span
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s is written as %s, which is %s, %v", text, s.String(), time.Duration(again), err)
		}
	}
	for _, text := range []string{"", "d", "1w", "999999d", "-1d", "ten"} {
		if err := new(Span).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"512Mi": 512 << 20, "1Gi": 1 << 30, "1G": 1e9, "1500": 1500} {
		var s, again Size
		if err := s.Set(text); err != nil || int64(s) != want || s.Type() != "size" {
			t.Errorf("%s is %d, %v; want %d", text, int64(s), err, want)
		}
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s is written as %s", text, s.String())
		}
	}
	for _, text := range []string{"", "0", "-1Mi", "ten", "1 MB"} {
		if err := new(Size).Set(text); err == nil {
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
		{nil, ExitOK, ""}, {oops, ExitError, "oops"}, {Differs(oops), ExitDiffers, "oops"}, {Differs(nil), ExitDiffers, ""},
		{Errorf("no %s", "go"), ExitUsage, "no go"}, {Held(oops), ExitHeld, "oops"}, {fmt.Errorf("so: %w", Held(oops)), ExitHeld, "so: oops"},
		{errors.New("two\nlines\x1b"), ExitError, "two\nlines\uFFFD"},
	} {
		if code, says := Code(test.err), Message(test.err); code != test.code || says != test.says {
			t.Errorf("%v: %d %q; want %d %q", test.err, code, says, test.code, test.says)
		}
	}
}
