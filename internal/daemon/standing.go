package daemon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/server"
	"plumb.dev/plumb/internal/status"
)

// Standing tells how things stand: what the series that aren't counted come from.
type Standing struct {
	Apps    func() []status.App
	Waiting func() int // Apps that wait for a worker
	Ready   func(context.Context) []server.Check
	Key     func() (newest status.Key, any bool)
}

// Watch makes the series that tell how things stand at the time of asking.
func (m *Metrics) Watch(s Standing) { m.registry.MustRegister(standing{s}) }

// standing is a Standing as a prometheus.Collector.
type standing struct{ Standing }

var (
	keyDesc     = prometheus.NewDesc("plumb_newest_key_created_timestamp_seconds", "When the key was made that new secrets are sealed for.", nil, nil)
	backupDesc  = prometheus.NewDesc("plumb_newest_key_exported_timestamp_seconds", "When a backup was last made of that key; 0: never.", nil, nil)
	readyDesc   = prometheus.NewDesc("plumb_ready", "Whether all is well with what the daemon relies on: 1, or 0.", []string{"check"}, nil)
	queueDesc   = prometheus.NewDesc("plumb_queue_length", "Apps that wait for a worker.", nil, nil)
	appsDesc    = prometheus.NewDesc("plumb_apps", "Apps, by whether they are in line and by health.", []string{"sync", "health"}, nil)
	readDesc    = prometheus.NewDesc("plumb_app_source_read_timestamp_seconds", "When an App's repository was last read without an error; 0: never.", []string{"app"}, nil)
	checkDesc   = prometheus.NewDesc("plumb_app_last_check_timestamp_seconds", "When an App was last compared with what is live; 0: never.", []string{"app"}, nil)
	failDesc    = prometheus.NewDesc("plumb_app_failures", "Failed attempts of an App since its last success; only Apps with some.", []string{"app"}, nil)
	heldDesc    = prometheus.NewDesc("plumb_app_held", "Apps whose differences are left as they are, by the reason: 1; only those.", []string{"app", "reason"}, nil)
	pendingDesc = prometheus.NewDesc("plumb_plans_pending", "Plans that wait for someone's approval: 1; only Apps with one.", []string{"app"}, nil)
	planDesc    = prometheus.NewDesc("plumb_plan_since_timestamp_seconds", "When the plan that waits was made; only Apps with one.", []string{"app"}, nil)
	pausesDesc  = prometheus.NewDesc("plumb_pauses", "Pauses that hold, by what they are of: all, app or object.", []string{"scope"}, nil)
	sinceDesc   = prometheus.NewDesc("plumb_pause_since_timestamp_seconds", "Since when the oldest pause holds, of all (no app), an App or objects of it.", []string{"scope", "app"}, nil)
	untilDesc   = prometheus.NewDesc("plumb_pause_until_timestamp_seconds", "When the next pause ends, of all (no app), an App or objects of it.", []string{"scope", "app"}, nil)
	alertDesc   = prometheus.NewDesc("plumb_drift_alerts", "Objects whose drift lasts; only Apps with some.", []string{"app"}, nil)
	driftDesc   = prometheus.NewDesc("plumb_drift_since_timestamp_seconds", "Since when the oldest drift of an App that is told lasts.", []string{"app"}, nil)
)

// Describe implements prometheus.Collector.
func (s standing) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		readyDesc, queueDesc, appsDesc, readDesc, checkDesc, failDesc, heldDesc, pendingDesc, planDesc,
		keyDesc, backupDesc, pausesDesc, sinceDesc, untilDesc, alertDesc, driftDesc,
	} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (s standing) Collect(metrics chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	type kind struct{ sync, health string }
	counts, pauses := map[kind]int{}, map[string]gate.Pause{}
	for _, a := range s.Apps() {
		counts[kind{string(a.Sync), string(a.Health)}]++
		for _, p := range a.Pauses {
			pauses[p.ID()] = p // one of several Apps is told with each
		}
		tellApp(tell, a)
	}
	for k, n := range counts {
		tell(appsDesc, float64(n), k.sync, k.health)
	}
	tellPauses(tell, pauses)
	for _, c := range s.Ready(context.Background()) {
		tell(readyDesc, number(c.Err == nil), c.Name)
	}
	if key, any := s.Key(); any {
		tell(keyDesc, seconds(key.Created))
		tell(backupDesc, seconds(key.Exported))
	}
	tell(queueDesc, float64(s.Waiting()))
}

// telling passes on one value of a series.
type telling = func(d *prometheus.Desc, value float64, labels ...string)

func tellApp(tell telling, a status.App) {
	id := a.ID()
	tell(readDesc, seconds(a.Source.Checked), id)
	tell(checkDesc, seconds(a.LastCheck), id)
	if a.Failures > 0 {
		tell(failDesc, float64(a.Failures), id)
	}
	if a.Hold != nil {
		tell(heldDesc, 1, id, string(a.Hold.Reason))
	}
	if a.Plan != nil {
		tell(pendingDesc, 1, id)
		tell(planDesc, seconds(a.Plan.MadeAt), id)
	}
	if a.Alerts > 0 {
		tell(alertDesc, float64(a.Alerts), id)
		tell(driftDesc, seconds(a.DriftSince), id)
	}
}

// tellPauses counts pauses, and tells of each scope of an App the oldest
// beginning and the next end.
func tellPauses(tell telling, pauses map[string]gate.Pause) {
	type scope struct{ name, app string }
	counts := map[string]int{"all": 0, "app": 0, "object": 0}
	since, until := map[scope]time.Time{}, map[scope]time.Time{}
	for _, p := range pauses {
		s := scope{"app", p.App}
		switch {
		case p.App == "":
			s.name = "all"
		case p.Object != nil:
			s.name = "object"
		}
		counts[s.name]++
		if t, known := since[s]; !known || p.Since.Before(t) {
			since[s] = p.Since
		}
		if t, known := until[s]; !known || p.Until.Before(t) {
			until[s] = p.Until
		}
	}
	for name, n := range counts {
		tell(pausesDesc, float64(n), name)
	}
	for s := range since {
		tell(sinceDesc, seconds(since[s]), s.name, s.app)
		tell(untilDesc, seconds(until[s]), s.name, s.app)
	}
}

// seconds is a time as Prometheus knows it.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
