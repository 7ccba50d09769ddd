package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// row is one line of the results.
type row struct {
	Scenario string    `json:"scenario"`
	Apps     int       `json:"apps"`
	What     string    `json:"what"`
	Measured float64   `json:"measured"`
	Unit     string    `json:"unit"`
	Floor    float64   `json:"floor,omitzero"` // in the same unit, of the same run
	Ratio    float64   `json:"ratio,omitzero"` // measured ÷ floor
	Goal     string    `json:"goal,omitempty"`
	Verdict  verdict   `json:"verdict,omitempty"`
	Exact    bool      `json:"exact,omitempty"`   // a count that no machine and no load changes
	Samples  []float64 `json:"samples,omitempty"` // of which the measured figure is the median
}

type verdict string

const (
	pass verdict = "pass"
	miss verdict = "miss"
)

// The units.
const (
	seconds      = "s"
	milliseconds = "ms"
	megabytes    = "MB"
	kilobytes    = "KB"
	percent      = "%"
	perSecond    = "a second"
)

// took is a row about times, of which it shows the median.
func took(what, unit string, times []time.Duration) row {
	samples := in(unit, times)
	return row{What: what, Unit: unit, Measured: quantile(samples, 0.5), Samples: samples}
}

// slowest is a row about the one time that this share of times does not exceed.
func slowest(what, unit string, times []time.Duration, share float64) row {
	return row{What: what, Unit: unit, Measured: quantile(in(unit, times), share)}
}

// figure is a row about one figure.
func figure(what, unit string, value float64) row {
	return row{What: what, Unit: unit, Measured: value}
}

// counted is a row about a count that must be right on every machine.
func counted(what, unit string, value float64) row {
	return row{What: what, Unit: unit, Measured: value, Exact: true}
}

// beside puts the floor next to what was measured.
func (r row) beside(floor row) row {
	r.Floor = floor.Measured
	if floor.Measured > 0 {
		r.Ratio = r.Measured / floor.Measured
	}
	return r
}

// ratioWithin judges by the ratio to the floor.
func (r row) ratioWithin(most float64) row {
	r.Goal = fmt.Sprintf("≤ %g × floor", most)
	return r.judged(r.Ratio <= most)
}

// within judges by what was measured.
func (r row) within(most float64) row {
	r.Goal = fmt.Sprintf("≤ %g %s", most, r.Unit)
	return r.judged(r.Measured <= most)
}

// exactly judges a count.
func (r row) exactly(n float64) row {
	r.Goal = fmt.Sprintf("%g %s", n, r.Unit)
	return r.judged(math.Abs(r.Measured-n) < 1e-9)
}

// between judges a count that is n, and may be a little more.
func (r row) between(n, more int) row {
	r.Goal = fmt.Sprintf("%d to %d %s", n, n+more, r.Unit)
	return r.judged(r.Measured >= float64(n) && r.Measured <= float64(n+more))
}

func (r row) judged(good bool) row {
	r.Verdict = miss
	if good {
		r.Verdict = pass
	}
	return r
}

// measured is what was measured, for people.
func (r row) measured() string { return plain(r.Measured) + " " + r.Unit }

// plain writes a figure with as many digits as mean something.
func plain(value float64) string {
	digits := 0
	switch size := math.Abs(value); {
	case value == math.Trunc(value):
	case size < 10:
		digits = 2
	case size < 100:
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64)
}

func in(unit string, times []time.Duration) []float64 {
	one := time.Second
	if unit == milliseconds {
		one = time.Millisecond
	}
	values := make([]float64, len(times))
	for i, t := range times {
		values[i] = float64(t) / float64(one)
	}
	return values
}

// quantile is the value that this share of the values does not exceed: the
// nearest one, and between two the mean for the median.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); share == 0.5 && n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	at := int(math.Ceil(share*float64(len(sorted)))) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}

// mb is bytes in megabytes (10⁶).
func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
