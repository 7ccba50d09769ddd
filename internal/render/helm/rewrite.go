package helm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// maxNesting bounds how deep a template's blocks and parentheses nest: the
// library's parser calls itself for each.
const maxNesting = 500

// source is one file of templates: where it came from, and its text as it is
// there.
type source struct{ origin, text string }

// meter puts a meter's calls into all templates of a chart and of those it
// depends on. It returns the templates by the names that the library gives them.
func (b *build) meter(m *meter, c *chart.Chart) (map[string]source, error) {
	found := map[string]source{}
	var visit func(c *chart.Chart) error
	visit = func(c *chart.Chart) error {
		metered := make([]*common.File, len(c.Templates))
		for i, f := range c.Templates {
			name := c.ChartFullPath() + "/" + f.Name
			found[name] = source{origin: b.origins[f], text: string(f.Data)}
			text, err := rewrite(string(f.Data))
			if err != nil {
				return fmt.Errorf("%s: %w", b.origins[f], err)
			}
			metered[i] = &common.File{Name: f.Name, Data: []byte(text)}
			if err := m.spend(1, len(f.Data)); err != nil {
				return err
			}
		}
		c.Templates = metered
		for _, d := range c.Dependencies() {
			if err := visit(d); err != nil {
				return err
			}
		}
		return nil
	}
	return found, visit(c)
}

// action is a {{ }} of a template.
type action struct {
	start, end int    // of the whole action in the text
	from       int    // where inner starts in the text
	inner      string // what is between the delimiters, without the marks that trim
	trimsLeft  bool
	trimsRight bool
	word       string // its first word, where it begins with a letter
	comment    bool
}

// rewrite puts the calls of a meter into a template's text. What it can't make
// sense of it leaves as it is: the library tells what is wrong.
func rewrite(text string) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	actions, err := scan(text)
	if err != nil {
		return "", err
	}
	bodies, opens := blocks(actions, text)
	filled := metering(actions, opens, text)
	var out strings.Builder
	fmt.Fprintf(&out, "{{%s %d}}", callEnter, len(text))
	at := 0
	for i, a := range actions {
		out.WriteString(text[at:a.start])
		switch {
		case a.word == "end" && opens[i] >= 0 && filled[opens[i]]:
			out.WriteString(call(callLeave, a.trimsLeft, false))
		case a.word == "template", a.word == "block": // what they use may be blank
			out.WriteString(call(fmt.Sprintf("%s %d", callTurn, maxBlank), a.trimsLeft, false))
		}
		out.WriteString(changed(text, a))
		switch {
		case a.word == "range":
			out.WriteString(call(fmt.Sprintf("%s %d", callTurn, bodies[i]), false, a.trimsRight))
		case filled[i]:
			out.WriteString(call(fmt.Sprintf("%s %d", callEnter, bodies[i]), false, a.trimsRight))
		}
		at = a.end
	}
	rest := text[at:]
	if brace, ends := strings.CutSuffix(rest, "{"); ends {
		rest = brace + `{{"{"}}` // or it would belong to what follows
	}
	out.WriteString(rest)
	fmt.Fprintf(&out, "{{%s}}", callLeave)
	return out.String(), nil
}

// maxBlank bounds the blanks of a named template that has nothing else in it.
const maxBlank = 64

// metering finds the actions that begin a named template. One that is blank is none
// of them and gets no calls, for that would change what its name means: a blank
// template never takes the place of another, and any other takes its place.
func metering(actions []action, opens []int, text string) map[int]bool {
	found := map[int]bool{}
	for end, begin := range opens {
		if begin >= 0 && (actions[begin].word == "define" || actions[begin].word == "block") {
			found[begin] = !blank(actions[begin:end+1], text)
		}
	}
	return found
}

// blank says whether there is nothing but a few blanks and comments between the
// first and the last action.
func blank(actions []action, text string) bool {
	blanks := 0
	for i, a := range actions[1:] {
		between := text[actions[i].end:a.start]
		if strings.TrimSpace(between) != "" || i < len(actions)-2 && !a.comment {
			return false
		}
		blanks += len(between)
	}
	return blanks <= maxBlank
}

// call is an action that calls, and trims what the action beside it trims.
func call(what string, trimsLeft, trimsRight bool) string {
	begin, end := "{{", "}}"
	if trimsLeft {
		begin = "{{- "
	}
	if trimsRight {
		end = " -}}"
	}
	return begin + what + end
}

// blocks finds, for each action that begins a block, how much text there is up
// to the block's end, and for each end, which action began it: -1 for none.
func blocks(actions []action, text string) (bodies map[int]int, opens []int) {
	bodies, opens = map[int]int{}, make([]int, len(actions))
	var open []int
	for i, a := range actions {
		opens[i] = -1
		switch a.word {
		case "range", "define", "block", "if", "with":
			open = append(open, i)
		case "end":
			if len(open) == 0 {
				continue
			}
			begin := open[len(open)-1]
			open = open[:len(open)-1]
			opens[i], bodies[begin] = begin, a.start-actions[begin].end
		}
	}
	return bodies, opens
}

// assigns finds an action that gives a variable a value and prints nothing.
var assigns = regexp.MustCompile(`^\s*\$\w*(\s*,\s*\$\w*)?\s*:?=`)

