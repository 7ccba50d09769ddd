package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A manual is a page that shows commands and what they print. The commands of its tour are the blocks marked "console": each line that begins
// with "$ " is a command, and what follows is what it prints.
type manual struct {
	name  string // its path in the checkout
	lines []string
	steps []step
}

// A step is one thing to try: what stands below a heading of the tour.
type step struct {
	title string
	parts []part
}

// A part is a paragraph, or a command.
type part struct {
	prose   string // with its line breaks
	command *command
}

// A command as the page shows it. line counts from 1; what it prints are the lines after it.
type command struct {
	line int
	text string
	want []string
}

// tourHeadings are the pages that have a tour, and the heading that it stands below.
var tourHeadings = map[string]string{"README.md": "## A tour", dayPage: "## The day"}

// dayPage is the page whose tour is walked with a Git server that others push to.
const dayPage = "docs/day.md"

// The marks that steps and commands are found by.
const (
	stepHeading = "### "
	blockBegins = "```console"
	blockEnds   = "```"
	prompt      = "$ "
)

// openManual reads a page of a checkout.
func openManual(checkout, name string) (*manual, error) {
	if tourHeadings[name] == "" {
		return nil, fmt.Errorf("%s has no tour: those that have one are %s", name, strings.Join(slices.Sorted(maps.Keys(tourHeadings)), " and "))
	}
	text, err := os.ReadFile(filepath.Join(checkout, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	return readManual(name, string(text))
}

// readManual finds the tour in a page.
func readManual(name, text string) (*manual, error) {
	m := &manual{name: name, lines: strings.Split(text, "\n")}
	tourHeading := tourHeadings[name]
	inTour, inBlock := false, false
	for i, line := range m.lines {
		switch {
		case inBlock && line == blockEnds:
			inBlock = false
		case inBlock:
			if err := m.inBlock(i, line); err != nil {
				return nil, err
			}
		case line == tourHeading:
			inTour = true
		case strings.HasPrefix(line, "## "):
			inTour = false
		case !inTour:
		case strings.HasPrefix(line, stepHeading):
			m.steps = append(m.steps, step{title: strings.TrimPrefix(line, stepHeading)})
		case line == blockBegins:
			inBlock = true
		case len(m.steps) > 0:
			m.prose(line)
		}
	}
	switch {
	case len(m.steps) == 0:
		return nil, fmt.Errorf("%s: there is no %q with a %q below it", name, tourHeading, stepHeading)
	case inBlock:
		return nil, fmt.Errorf("%s: a block of commands has no end", name)
	}
	return m, nil
}

func (m *manual) inBlock(i int, line string) error {
	if len(m.steps) == 0 {
		return fmt.Errorf("%s:%d: commands of the tour stand below a %q", m.name, i+1, stepHeading)
	}
	last := &m.steps[len(m.steps)-1]
	if text, ok := strings.CutPrefix(line, prompt); ok {
		last.parts = append(last.parts, part{command: &command{line: i + 1, text: text}})
		return nil
	}
	if len(last.parts) == 0 || last.parts[len(last.parts)-1].command == nil {
		return fmt.Errorf("%s:%d: a block of commands begins with %q", m.name, i+1, prompt)
	}
	c := last.parts[len(last.parts)-1].command
	c.want = append(c.want, line)
	return nil
}

// prose adds a line to the paragraph before it, or begins one.
func (m *manual) prose(line string) {
	last := &m.steps[len(m.steps)-1]
	n := len(last.parts)
	switch {
	case line == "":
		last.parts = append(last.parts, part{})
	case n > 0 && last.parts[n-1].command == nil && last.parts[n-1].prose != "":
		last.parts[n-1].prose += "\n" + line
	default:
		last.parts = append(last.parts, part{prose: line})
	}
}

// asks says whether a command only asks Plumb how things stand: it may be given again until the answer is the one that is waited for.
func (c *command) asks() bool {
	for _, verb := range []string{"blame", "compare", "diff", "events", "get", "history", "tree"} {
		if strings.HasPrefix(c.text+" ", "plumb "+verb+" ") {
			return true
		}
	}
	return false
}

// toDo are the commands of a step up to the last that changes something; none where all only ask.
func (s step) toDo() (texts []string) {
	last := 0
	for _, p := range s.parts {
		if p.command == nil {
			continue
		}
		texts = append(texts, p.command.text)
		if !p.command.asks() {
			last = len(texts)
		}
	}
	return texts[:last]
}

// with is the page with what was given and printed in place of what it shows: the commands by their lines, and the output of each.
func (m *manual) with(given map[int]string, got map[int][]string) (string, error) {
	var lines []string
	skip := map[int]bool{}
	for _, s := range m.steps {
		for _, p := range s.parts {
			if p.command == nil {
				continue
			}
			if _, ok := got[p.command.line]; !ok {
				return "", errors.New("a command was not run: " + p.command.text)
			}
			for i := range p.command.want {
				skip[p.command.line+1+i] = true
			}
		}
	}
	for i, line := range m.lines {
		if text, ok := given[i+1]; ok {
			line = prompt + text
		}
		if !skip[i+1] {
			lines = append(lines, line)
		}
		lines = append(lines, got[i+1]...)
	}
	return strings.Join(lines, "\n"), nil
}
