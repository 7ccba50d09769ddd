package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"plumb.dev/plumb/internal/object"
)

// View says how something is shown to people.
type View struct {
	Colour bool
	// Full shows long values and long lists of fields as a whole.
	Full bool
	// Next is what to do with the plan, such as the command that approves it.
	Next string
}

// Text shows a plan to people: what would be done, grouped by action and
// namespace, then what is left alone and what could not be told, the counts,
// and the hash. It reads the same without colour. Nothing that comes from an
// object reaches the terminal but as printable text.
func (p Plan) Text(v View) string {
	t := &text{View: v}
	t.heading(p)
	for _, g := range groupsOf(p.Changes) {
		t.line(0, "")
		t.line(0, t.paint(bold, g.title()+":"))
		for _, c := range g.changes {
			t.change(c)
		}
	}
	t.hooks(p)
	t.left(p)
	t.problems(p)
	t.line(0, "")
	t.line(0, p.Summary())
	t.ending(p)
	return t.out.String()
}

// text is a plan's text in the making.
type text struct {
	View
	out strings.Builder
}

// The styles, as the codes of a terminal.
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

func (t *text) paint(style, s string) string {
	if !t.Colour || style == "" || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}

const indent = "  "

// line writes one line; what it says is printable by now.
func (t *text) line(depth int, s string) {
	if s != "" {
		t.out.WriteString(strings.Repeat(indent, depth))
		t.out.WriteString(s)
	}
	t.out.WriteByte('\n')
}

func (t *text) heading(p Plan) {
	parts := []string{t.paint(bold, printable(p.App))}
	if p.Cluster != "" {
		parts = append(parts, "on "+printable(p.Cluster))
	}
	if p.Revision != "" {
		parts = append(parts, "at "+printable(p.Revision[:min(len(p.Revision), 8)]))
	}
	if p.Subject != "" {
		parts = append(parts, strconv.Quote(fold(p.Subject, foldWidth)))
	}
	if p.Author != "" {
		parts = append(parts, "by "+printable(p.Author))
	}
	t.line(0, strings.Join(parts, " "))
}

// group is the changes of one action in one namespace.
type group struct {
	action    Action
	namespace string
	changes   []Change
}

func (g group) title() string {
	what := string(g.action)
	if g.action == Conflict {
		what = "can't be done"
	}
	if g.namespace == "" {
		return what + ", cluster-wide"
	}
	return what + " in namespace " + printable(g.namespace)
}

// groupsOf groups changes by action and namespace, in the order of the actions
// and otherwise as they come.
func groupsOf(changes []Change) []group {
	var groups []group
	for _, c := range changes {
		i := slices.IndexFunc(groups, func(g group) bool { return g.action == c.Action && g.namespace == c.Key.Namespace })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{action: c.Action, namespace: c.Key.Namespace})
		}
		groups[i].changes = append(groups[i].changes, c)
	}
	rank := func(a Action) int { return slices.Index([]Action{Create, Update, Replace, Check, Prune, Conflict}, a) }
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(rank(a.action), rank(b.action)) })
	return groups
}

// sign tells an action without colour.
func sign(a Action) (mark, style string) {
	switch a {
	case Create:
		return "+", green
	case Update:
		return "~", yellow
	case Replace:
		return "±", red
	case Prune:
		return "-", red
	case Conflict:
		return "!", red
	default:
		return "?", ""
	}
}

func (t *text) change(c Change) {
	mark, style := sign(c.Action)
	line := t.paint(style, mark+" "+printable(nameOf(c.Key)))
	if c.Origin.File != "" {
		line += "  " + t.paint(faint, printable(c.Origin.String()))
	}
	if c.Reason != "" {
		line += "  " + printable(c.Reason)
	}
	if c.Wave != 0 {
		line += t.paint(faint, fmt.Sprintf("  wave %d", c.Wave))
	}
	t.line(1, line)
	most := len(c.Fields)
	if !t.Full {
		most = min(most, foldFields)
	}
	for _, f := range c.Fields[:most] {
		t.field(f)
	}
	if more := len(c.Fields) - most + c.More; more > 0 {
		t.line(valueDepth, t.paint(faint, fmt.Sprintf("… and %d more fields", more)))
	}
}