// words that begin an action which prints nothing by itself.
func silent(word string) bool {
	switch word {
	case "range", "define", "block", "if", "with", "else", "end", "template", "break", "continue":
		return true
	}
	return false
}

// changed is an action with calls in it: around what it prints, and around what
// it gives to tpl.
func changed(text string, a action) string {
	if a.comment || strings.TrimSpace(a.inner) == "" {
		return text[a.start:a.end]
	}
	inner := guarded(a.inner)
	if !silent(a.word) && !assigns.MatchString(a.inner) {
		inner += " | " + callPrint + " "
	}
	return text[a.start:a.from] + inner + text[a.from+len(a.inner):a.end]
}

// guarded puts a call around what tpl is given.
func guarded(inner string) string {
	const function = "tpl"
	if !strings.Contains(inner, function) {
		return inner
	}
	var out strings.Builder
	for i := 0; i < len(inner); {
		if n := quotedLen(inner[i:]); n > 0 {
			out.WriteString(inner[i : i+n])
			i += n
			continue
		}
		if !wordAt(inner, i, function) {
			out.WriteByte(inner[i])
			i++
			continue
		}
		i += len(function)
		out.WriteString(function)
		begin := i + len(inner[i:]) - len(strings.TrimLeft(inner[i:], " \t\r\n"))
		n := operandLen(inner[begin:])
		if n == 0 || begin == i && inner[begin] != '(' {
			continue
		}
		out.WriteString(inner[i:begin] + " (" + callText + " " + guarded(inner[begin:begin+n]) + ")")
		i = begin + n
	}
	return out.String()
}

// wordAt says whether a function's name stands at i, by itself.
func wordAt(s string, i int, word string) bool {
	letter := func(b byte) bool {
		return b == '_' || b == '.' || b == '$' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
	}
	if !strings.HasPrefix(s[i:], word) || i > 0 && letter(s[i-1]) {
		return false
	}
	return i+len(word) == len(s) || !letter(s[i+len(word)])
}

// operandLen is how long the operand is that a text begins with.
func operandLen(s string) int {
	depth := 0
	for i := 0; i < len(s); {
		if n := quotedLen(s[i:]); n > 0 {
			i += n
			continue
		}
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return i
			}
		case ' ', '\t', '\r', '\n', '|':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(s)
}

// quotedLen is how long the quoted text is that a text begins with; 0 for none.
func quotedLen(s string) int {
	quote := s[0]
	if quote != '"' && quote != '`' && quote != '\'' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i + 1
		case s[i] == '\\' && quote != '`':
			i++
		}
	}
	return len(s)
}

var firstWord = regexp.MustCompile(`^\s*([a-z]+)\b`)

var errNesting = errors.New("blocks or parentheses nest too deep in a template; simplify it")

// scan finds the actions of a template. It ends where one isn't closed.
func scan(text string) ([]action, error) {
	var actions []action
	var open []int // for each block that is open, how deep the parser is in it
	for at := 0; ; {
		begin := strings.Index(text[at:], "{{")
		if begin < 0 {
			return actions, nil
		}
		a, ok, err := scanAction(text, at+begin)
		if err != nil || !ok {
			return actions, err
		}
		if open = nested(open, a); len(open) > 0 && open[len(open)-1] > maxNesting {
			return nil, errNesting
		}
		actions = append(actions, a)
		at = a.end
	}
}

// nested is how deep the parser is in each block that is open after an action.
// It takes `else if` for a block in a block, with one end.
func nested(open []int, a action) []int {
	last := len(open) - 1
	switch a.word {
	case "range", "define", "block", "if", "with":
		if last < 0 {
			return append(open, 1)
		}
		return append(open, open[last]+1)
	case "else":
		if last >= 0 && strings.TrimSpace(a.inner) != a.word {
			open[last]++
		}
	case "end":
		if last >= 0 {
			return open[:last]
		}
	}
	return open
}

// scanAction reads the action that begins at a place; false where it has no end.
func scanAction(text string, start int) (action, bool, error) {
	a := action{start: start}
	begin := start + len("{{")
	if rest := text[begin:]; len(rest) > 1 && rest[0] == '-' && strings.ContainsRune(" \t\r\n", rune(rest[1])) {
		a.trimsLeft = true
		begin += 2
	}
	if strings.HasPrefix(text[begin:], "/*") {
		n := strings.Index(text[begin:], "*/")
		if n < 0 {
			return a, false, nil
		}
		end := strings.Index(text[begin+n:], "}}")
		if end < 0 {
			return a, false, nil
		}
		a.comment, a.end = true, begin+n+end+2
		a.trimsRight = strings.HasSuffix(text[:a.end-2], "-")
		return a, true, nil
	}
	depth := 0
	for i := begin; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "}}"):
			a.end, a.from, a.inner = i+2, begin, text[begin:i]
			if n := len(a.inner); n > 1 && a.inner[n-1] == '-' && strings.ContainsRune(" \t\r\n", rune(a.inner[n-2])) {
				a.trimsRight, a.inner = true, a.inner[:n-2]
			}
			if m := firstWord.FindStringSubmatch(a.inner); m != nil {
				a.word = m[1]
			}
			return a, true, nil
		case text[i] == '(':
			if depth++; depth > maxNesting {
				return a, false, errNesting
			}
		case text[i] == ')':
			depth--
		}
		i += max(1, quotedLen(text[i:]))
	}
	return a, false, nil
}
