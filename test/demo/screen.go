package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// screen is where the demo shows itself. On a terminal the last lines are live: they are painted over until they are settled. Elsewhere
// there are only lines that stay. It is used by one goroutine at a time.
type screen struct {
	out    io.Writer
	width  func() int // columns; nil where out is no terminal
	colour bool
	live   int // lines that the next painting replaces
}

// newScreen is the screen that a file is.
func newScreen(out *os.File, getenv func(string) string) *screen {
	s := &screen{out: out}
	if fd := int(out.Fd()); term.IsTerminal(fd) {
		s.width = func() int {
			if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
				return columns
			}
			return 80
		}
		s.colour = getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	}
	return s
}

func (s *screen) terminal() bool { return s.width != nil }

// style is how text looks on a screen with colours. It says nothing that the text doesn't.
type style string

const (
	good   style = "32" // green
	busy   style = "33" // yellow
	bad    style = "31" // red
	dim    style = "2"
	strong style = "1"
)

func (s *screen) paint(as style, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + string(as) + "m" + text + "\x1b[0m"
}

// states paints the words that say how an App stands.
func (s *screen) states(line string) string {
	if !s.colour {
		return line
	}
	return strings.NewReplacer(
		"Synced", s.paint(good, "Synced"), "Healthy", s.paint(good, "Healthy"),
		"OutOfSync", s.paint(busy, "OutOfSync"), "Progressing", s.paint(busy, "Progressing"),
		"Degraded", s.paint(bad, "Degraded"),
	).Replace(line)
}

// say prints lines that stay. What was live goes.
func (s *screen) say(lines ...string) {
	s.clear()
	for _, line := range lines {
		fmt.Fprintln(s.out, line)
	}
}

// show paints the live lines, cut to the screen's width; elsewhere than on a terminal it does nothing.
func (s *screen) show(lines ...string) {
	if !s.terminal() {
		return
	}
	s.clear()
	width := s.width()
	for _, line := range lines {
		fmt.Fprintln(s.out, s.states(cut(line, width-1)))
	}
	s.live = len(lines)
}

// clear takes the live lines away.
func (s *screen) clear() {
	if s.live > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.live)
		s.live = 0
	}
}

const (
	repaint  = 100 * time.Millisecond
	reassure = 30 * time.Second // how often a long step says that it still goes on, where nothing is live
)

// run shows one step while it goes on, with how long it has taken and what it told last; then what came of it. The step's function is called on
// another goroutine, and is given a function that it may tell how it gets on with.
func (s *screen) run(ctx context.Context, what string, do func(ctx context.Context, tell func(string)) (result string, err error)) error {
	type ending struct {
		result string
		err    error
	}
	told, ended := make(chan string), make(chan ending, 1)
	go func() {
		result, err := do(ctx, func(news string) { told <- news })
		ended <- ending{result, err}
	}()
	every := repaint
	if !s.terminal() {
		every = reassure
		s.say(what + " …")
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	begun, last := time.Now(), ""
	for {
		select {
		case last = <-told:
			continue
		case <-ticker.C:
			if s.terminal() {
				s.show(fmt.Sprintf("  %s … %s  %s", what, span(time.Since(begun)), last))
			} else {
				s.say(fmt.Sprintf("  still at it after %s  %s", span(time.Since(begun)), last))
			}
		case end := <-ended:
			if end.err != nil {
				s.say(s.paint(bad, "✗") + " " + what)
				return end.err
			}
			s.say(s.paint(good, "✓") + " " + end.result + s.paint(dim, "  "+span(time.Since(begun))))
			return nil
		}
	}
}

// span is a time that something took, for people.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// cut shortens a line to a number of columns, and makes it safe: what others wrote must not steer the terminal.
func cut(line string, columns int) string {
	runes := []rune(printable(line))
	if len(runes) <= columns {
		return string(runes)
	}
	return strings.TrimRight(string(runes[:max(columns-1, 0)]), " ") + "…"
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
