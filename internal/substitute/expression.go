package substitute

import "strings"

// expression is one ${…} of a text.
type expression struct {
	source   string // as it stands, with the braces
	name     string // empty where there is none
	operator string // of a default, or empty
	fallback string // the default, not yet looked into
	foreign  bool   // it is none of the forms that are known
}

// piece is a part of a text: words as they stand, or an expression.
type piece struct {
	words      string
	expression *expression
}

// operators come before a default, the longer ones first.
var operators = []string{":=", ":-", "="}

// parse takes a text apart. What has no end is words.
func parse(text string) []piece {
	var pieces []piece
	var words strings.Builder
	for text != "" {
		at := strings.IndexByte(text, '$')
		if at < 0 {
			break
		}
		words.WriteString(text[:at])
		text = text[at:]
		signs := len(text) - len(strings.TrimLeft(text, "$"))
		end := closing(text[signs-1:])
		switch {
		case !strings.HasPrefix(text[signs:], "{"), signs%2 == 1 && end < 0:
			words.WriteString(text[:signs])
			text = text[signs:]
			continue
		case signs%2 == 0:
			words.WriteString(text[:signs/2])
			text = text[signs:]
			continue
		}
		words.WriteString(text[:signs/2])
		text = text[signs-1:]
		if words.Len() > 0 {
			pieces = append(pieces, piece{words: words.String()})
			words.Reset()
		}
		e := read(text[:end])
		pieces = append(pieces, piece{expression: &e})
		text = text[end:]
	}
	if words.WriteString(text); words.Len() > 0 {
		pieces = append(pieces, piece{words: words.String()})
	}
	return pieces
}

// The limits of one expression. What is above them is words.
const (
	maxNested     = 8 // expressions in defaults
	maxExpression = 64 << 10
)

// closing is where an expression that a text begins with ends, or -1 where the
// text begins with none.
func closing(text string) int {
	if !strings.HasPrefix(text, "${") {
		return -1
	}
	open, named := 0, true // named is that only a name can have come so far
	for i := 0; i < min(len(text), maxExpression); i++ {
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "${"):
			if open++; open > maxNested {
				return -1
			}
			i++
		case c == '}':
			if open--; open == 0 {
				return i + 1
			}
		case c == '\n' && named:
			return -1 // it is a brace of something else
		case c == ':' || c == '=' || c == '-':
			named = false
		}
	}
	return -1
}

// read is the expression that a text is.
func read(source string) expression {
	e := expression{source: source}
	inner := source[len("${") : len(source)-1]
	n := nameLength(inner)
	e.name = inner[:n]
	rest := inner[n:]
	if n == 0 {
		e.foreign = true
		return e
	}
	if rest == "" {
		return e
	}
	for _, operator := range operators {
		if fallback, has := strings.CutPrefix(rest, operator); has {
			e.operator, e.fallback = operator, fallback
			return e
		}
	}
	e.foreign = true
	return e
}

// nameLength is how long the name is that a text begins with.
func nameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

// IsName says whether a text can be a name in ${NAME}.
func IsName(s string) bool { return s != "" && nameLength(s) == len(s) }

// maxShown bounds what messages show of a name.
const maxShown = 60

// shown is the expression for messages: its name, and which form it has. What
// else it holds may be anything.
func (e expression) shown() string {
	inner := e.source[len("${") : len(e.source)-1]
	rest := inner[len(e.name):]
	form := len(rest) - len(strings.TrimLeft(rest, "#%/^,:=-+?!@*[<>|&"))
	s := inner[:min(len(e.name)+form, maxShown)]
	if len(s) < len(inner) {
		s += "…"
	}
	return "${" + s + "}"
}
