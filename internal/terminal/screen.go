package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// Screen is where people read: how wide it is, and whether it has colours.
type Screen struct {
	Out    io.Writer
	Width  int // columns; 0 is unlimited
	Colour bool
}

// NewScreen is the screen that a writer is: as wide as the terminal, with colours
// unless the environment forbids them. columns and ok are of Width.
func NewScreen(out io.Writer, getenv func(string) string, columns int, ok bool) Screen {
	if !ok {
		return Screen{Out: out}
	}
	return Screen{Out: out, Width: columns, Colour: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

// Width is the width of the terminal that a writer is, if it is one.
func Width(out io.Writer) (columns int, ok bool) {
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

// Style is how a word looks on a screen with colours. The word says the same
// without.
type Style string

// The styles.
const (
	Plain  Style = ""
	Good   Style = "32" // green
	Busy   Style = "33" // yellow
	Bad    Style = "31" // red
	Dim    Style = "2"
	Strong Style = "1"
)

// Paint puts a style around text.
func (s Screen) Paint(text string, as Style) string {
	if !s.Colour || as == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(as) + "m" + text + "\x1b[0m"
}

// Say writes one line, made printable.
func (s Screen) Say(format string, args ...any) {
	fmt.Fprintln(s.Out, Printable(fmt.Sprintf(format, args...), ""))
}

// Title writes what stands over a part, with a blank line before it.
func (s Screen) Title(text string) {
	fmt.Fprintf(s.Out, "\n%s\n", s.Paint(Printable(text, ""), Strong))
}

// StyleOf is the style of a word that tells a state.
func StyleOf[State ~string](word State) Style {
	switch string(word) {
	case string(status.Synced), string(status.Healthy), string(release.Succeeded), string(status.Done), "healthy":
		return Good
	case string(status.OutOfSync), string(status.Progressing), string(release.Running), string(status.Pending), string(status.Held), "waiting":
		return Busy
	case string(status.Degraded), string(release.Failed), "failed":
		return Bad
	}
	return Dim
}

// Printable makes text safe to show: what others wrote must not steer the
// terminal or reorder the line. Runes in keep stay as they are.
func Printable(text, keep string) string {
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

// Columns is how much room text takes on a screen.
func Columns(text string) int {
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

// Cut shortens text to a number of columns.
func Cut(text string, most int) string {
	if Columns(text) <= most {
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
