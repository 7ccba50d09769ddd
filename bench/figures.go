package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// figures are what the daemon has counted since it started.
type figures struct {
	renders  float64
	spared   float64            // renders whose result was kept
	requests map[string]float64 // by verb; WATCH is told apart from GET
	refused  map[string]float64 // those that did not go well, by verb and code
	inLine   float64            // Apps that are synced and healthy, now
	waiting  float64            // Apps that wait for a worker, now
	failing  float64            // Apps whose last attempt failed, now
	spent    map[string]spent   // by what: fetch, render, and the verbs
}

// spent is how often something was done and how long that took in all.
type spent struct{ times, seconds float64 }

// mean is how long it took once, in milliseconds.
func (s spent) mean() float64 {
	if s.times == 0 {
		return 0
	}
	return 1000 * s.seconds / s.times
}

// watching is the verb of requests that idle daemons hold open.
const watching = "WATCH"

func parseFigures(r io.Reader) (figures, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return figures{}, err
	}
	f := figures{requests: map[string]float64{}, refused: map[string]float64{}, spent: map[string]spent{}}
	for _, m := range families["plumb_render_duration_seconds"].GetMetric() {
		if label(m, "result") == "cached" {
			f.spared += float64(m.GetHistogram().GetSampleCount())
			continue
		}
		f.renders += float64(m.GetHistogram().GetSampleCount())
		f.add("render", m)
	}
	for _, m := range families["plumb_git_fetch_duration_seconds"].GetMetric() {
		f.add("fetch", m)
	}
	for _, m := range families["plumb_kubernetes_request_duration_seconds"].GetMetric() {
		verb, code := label(m, "verb"), label(m, "code")
		f.requests[verb] += float64(m.GetHistogram().GetSampleCount())
		if !strings.HasPrefix(code, "2") {
			f.refused[verb+" "+code] += float64(m.GetHistogram().GetSampleCount())
		}
		f.add(verb, m)
	}
	for _, m := range families["plumb_apps"].GetMetric() {
		if label(m, "sync") == "Synced" && label(m, "health") == "Healthy" {
			f.inLine += m.GetGauge().GetValue()
		}
	}
	f.failing = float64(len(families["plumb_app_failures"].GetMetric()))
	for _, m := range families["plumb_queue_length"].GetMetric() {
		f.waiting += m.GetGauge().GetValue()
	}
	return f, nil
}

func (f figures) add(what string, m *dto.Metric) {
	s := f.spent[what]
	s.times += float64(m.GetHistogram().GetSampleCount())
	s.seconds += m.GetHistogram().GetSampleSum()
	f.spent[what] = s
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// since is what was counted after an earlier look.
func (f figures) since(before figures) figures {
	f.renders -= before.renders
	f.spared -= before.spared
	f.requests, f.refused, f.spent = maps.Clone(f.requests), maps.Clone(f.refused), maps.Clone(f.spent)
	for verb, n := range before.requests {
		f.requests[verb] -= n
	}
	for verb, n := range before.refused {
		f.refused[verb] -= n
	}
	for what, s := range before.spent {
		now := f.spent[what]
		f.spent[what] = spent{now.times - s.times, now.seconds - s.seconds}
	}
	return f
}

// dailyCheck is what the rare check of one App with objectsPerApp objects asks
// of each of the verbs GET and PATCH. The checks are spread over the day, so
// that one can fall into any measurement.
const dailyCheck = objectsPerApp

// withoutChecks leaves the daily checks of whole Apps out, where so many GETs
// come from other things. Each check is as many GETs as PATCHes.
func (f figures) withoutChecks(gets float64) figures {
	checked := math.Floor(min(f.requests["GET"]-gets, f.requests["PATCH"])/dailyCheck) * dailyCheck
	if checked > 0 {
		f.requests = maps.Clone(f.requests)
		f.requests["GET"] -= checked
		f.requests["PATCH"] -= checked
	}
	return f
}

// asked is how many requests there were, beside watches.
func (f figures) asked() float64 {
	var sum float64
	for verb, n := range f.requests {
		if verb != watching {
			sum += n
		}
	}
	return sum
}

// troubles tells for people what was refused; empty when nothing was.
func (f figures) troubles() string {
	var list []string
	for _, what := range slices.Sorted(maps.Keys(f.refused)) {
		if n := f.refused[what]; n > 0 {
			list = append(list, fmt.Sprintf("%.0f × %s", n, what))
		}
	}
	return strings.Join(list, ", ")
}
