package view

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestWindow(t *testing.T) {
	t.Parallel()
	for want, w := range map[string]*status.Window{
		"":     nil,
		"open": {Open: true},
		"open: no window denies it; closes 2026-11-20 17:00 UTC (in 5h)": {Open: true, Reason: "no window denies it", Next: noon.Add(5 * time.Hour)},
		"closed: quarter end; opens 2026-11-22 12:00 UTC (in 2d)":        {Reason: "quarter end", Next: noon.Add(48 * time.Hour)},
		"closed: for good": {Reason: "for good"},
	} {
		if got := windowOf(w, noon); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}

func TestPausedThings(t *testing.T) {
	t.Parallel()
	key := &object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	for _, test := range []struct {
		pause         gate.Pause
		what, command string
	}{
		{gate.Pause{}, "everything", "plumb resume --all"},
		{gate.Pause{App: "a/b"}, "a/b", "plumb resume a/b"},
		{gate.Pause{App: "a/b", Object: key}, "Deployment/shop/web of a/b", "plumb resume Deployment/shop/web"},
		{gate.Pause{Object: key}, "Deployment/shop/web", "plumb resume Deployment/shop/web"},
	} {
		if what, command := Paused(test.pause), ResumeCommand(test.pause); what != test.what || command != test.command {
			t.Errorf("got %q, %q; want %q, %q", what, command, test.what, test.command)
		}
	}
}

func TestShownValues(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]*release.FieldValue{
		"":                                 nil,
		"3":                                {Content: 3},
		"text":                             {Content: "text"},
		`{"a":[1,null]}`:                   {Content: map[string]any{"a": []any{1, nil}}},
		"<hidden a1b2>":                    {Hidden: "<hidden a1b2>"},
		"a b":                              {Content: "a\nb"},
		"0123456789012345678901234567890…": {Content: strings.Repeat("0123456789", 9)},
		"?":                                {Content: func() {}},
	} {
		if got := fieldValue(v); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}

// TestApproveIsSaidOnce shows the command that approves, unless what holds the
// App names it already.
func TestApproveIsSaidOnce(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"it waits", "it waits: `plumb approve a/b 4f2a91c07b3d`"} {
		var out bytes.Buffer
		a := status.App{
			Namespace: "a", Name: "b", Mode: "approve", Hold: &gate.Hold{Reason: gate.HeldByApproval, Message: message},
			Plan: &status.PendingPlan{Hash: "4f2a91c07b3d4f2a91c07b3d", Revision: "1d687d61", MadeAt: noon},
		}
		App(terminal.Screen{Out: &out}, status.Detail{App: a}, noon)
		if n := strings.Count(out.String(), "plumb approve a/b 4f2a91c07b3d"); n != 1 {
			t.Errorf("it is said %d times:\n%s", n, &out)
		}
	}
}

// TestAStalePlanIsToldAsSuch says of a plan whose base moved that it is of no use.
func TestAStalePlanIsToldAsSuch(t *testing.T) {
	t.Parallel()
	for _, stale := range []bool{false, true} {
		var out bytes.Buffer
		a := status.App{Namespace: "a", Name: "b", Plan: &status.PendingPlan{Hash: "4f2a91c07b3d4f2a", MadeAt: noon, Stale: stale}}
		App(terminal.Screen{Out: &out}, status.Detail{App: a}, noon)
		if strings.Contains(out.String(), "stale, another is being made") != stale {
			t.Errorf("stale is %v, and it says:\n%s", stale, &out)
		}
	}
}
