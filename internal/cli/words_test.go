package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

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
