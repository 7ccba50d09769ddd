package main

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestStepsAreShown(t *testing.T) {
	step := func(_ context.Context, tell func(string)) (string, error) {
		tell("half of it")
		return "it is done", nil
	}
	fails := func(context.Context, func(string)) (string, error) { return "", errors.New("no") }
	var out strings.Builder
	s := &screen{out: &out}
	if err := s.run(t.Context(), "doing it", step); err != nil {
		t.Error(err)
	}
	if err := s.run(t.Context(), "doing more", fails); err == nil {
		t.Error("the error is lost")
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 5 || lines[0] != "doing it …" || !strings.HasPrefix(lines[1], "✓ it is done  ") || lines[3] != "✗ doing more" {
		t.Errorf("%q", lines)
	}
}

func TestLiveLines(t *testing.T) {
	var out strings.Builder
	s := &screen{out: &out, width: func() int { return 10 }}
	s.show("one", "a line that is too long")
	s.show("two")
	s.say("stays")
	want := "one\na line t…\n" + "\x1b[2A\x1b[J" + "two\n" + "\x1b[1A\x1b[J" + "stays\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	out.Reset()
	(&screen{out: &out}).show("nothing is live here")
	if out.String() != "" {
		t.Errorf("%q", out.String())
	}
}

func TestKubectlForm(t *testing.T) {
	if got, want := kubectlForm("plumb-demo scale shop/web 7"), "kubectl --namespace shop scale deployment/web --replicas 7"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := kubectlForm("git commit -qam 'x'"); got != "" {
		t.Errorf("%q for a command that has no such form", got)
	}
}
