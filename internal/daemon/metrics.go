package daemon

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// Metrics is what the daemon counts; docs/metrics.md describes each series.
// Labels have few values, except app, which has one for each App.
type Metrics struct {
	registry    *prometheus.Registry
	releases    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	corrections *prometheus.CounterVec
	missed      *prometheus.CounterVec
	renders     *prometheus.HistogramVec
	ended       *prometheus.CounterVec
	panics      *prometheus.CounterVec
	fetches     *prometheus.HistogramVec
	hooks       *prometheus.CounterVec
	approvals   *prometheus.CounterVec
	requests    *prometheus.HistogramVec
}

// NewMetrics makes the series.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		releases: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_releases_total", Help: "Attempts at releases that ended, by App, trigger and outcome.",
		}, []string{"app", "trigger", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plumb_release_duration_seconds", Help: "Time from a change being seen to each phase of its release.",
			Buckets: prometheus.ExponentialBuckets(0.02, 2.5, 12),
		}, []string{"phase"}),
		corrections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_drift_corrected_objects_total", Help: "Objects that were changed outside Git and put right.",
		}, []string{"app"}),
		missed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_drift_missed_objects_total", Help: "Objects that the full check found changed though they seemed in line; each is a mistake in Plumb.",
		}, []string{"app"}),
		renders: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plumb_render_duration_seconds", Help: "Time of a render, by result.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"result"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_render_workers_ended_total", Help: "Workers that ended during a render, by what it exceeded.",
		}, []string{"why"}),
		panics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_panics_total", Help: "Panics in the work on an App; each is a mistake in Plumb.",
		}, []string{"app"}),
		fetches: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plumb_git_fetch_duration_seconds", Help: "Time of a look at a repository, by outcome.",
			Buckets: prometheus.ExponentialBuckets(0.01, 3, 9),
		}, []string{"outcome"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_webhooks_total", Help: "Webhooks received, by how each ended.",
		}, []string{"outcome"}),
		approvals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_approvals_total", Help: "What people said of plans that wait, by what came of it.",
		}, []string{"result"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plumb_kubernetes_request_duration_seconds", Help: "Time of requests to the API server, by verb and status code (0: no answer).",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"verb", "code"}),
	}
	m.registry.MustRegister(m.releases, m.duration, m.corrections, m.missed, m.renders, m.ended, m.panics, m.fetches, m.hooks, m.approvals, m.requests,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the series.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Released implements deliver.Observer.
func (m *Metrics) Released(r release.Release) {
	m.releases.WithLabelValues(r.App, string(r.Trigger), string(r.Outcome)).Inc()
	for phase, at := range map[string]time.Time{"planned": r.Planned, "applied": r.Applied, "healthy": r.Healthy} {
		if !at.IsZero() && !at.Before(r.Seen) {
			m.duration.WithLabelValues(phase).Observe(at.Sub(r.Seen).Seconds())
		}
	}
}

// Rendered implements deliver.Observer.
func (m *Metrics) Rendered(took time.Duration, cached bool, err error) {
	of := result(err)
	if cached && err == nil {
		of = "cached"
	}
	m.renders.WithLabelValues(of).Observe(took.Seconds())
}

// WorkerEnded counts a worker that ended during a render.
func (m *Metrics) WorkerEnded(why string) { m.ended.WithLabelValues(why).Inc() }

// Corrected implements deliver.Observer.
func (m *Metrics) Corrected(app string, objects int) {
	m.corrections.WithLabelValues(app).Add(float64(objects))
}

// Missed implements deliver.Observer.
func (m *Metrics) Missed(app string, objects int) {
	m.missed.WithLabelValues(app).Add(float64(objects))
}

// Panicked implements deliver.Observer.
func (m *Metrics) Panicked(app string) { m.panics.WithLabelValues(app).Inc() }

// Fetched counts a look at a repository.
func (m *Metrics) Fetched(took time.Duration, outcome string) {
	m.fetches.WithLabelValues(outcome).Observe(took.Seconds())
}

// Hooked counts a webhook.
func (m *Metrics) Hooked(outcome string) { m.hooks.WithLabelValues(outcome).Inc() }

// Said counts what someone said of a plan: whether he turned it down, and what
// came of it.
func (m *Metrics) Said(refuse bool, err error) {
	m.approvals.WithLabelValues(resultOfSaying(refuse, err)).Inc()
}

func resultOfSaying(refuse bool, err error) string {
	refusal, known := errors.AsType[*status.Refusal](err)
	switch {
	case err == nil && refuse:
		return "refused"
	case err == nil:
		return "approved"
	case known && refusal.Kind == status.Denied:
		return "denied"
	case known:
		return "moved" // what waited then isn't what waits now
	}
	return "error"
}

// Requested counts a request to the API server.
func (m *Metrics) Requested(verb string, code int, took time.Duration) {
	m.requests.WithLabelValues(verb, strconv.Itoa(code)).Observe(took.Seconds())
}

func result(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}
