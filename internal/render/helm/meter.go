package helm

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"helm.sh/helm/v4/pkg/chart/common"
)

// The library offers no way to stop a template. So calls are put into its text
// (see rewrite): at the start of each loop's turn and of each named template,
// around what is printed, and around what tpl is given. They yield nothing and
// change nothing, but count, and fail once a bound is passed. The functions of
// templates are wrapped to count what they are given and yield (see functions).
//
// None of what is put in has a line break, so lines in messages stay true.
const (
	callEnter = "plumbEnter" // a named template, or one that tpl is given, begins
	callLeave = "plumbLeave" // and ends
	callTurn  = "plumbTurn"  // a loop's turn begins
	callPrint = "plumbPrint" // a value is printed
	callText  = "plumbText"  // a text is given to tpl
)

// work is what templates may do.
type work struct {
	steps   int // turns of loops, templates entered, functions called
	bytes   int // printed, or yielded by functions, in all
	value   int // bytes of one text, or items of one list
	copies  int // bytes of what deepCopy and those that merge look at
	nesting int // templates in templates
	depth   int // of one value: mappings and lists in each other
}

func usualWork() work {
	return work{steps: 10_000_000, bytes: 256 << 20, value: 16 << 20, copies: 64 << 20, nesting: 2_000, depth: 1_000}
}

// errWork marks what templates did too much of.
var errWork = errors.New("a limit of templates was passed")

// meter counts what the templates of one render do. It is used by one goroutine.
type meter struct {
	ended   func() error // why no more is to be done, or nil
	bounds  work
	steps   int
	bytes   int
	nested  int
	random  map[string]bool // the functions that were called and yield something else each time
	stopped error           // the first bound that was passed: a template can't catch an error, but may hide its text
}

func newMeter(ctx context.Context, bounds work) *meter {
	return &meter{ended: func() error { return context.Cause(ctx) }, bounds: bounds, random: map[string]bool{}}
}

func (m *meter) stop(format string, args ...any) error {
	if m.stopped == nil {
		m.stopped = fmt.Errorf("%w: %s", errWork, fmt.Sprintf(format, args...))
	}
	return m.stopped
}

// spend counts steps, and bytes that were yielded.
func (m *meter) spend(steps, bytes int) error {
	const every = 256 // steps between two looks at the clock
	before := m.steps
	m.steps += steps
	m.bytes += bytes
	switch {
	case m.stopped != nil:
		return m.stopped
	case m.steps > m.bounds.steps:
		return m.stop("templates take more than %d steps; bound their loops", m.bounds.steps)
	case m.bytes > m.bounds.bytes:
		return m.stop("templates yield more than %d bytes; let them make less", m.bounds.bytes)
	case before/every != m.steps/every:
		m.stopped = m.ended()
	}
	return m.stopped
}

func (m *meter) enter(text int) (string, error) {
	if m.nested++; m.nested > m.bounds.nesting {
		return "", m.stop("templates use each other more than %d deep; end the recursion", m.bounds.nesting)
	}
	return "", m.spend(1, text)
}

func (m *meter) leave() string {
	m.nested--
	return ""
}

func (m *meter) turn(text int) (string, error) { return "", m.spend(1, text) }

// print hands a value on as it came: one that can be addressed may print
// otherwise than its copy.
func (m *meter) print(v reflect.Value) (reflect.Value, error) {
	size, err := m.weigh(v)
	if err == nil {
		err = m.spend(1, size)
	}
	return v, err
}

// text meters a text that tpl is given.
func (m *meter) text(template string) (string, error) {
	const parsing = 20 // steps: tpl copies all templates
	if err := m.spend(parsing, len(template)); err != nil {
		return "", err
	}
	metered, err := rewrite(template)
	if err != nil {
		return "", m.stop("%s", err)
	}
	return metered, nil
}

// weigh is how large a value is, when it is printed. It is an error where it is
// too large, nests too deep, or holds itself.
func (m *meter) weigh(v reflect.Value) (int, error) { return m.weighWithin(m.bounds.value, v) }

func (m *meter) weighWithin(most int, v reflect.Value) (int, error) {
	s := scale{left: most, depth: m.bounds.depth}
	if !s.put(v, 0) {
		return 0, m.tooLarge(most)
	}
	return most - s.left, nil
}

func (m *meter) tooLarge(most int) error {
	return m.stop("a value has more than %d bytes, or nests more than %d deep, or holds itself; make it smaller", most, m.bounds.depth)
}

const scalar = 8

// scale weighs values, which may be anything that templates pass around.
type scale struct{ left, depth int }

// put says whether a value still fits.
func (s *scale) put(v reflect.Value, depth int) bool {
	switch v.Kind() {
	case reflect.Interface:
		return s.any(v.Interface(), depth)
	case reflect.Pointer:
		return v.IsNil() || s.put(v.Elem(), depth)
	}
	if !s.take(scalar, depth) {
		return false
	}
	switch v.Kind() {
	case reflect.String:
		s.left -= v.Len()
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break // a file of the chart's, which is bounded by itself
		}
		for i := range v.Len() {
			if !s.put(v.Index(i), depth+1) {
				return false
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if !s.put(entries.Key(), depth+1) || !s.put(entries.Value(), depth+1) {
				return false
			}
		}
	}
	return s.left >= 0
}

// any is put for what values are made of, without reflection.
func (s *scale) any(v any, depth int) bool {
	switch v := v.(type) {
	case nil, bool, int, int64, float64:
		return s.take(scalar, depth)
	case string:
		return s.take(scalar+len(v), depth)
	case []any:
		if !s.take(scalar, depth) {
			return false
		}
		for _, item := range v {
			if !s.any(item, depth+1) {
				return false
			}
		}
		return true
	case map[string]any:
		if !s.take(scalar, depth) {
			return false
		}
		for key, item := range v {
			if !s.take(scalar+len(key), depth+1) || !s.any(item, depth+1) {
				return false
			}
		}
		return true
	}
	return s.put(reflect.ValueOf(v), depth)
}

// take says whether so many bytes fit at a depth: a level is two spaces of YAML.
func (s *scale) take(bytes, depth int) bool {
	s.left -= bytes + 2*depth
	return depth <= s.depth && s.left >= 0
}

// merging says whether what a merge looks at still fits: mappings that are on
// both sides. All else it takes as it is, however large.
func (s *scale) merging(into, from any, depth int) bool {
	a, isMap := mapping(into)
	b, both := mapping(from)
	if !isMap || !both {
		return true
	}
	for key, item := range b {
		if !s.take(scalar, depth) || !s.merging(a[key], item, depth+1) {
			return false
		}
	}
	return true
}

func mapping(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case common.Values:
		return v, true
	}
	return nil, false
}
