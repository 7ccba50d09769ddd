package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const earlier = `# TYPE plumb_render_duration_seconds histogram
plumb_render_duration_seconds_bucket{result="ok",le="+Inf"} 5
plumb_render_duration_seconds_sum{result="ok"} 0.5
plumb_render_duration_seconds_count{result="ok"} 5
plumb_render_duration_seconds_bucket{result="cached",le="+Inf"} 3
plumb_render_duration_seconds_sum{result="cached"} 0.1
plumb_render_duration_seconds_count{result="cached"} 3
# TYPE plumb_kubernetes_request_duration_seconds histogram
plumb_kubernetes_request_duration_seconds_bucket{code="200",verb="GET",le="+Inf"} 3
plumb_kubernetes_request_duration_seconds_sum{code="200",verb="GET"} 0.3
plumb_kubernetes_request_duration_seconds_count{code="200",verb="GET"} 3
plumb_kubernetes_request_duration_seconds_bucket{code="200",verb="WATCH",le="+Inf"} 4
plumb_kubernetes_request_duration_seconds_sum{code="200",verb="WATCH"} 0.4
plumb_kubernetes_request_duration_seconds_count{code="200",verb="WATCH"} 4
plumb_kubernetes_request_duration_seconds_bucket{code="429",verb="PATCH",le="+Inf"} 2
plumb_kubernetes_request_duration_seconds_sum{code="429",verb="PATCH"} 0.2
plumb_kubernetes_request_duration_seconds_count{code="429",verb="PATCH"} 2
# TYPE plumb_apps gauge
plumb_apps{sync="Synced",health="Healthy"} 7
plumb_apps{sync="OutOfSync",health="Healthy"} 2
# TYPE plumb_app_failures gauge
plumb_app_failures{app="fleet/app-0007"} 3
# TYPE plumb_queue_length gauge
plumb_queue_length 1
`

func TestFiguresAreReadAndCompared(t *testing.T) {
	parse := func(text string) figures {
		t.Helper()
		f, err := parseFigures(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	before := parse(earlier)
	want := figures{
		renders: 5, spared: 3, requests: map[string]float64{"GET": 3, "WATCH": 4, "PATCH": 2}, refused: map[string]float64{"PATCH 429": 2}, inLine: 7, waiting: 1, failing: 1,
		spent: map[string]spent{"render": {5, 0.5}, "GET": {3, 0.3}, "WATCH": {4, 0.4}, "PATCH": {2, 0.2}},
	}
	if diff := cmp.Diff(want, before, cmp.AllowUnexported(figures{}, spent{})); diff != "" {
		t.Error(diff)
	}
	later := strings.NewReplacer(`_count{result="ok"} 5`, `_count{result="ok"} 7`, `le="+Inf"} 5`, `le="+Inf"} 7`, `_sum{result="ok"} 0.5`, `_sum{result="ok"} 0.9`,
		`_count{code="200",verb="GET"} 3`, `_count{code="200",verb="GET"} 5`, `_count{code="200",verb="WATCH"} 4`, `_count{code="200",verb="WATCH"} 9`).Replace(earlier)
	if got := before.troubles(); got != "2 × PATCH 429" {
		t.Errorf("the troubles are %q", got)
	}
	delta := parse(later).since(before)
	if got := delta.troubles(); got != "" {
		t.Errorf("troubles that were before: %q", got)
	}
	if delta.renders != 2 || delta.asked() != 2 || delta.requests["WATCH"] != 5 {
		t.Errorf("the difference is %+v", delta)
	}
	if mean := delta.spent["render"].mean(); mean < 199.9 || mean > 200.1 {
		t.Errorf("a render took %v ms, want 200", mean)
	}
}

func TestDailyChecksAreLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		requests map[string]float64
		gets     float64
		want     float64
	}{
		"none":                              {map[string]float64{"PATCH": 10}, 0, 10},
		"one while nothing happens":         {map[string]float64{"GET": 5, "PATCH": 5, "WATCH": 3}, 0, 0},
		"two beside ten commits":            {map[string]float64{"GET": 10, "PATCH": 20}, 0, 10},
		"one beside ten hand edits":         {map[string]float64{"GET": 15, "PATCH": 25}, 10, 30},
		"requests that no check is made of": {map[string]float64{"GET": 3, "PATCH": 20}, 0, 23},
		"reads alone":                       {map[string]float64{"GET": 60}, 0, 60},
		"fewer reads than expected":         {map[string]float64{"GET": 1, "PATCH": 20}, 10, 21},
	} {
		if got := (figures{requests: c.requests}).withoutChecks(c.gets).asked(); got != c.want {
			t.Errorf("%s: %v requests are left, want %v", name, got, c.want)
		}
	}
}
