package daemon

import (
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
	panics      *prometheus.CounterVec
	fetches     *prometheus.HistogramVec
	hooks       *prometheus.CounterVec
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
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plumb_kubernetes_request_duration_seconds", Help: "Time of requests to the API server, by verb and status code (0: no answer).",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"verb", "code"}),
	}
	m.registry.MustRegister(m.releases, m.duration, m.corrections, m.missed, m.renders, m.panics, m.fetches, m.hooks, m.requests,
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

// standing tells, when it is asked, how the Apps stand.
type standing struct {
	apps  func() []status.App
	queue func() int
}

var (
	appsDesc  = prometheus.NewDesc("plumb_apps", "Apps, by whether they are in line and by health.", []string{"sync", "health"}, nil)
	queueDesc = prometheus.NewDesc("plumb_queue_length", "Apps that wait for a worker.", nil, nil)
	alertDesc = prometheus.NewDesc("plumb_drift_alerts", "Objects whose drift lasts; only Apps with some.", []string{"app"}, nil)
	sinceDesc = prometheus.NewDesc("plumb_drift_since_timestamp_seconds", "Since when the oldest drift of an App that is told lasts.", []string{"app"}, nil)
	failDesc  = prometheus.NewDesc("plumb_app_failures", "Failed attempts of an App since its last success; only Apps with some.", []string{"app"}, nil)
)

// Watch makes the series that tell how things stand at the time of asking.
func (m *Metrics) Watch(apps func() []status.App, queue func() int) {
	m.registry.MustRegister(standing{apps, queue})
}

// Describe implements prometheus.Collector.
func (s standing) Describe(descs chan<- *prometheus.Desc) {
	descs <- appsDesc
	descs <- queueDesc
	descs <- failDesc
	descs <- alertDesc
	descs <- sinceDesc
}

// Collect implements prometheus.Collector.
func (s standing) Collect(metrics chan<- prometheus.Metric) {
	type kind struct{ sync, health string }
	counts := map[kind]int{}
	for _, a := range s.apps() {
		counts[kind{string(a.Sync), string(a.Health)}]++
		if a.Alerts > 0 {
			metrics <- prometheus.MustNewConstMetric(alertDesc, prometheus.GaugeValue, float64(a.Alerts), a.ID())
			metrics <- prometheus.MustNewConstMetric(sinceDesc, prometheus.GaugeValue, float64(a.DriftSince.Unix()), a.ID())
		}
		if a.Failures > 0 {
			metrics <- prometheus.MustNewConstMetric(failDesc, prometheus.GaugeValue, float64(a.Failures), a.ID())
		}
	}
	for k, n := range counts {
		metrics <- prometheus.MustNewConstMetric(appsDesc, prometheus.GaugeValue, float64(n), k.sync, k.health)
	}
	metrics <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, float64(s.queue()))
}
