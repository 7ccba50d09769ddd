package cli

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// screen is where people read: how wide it is, and whether it has colours.
type screen struct {
	out    io.Writer
	width  int // columns; 0 is unlimited
	colour bool
}

// screen is the one that Out is.
func (e Env) screen() screen {
	columns, terminal := e.Terminal()
	if !terminal {
		return screen{out: e.Out}
	}
	return screen{out: e.Out, width: columns, colour: e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb"}
}

// terminalWidth is the width of the terminal that a writer is, if it is one.
func terminalWidth(out io.Writer) (columns int, ok bool) {
	f, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, true
	}
	return columns, true
}

// style is how a word looks on a screen with colours. The word says the same
// without.
type style string

const (
	plain  style = ""
	good   style = "32" // green
	busy   style = "33" // yellow
	bad    style = "31" // red
	dim    style = "2"
	strong style = "1"
)

// paint puts a style around text.
func (s screen) paint(text string, as style) string {
	if !s.colour || as == plain || text == "" {
		return text
	}
	return "\x1b[" + string(as) + "m" + text + "\x1b[0m"
}

// styleOf is the style of a word that tells a state.
func styleOf[State ~string](word State) style {
	switch string(word) {
	case string(status.Synced), string(status.Healthy), string(release.Succeeded):
		return good
	case string(status.OutOfSync), string(status.Progressing), string(release.Running):
		return busy
	case string(status.Degraded), string(release.Failed):
		return bad
	}
	return dim
}

// printable makes text safe to show: what others wrote must not steer the
// terminal or reorder the line. Runes in keep stay as they are.
func printable(text, keep string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(keep, r):
			return r
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // the latter two change the direction
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// columns is how much room text takes on a screen.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens text to a number of columns.
func cut(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	n := 0
	for i, r := range text {
		if n += runeColumns(r); n > most-1 {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}
