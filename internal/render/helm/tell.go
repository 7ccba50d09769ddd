package helm

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/render"
)

// The library's errors name templates as it calls them, with the calls of the
// meter in what they quote, and quote what tpl was given and values that have
// the wrong type.
var (
	metered   = regexp.MustCompile(` \| plumbPrint|plumb(Enter|Turn) \d+|plumbLeave`)
	guard     = regexp.MustCompile(`\(plumbText ([^()]*)\)`)
	tplQuote  = regexp.MustCompile(`(cannot parse template|error during tpl function execution for) "(?:[^"\\]|\\.)*"`)
	mismatch  = regexp.MustCompile(`(?s)type mismatch on ([^:]*): .*`)
	placeLine = regexp.MustCompile(`([\w.@+-]+(?:/[^\s:()"<>]+)+):(\d+)(:\d+)?`)
	secretKey = regexp.MustCompile(`(?i)pass|secret|token|credential|private|apikey|api_key`)
)

// maxTold bounds a message of the library.
const maxTold = 800

// explain is what went wrong in a template, as people may see it: first the
// file and line of the chart, as the tree has them.
func (b *build) explain(m *meter, templates map[string]source, err error) error {
	text := err.Error()
	where, reached := b.places(templates, text)
	if m.stopped != nil && errors.Is(m.stopped, errWork) {
		return fmt.Errorf("%s: %s%s", where, strings.TrimPrefix(m.stopped.Error(), errWork.Error()+": "), reached)
	}
	if i := strings.LastIndex(text, "executing "); i > 0 { // before it is what leads there
		_, text, _ = strings.Cut(text[i:], " at ")
		text = "at " + text
	}
	return fmt.Errorf("%s: %s%s", where, b.clean(templates, text), reached)
}

// places are the deepest place in a chart that an error names, and where a
// render came from that got there.
func (b *build) places(templates map[string]source, text string) (where, reached string) {
	var found []string
	for _, m := range placeLine.FindAllStringSubmatch(text, -1) {
		t, known := templates[m[1]]
		switch {
		case !known:
		case strings.HasSuffix(t.origin, ".tgz"):
			found = append(found, t.origin+": "+m[1]+":"+m[2])
		default:
			found = append(found, t.origin+":"+m[2])
		}
	}
	if len(found) == 0 {
		return b.at(render.ChartFile), ""
	}
	first, last := found[0], found[len(found)-1]
	if first != last {
		reached = " (on the way from " + first + ")"
	}
	return last, reached
}

// clean is a message of the library without what is ours in it, and without
// what may be secret.
func (b *build) clean(templates map[string]source, text string) string {
	text = metered.ReplaceAllString(text, "")
	for strings.Contains(text, "("+callText+" ") && guard.MatchString(text) {
		text = guard.ReplaceAllString(text, "$1")
	}
	text = tplQuote.ReplaceAllString(text, "$1 a text")
	text = mismatch.ReplaceAllString(text, "the values of $1 are no mapping, and it is a chart's; correct them")
	text = placeLine.ReplaceAllStringFunc(text, func(place string) string {
		m := placeLine.FindStringSubmatch(place)
		if t, known := templates[m[1]]; known && !strings.HasSuffix(t.origin, ".tgz") {
			return t.origin + ":" + m[2]
		}
		return place
	})
	for _, secret := range secrets(b.values) {
		text = strings.ReplaceAll(text, secret, "***")
	}
	if len(text) > maxTold {
		text = strings.ToValidUTF8(text[:maxTold], "") + "…"
	}
	return strings.Join(strings.Fields(text), " ")
}

// told is an error of the library about values or dependencies.
func (b *build) told(err error) error {
	return fmt.Errorf("%s: %s", b.at(render.ChartFile), b.clean(nil, err.Error()))
}

// secrets are the given values that look like it by their keys, the longest first.
func secrets(values map[string]any) []string {
	const short = 4 // what is shorter is no secret, and would leave no message
	var found []string
	var visit func(v any, secret bool)
	visit = func(v any, secret bool) {
		switch v := v.(type) {
		case string:
			if secret && len(v) >= short {
				found = append(found, v)
			}
		case []any:
			for _, item := range v {
				visit(item, secret)
			}
		case map[string]any:
			for k, item := range v {
				visit(item, secret || secretKey.MatchString(k))
			}
		}
	}
	visit(values, false)
	slices.SortFunc(found, func(x, y string) int { return len(y) - len(x) })
	return found
}
