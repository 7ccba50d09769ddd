package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for _, c := range []struct {
		values []float64
		share  float64
		want   float64
	}{
		{nil, 0.5, 0},
		{[]float64{7}, 0.95, 7},
		{values, 0.5, 3},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{values, 0.95, 5},
		{values, 0.2, 1},
		{values, 1, 5},
	} {
		if got := quantile(c.values, c.share); got != c.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.values, c.share, got, c.want)
		}
	}
	if values[0] != 5 {
		t.Error("the values were sorted in place")
	}
}

func TestRowsAreJudgedByTheirGoal(t *testing.T) {
	times := []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 200 * time.Millisecond}
	floor := figure("", milliseconds, 100)
	for name, c := range map[string]struct {
		row  row
		want verdict
		goal string
	}{
		"no goal":            {took("t", milliseconds, times), "", ""},
		"median within":      {took("t", milliseconds, times).within(200), pass, "≤ 200 ms"},
		"median beyond":      {took("t", milliseconds, times).within(199.5), miss, "≤ 199.5 ms"},
		"ratio within":       {took("t", milliseconds, times).beside(floor).ratioWithin(2), pass, "≤ 2 × floor"},
		"ratio beyond":       {took("t", milliseconds, times).beside(floor).ratioWithin(1.5), miss, "≤ 1.5 × floor"},
		"count right":        {counted("c", "renders", 1).exactly(1), pass, "1 renders"},
		"count wrong":        {counted("c", "renders", 1.04).exactly(1), miss, "1 renders"},
		"count in its range": {counted("c", "requests", 505).between(500, 5), pass, "500 to 505 requests"},
		"count too small":    {counted("c", "requests", 499).between(500, 5), miss, "500 to 505 requests"},
		"slowest is no mean": {slowest("t", milliseconds, times, 1).within(299), miss, "≤ 299 ms"},
	} {
		if c.row.Verdict != c.want || c.row.Goal != c.goal {
			t.Errorf("%s: %q for the goal %q, want %q for %q", name, c.row.Verdict, c.row.Goal, c.want, c.goal)
		}
	}
}

func TestTableIsAligned(t *testing.T) {
	rows := []row{
		{Scenario: "S1", Apps: 500, What: "until all is applied", Unit: seconds, Measured: 4.5},
		{Scenario: "S2", Apps: 5000, What: "webhook to live", Unit: milliseconds, Measured: 120, Verdict: pass, Goal: "≤ 150 ms"},
	}
	rows[0] = rows[0].beside(figure("", seconds, 3)).ratioWithin(1.5)
	want := strings.Join([]string{
		"scenario  apps  what                  measured  floor  ratio  goal",
		"S1         500  until all is applied    4.50 s    3 s   1.50  ≤ 1.5 × floor  pass",
		"S2        5000  webhook to live         120 ms                ≤ 150 ms       pass",
		"",
	}, "\n")
	if diff := cmp.Diff(want, table(rows)); diff != "" {
		t.Error(diff)
	}
}
