package daemon

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/server"
	"plumb.dev/plumb/internal/status"
)

// served are the samples of Plumb's own series with some names.
func served(m *Metrics, names ...string) (samples []string) {
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(line, name) }) {
			samples = append(samples, strings.TrimSpace(line))
		}
	}
	return samples
}

func watched(apps []status.App, checks ...server.Check) *Metrics {
	m := NewMetrics()
	m.Watch(Standing{
		Apps: func() []status.App { return apps }, Waiting: func() int { return 3 }, Ready: func(context.Context) []server.Check { return checks },
		Key: func() (status.Key, bool) { return status.Key{Created: at(5)}, true },
	})
	return m
}

func at(minute int) time.Time { return time.Unix(1_000_000+60*int64(minute), 500_000_000) }

func TestPausesAreCountedOnce(t *testing.T) {
	t.Parallel()
	all := gate.Pause{Since: at(1), Until: at(100)}
	web := &object.Key{Kind: "Service", Name: "web"}
	cart := &object.Key{Kind: "Service", Name: "cart"}
	m := watched([]status.App{
		{Namespace: "a", Name: "one", Pauses: []gate.Pause{all, {App: "a/one", Since: at(2), Until: at(50)}}},
		{Namespace: "a", Name: "two", Pauses: []gate.Pause{
			all, {App: "a/two", Object: web, Since: at(3), Until: at(40)}, {App: "a/two", Object: cart, Since: at(4), Until: at(30)},
		}},
		{Namespace: "a", Name: "three", Pauses: []gate.Pause{all}},
	})
	want := []string{
		`plumb_pause_since_timestamp_seconds{app="",scope="all"} 1.0000605e+06`,
		`plumb_pause_since_timestamp_seconds{app="a/one",scope="app"} 1.0001205e+06`,
		`plumb_pause_since_timestamp_seconds{app="a/two",scope="object"} 1.0001805e+06`,
		`plumb_pause_until_timestamp_seconds{app="",scope="all"} 1.0060005e+06`,
		`plumb_pause_until_timestamp_seconds{app="a/one",scope="app"} 1.0030005e+06`,
		`plumb_pause_until_timestamp_seconds{app="a/two",scope="object"} 1.0018005e+06`,
		`plumb_pauses{scope="all"} 1`,
		`plumb_pauses{scope="app"} 1`,
		`plumb_pauses{scope="object"} 2`,
	}
	if diff := cmp.Diff(want, served(m, "plumb_pause")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAppsTellHowTheyStand(t *testing.T) {
	t.Parallel()
	m := watched([]status.App{
		{Namespace: "a", Name: "well", Sync: status.Synced, Health: status.Healthy, Source: status.Source{Checked: at(1)}, LastCheck: at(2)},
		{Namespace: "a", Name: "new", Sync: status.Unknown, Health: status.HealthUnset},
		{Namespace: "a", Name: "held", Sync: status.OutOfSync, Health: status.Healthy, Source: status.Source{Checked: at(1)}, LastCheck: at(2),
			Hold: &gate.Hold{Reason: gate.HeldByApproval}, Plan: &status.PendingPlan{MadeAt: at(3)}, Failures: 2, Alerts: 4, DriftSince: at(4)},
	}, server.Check{Name: "root"}, server.Check{Name: "cluster", Err: errors.New("no answer")})
	want := []string{
		`plumb_app_failures{app="a/held"} 2`,
		`plumb_app_held{app="a/held",reason="approval"} 1`,
		`plumb_app_last_check_timestamp_seconds{app="a/held"} 1.0001205e+06`,
		`plumb_app_last_check_timestamp_seconds{app="a/new"} 0`,
		`plumb_app_last_check_timestamp_seconds{app="a/well"} 1.0001205e+06`,
		`plumb_app_source_read_timestamp_seconds{app="a/held"} 1.0000605e+06`,
		`plumb_app_source_read_timestamp_seconds{app="a/new"} 0`,
		`plumb_app_source_read_timestamp_seconds{app="a/well"} 1.0000605e+06`,
		`plumb_apps{health="Healthy",sync="OutOfSync"} 1`,
		`plumb_apps{health="Healthy",sync="Synced"} 1`,
		`plumb_apps{health="Unknown",sync="Unknown"} 1`,
		`plumb_drift_alerts{app="a/held"} 4`,
		`plumb_drift_since_timestamp_seconds{app="a/held"} 1.0002405e+06`,
		`plumb_plan_since_timestamp_seconds{app="a/held"} 1.0001805e+06`,
		`plumb_plans_pending{app="a/held"} 1`,
		`plumb_queue_length 3`,
		`plumb_ready{check="cluster"} 0`,
		`plumb_ready{check="root"} 1`,
	}
	if diff := cmp.Diff(want, served(m, "plumb_app", "plumb_drift", "plumb_plan", "plumb_queue", "plumb_ready")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsSaidIsCounted(t *testing.T) {
	t.Parallel()
	for want, said := range map[string]struct {
		refuse bool
		err    error
	}{
		"approved": {}, "refused": {refuse: true}, "denied": {err: status.Refuse(status.Denied, "not the author")},
		"moved": {err: status.Refuse(status.Moved, "another waits")}, "error": {refuse: true, err: errors.New("no room")},
	} {
		m := NewMetrics()
		m.Said(said.refuse, said.err)
		if diff := cmp.Diff([]string{`plumb_approvals_total{result="` + want + `"} 1`}, served(m, "plumb_approvals")); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", said, diff)
		}
	}
}
