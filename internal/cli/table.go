package cli

import (
	"fmt"
	"strings"
)

// cell is one field of a table.
type cell struct {
	text  string
	style style
}

// text is a cell without a style.
func text(s string) cell { return cell{text: s} }

// state is a cell that tells a state by its word, and by colour where there is one.
func state[State ~string](word State) cell { return cell{string(word), styleOf(word)} }

// table is aligned columns for people.
type table struct {
	header []string // none is printed when empty
	rows   [][]cell
	indent string
	whole  bool // the last field isn't cut: this is where one comes to read it
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

const (
	gap     = "  "
	minLast = 20 // columns that the last field keeps, however narrow the screen
)

// print writes a table. A field that is empty becomes "-", except the last,
// which is cut where the screen ends.
func (t *table) print(s screen) {
	if t.whole {
		s.width = 0
	}
	rows := t.rows
	if len(t.header) > 0 {
		header := make([]cell, len(t.header))
		for i, h := range t.header {
			header[i] = cell{h, strong}
		}
		rows = append([][]cell{header}, rows...)
	}
	widths := make([]int, 0, len(t.header))
	for _, row := range rows {
		for i := range row {
			row[i].text = printable(row[i].text, "")
			if row[i].text == "" && i < len(row)-1 {
				row[i].text = "-"
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(row[i].text))
		}
	}
	for _, row := range rows {
		fmt.Fprintln(s.out, t.indent+line(s, row, widths, columns(t.indent)))
	}
}

// line is one row, its fields padded to the widths of their columns.
func line(s screen, row []cell, widths []int, used int) string {
	var b strings.Builder
	for i, c := range row {
		last := i == len(row)-1
		if last && s.width > 0 {
			c.text = cut(c.text, max(s.width-used, minLast))
		}
		b.WriteString(s.paint(c.text, c.style))
		if !last {
			b.WriteString(strings.Repeat(" ", widths[i]-columns(c.text)) + gap)
			used += widths[i] + len(gap)
		}
	}
	return strings.TrimRight(b.String(), " ")
}
