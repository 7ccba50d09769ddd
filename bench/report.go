package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// report is the results and where they were measured.
type report struct {
	Machine machine `json:"machine"`
	Rows    []row   `json:"rows"`
}

// print writes the results for people.
func (r report) print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", r.Machine); err != nil {
		return err
	}
	_, err := io.WriteString(w, table(r.Rows))
	return err
}

// table aligns the rows.
func table(rows []row) string {
	lines := [][]string{{"scenario", "apps", "what", "measured", "floor", "ratio", "goal", ""}}
	for _, r := range rows {
		line := []string{r.Scenario, strconv.Itoa(r.Apps), r.What, r.measured(), "", "", r.Goal, string(r.Verdict)}
		if r.Floor > 0 {
			line[4], line[5] = plain(r.Floor)+" "+r.Unit, plain(r.Ratio)
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var text strings.Builder
		for i, cell := range line {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 1 || i >= 3 && i <= 5 { // figures stand below each other at their end
				text.WriteString(gap + cell + "  ")
			} else {
				text.WriteString(cell + gap + "  ")
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return b.String()
}

// write keeps the results as JSON.
func (r report) write(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}