// nameOf is KIND/NAME: the namespace stands in the heading.
func nameOf(k object.Key) string { return k.Kind + "/" + k.Name }

const (
	foldFields = 20 // fields of an object that are shown before the rest is counted
	foldLines  = 12 // lines of a value
	foldWidth  = 80 // characters of a value in one line

	valueDepth = 3 // how far the lines of a value are indented
)

// field shows one field: in one line if that is short, or else as the lines
// that go and the lines that come.
func (t *text) field(f Field) {
	path := printable(f.Path)
	by := ""
	if f.Owner != "" && f.Owner != object.FieldManager {
		by = t.paint(faint, "  (by "+printable(f.Owner)+")")
	}
	mark, style := "~", yellow
	switch {
	case f.Before == nil && f.After == nil:
		t.line(2, t.paint(style, mark+" "+path)+by)
		return
	case f.Before == nil:
		mark, style = "+", green
	case f.After == nil:
		mark, style = "-", red
	}
	before, shortBefore := f.Before.inLine()
	after, shortAfter := f.After.inLine()
	if shortBefore && shortAfter && (t.Full || utf8.RuneCountInString(before+after) <= 2*foldWidth) {
		text := path + ": " + before + after
		if f.Before != nil && f.After != nil {
			text = path + ": " + before + " → " + after
		}
		t.line(2, t.paint(style, mark+" "+text)+by)
		return
	}
	t.line(2, t.paint(style, mark+" "+path+":")+by)
	t.lines(f.Before, f.After)
}

// lines shows a long value: what is the same at the beginning and the end is left out.
func (t *text) lines(before, after *Value) {
	b, a := before.lines(), after.lines()
	head := 0
	for head < min(len(b), len(a)) && b[head] == a[head] {
		head++
	}
	tail := 0
	for tail < min(len(b), len(a))-head && b[len(b)-1-tail] == a[len(a)-1-tail] {
		tail++
	}
	goes, comes := b[head:len(b)-tail], a[head:len(a)-tail]
	if len(goes) == 1 && len(comes) == 1 && !t.Full {
		goes, comes = nearDifference(goes[0], comes[0])
	}
	t.same(head)
	t.some("- ", red, goes)
	t.some("+ ", green, comes)
	t.same(tail)
	if cut := max(before.cut(), after.cut()); cut > 0 {
		t.line(valueDepth, t.paint(faint, fmt.Sprintf("… %d bytes are left out", cut)))
	}
}

func (t *text) same(n int) {
	if n > 0 {
		t.line(valueDepth, t.paint(faint, fmt.Sprintf("… %s as it is", count(n, "line", "lines"))))
	}
}

func (t *text) some(mark, style string, lines []string) {
	most := len(lines)
	if !t.Full && most > foldLines {
		most = foldLines - 1
	}
	for _, line := range lines[:most] {
		line = printable(line)
		if !t.Full {
			line = fold(line, 2*foldWidth)
		}
		t.line(valueDepth, t.paint(style, mark+line))
	}
	if more := len(lines) - most; more > 0 {
		t.line(valueDepth, t.paint(style, mark)+t.paint(faint, "… "+count(more, "more line", "more lines")))
	}
}

func (t *text) left(p Plan) {
	if len(p.Extra) == 0 {
		return
	}
	t.line(0, "")
	t.line(0, t.paint(bold, "left alone:"))
	for _, e := range p.Extra {
		t.line(1, "= "+printable(e.Key.String())+"  "+printable(e.Reason))
	}
}

func (t *text) problems(p Plan) {
	if len(p.Problems) == 0 {
		return
	}
	t.line(0, "")
	t.line(0, t.paint(bold, "could not be told:"))
	for _, problem := range p.Problems {
		line := printable(problem.Message)
		if problem.Key.Kind != "" {
			line = printable(problem.Key.String()) + "  " + line
		}
		if problem.Origin.File != "" {
			line = printable(problem.Origin.String()) + "  " + line
		}
		t.line(1, t.paint(red, "! ")+line)
	}
}

// ending names the plan and says what to do next.
func (t *text) ending(p Plan) {
	short := printable(p.Short())
	switch {
	case p.InLine():
		t.line(0, "In line: there is nothing to do.")
		return
	case p.Stale:
		t.line(0, "Plan "+short+" is stale: what it was made from has changed. Make a new one.")
		return
	case !p.Applicable:
		t.line(0, "Plan "+short+" can't be applied as a whole: see to what is marked ! first.")
		return
	}
	line := "Plan " + t.paint(bold, short)
	if t.Next != "" {
		line += ": " + printable(t.Next)
	}
	t.line(0, line)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// inLine is a value in one line, and whether it fits there.
func (v *Value) inLine() (string, bool) {
	switch {
	case v == nil:
		return "", true
	case v.Hidden != "":
		return printable(v.Hidden), true
	case v.Cut > 0:
		return "", false
	}
	switch content := v.Content.(type) {
	case string:
		return strconv.Quote(content), !strings.Contains(content, "\n") && utf8.RuneCountInString(content) <= foldWidth
	case map[string]any, []any:
		line := printable(compact(content))
		return line, utf8.RuneCountInString(line) <= foldWidth
	default:
		return printable(compact(content)), true
	}
}

// lines is a value in as many lines as it takes: a text has its own, the rest
// is written as YAML is.
func (v *Value) lines() []string {
	switch {
	case v == nil:
		return nil
	case v.Hidden != "":
		return []string{v.Hidden}
	}
	switch content := v.Content.(type) {
	case string:
		return strings.Split(strings.TrimSuffix(content, "\n"), "\n")
	case map[string]any, []any:
		return strings.Split(strings.TrimSuffix(asYAML(content), "\n"), "\n")
	default:
		return []string{compact(content)}
	}
}

func (v *Value) cut() int {
	if v == nil {
		return 0
	}
	return v.Cut
}

func compact(v any) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// nearDifference cuts two long lines to where they differ.
func nearDifference(before, after string) (b, a []string) {
	x, y := []rune(before), []rune(after)
	head, tail := 0, 0
	for head < min(len(x), len(y)) && x[head] == y[head] {
		head++
	}
	for tail < min(len(x), len(y))-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	const around = 20
	cut := func(line []rune) []string {
		from, to := max(0, head-around), min(len(line), len(line)-tail+around)
		s := string(line[from:to])
		if from > 0 {
			s = "… " + s
		}
		if to < len(line) {
			s += " …"
		}
		return []string{s}
	}
	if max(len(x), len(y)) <= 2*foldWidth {
		return []string{before}, []string{after}
	}
	return cut(x), cut(y)
}

// fold cuts a long line in its middle, so that both ends can be compared.
func fold(line string, most int) string {
	runes := []rune(line)
	if len(runes) <= most {
		return line
	}
	half := (most - 24) / 2
	return string(runes[:half]) + fmt.Sprintf(" … %d more … ", len(runes)-2*half) + string(runes[len(runes)-half:])
}

// printable is a text in which each character that isn't one to be seen is
// written as its code: nothing moves the cursor, changes the screen or the
// direction of writing, or ends the line.
func printable(s string) string {
	if !strings.ContainsFunc(s, isControl) && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&out, `\x%02x`, s[i])
		case isControl(r):
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func isControl(r rune) bool { return r != utf8.RuneError && !unicode.IsPrint(r) }
