package terminal

import (
	"fmt"
	"strings"
)

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
}

// Of is a cell with a style.
func (s Style) Of(text string) Cell { return Cell{text, s} }

// State is a cell that tells a state by its word, and by colour where there is one.
func State[Word ~string](word Word) Cell { return Cell{string(word), StyleOf(word)} }

// Table is aligned columns for people.
type Table struct {
	Header []string // none is printed when empty
	rows   [][]Cell
	Indent string
	Whole  bool // the last field isn't cut: this is where one comes to read it
}

// Add adds a row. A field is a Cell, or anything else that becomes one without a
// style.
func (t *Table) Add(fields ...any) {
	row := make([]Cell, len(fields))
	for i, f := range fields {
		row[i] = cellOf(f)
	}
	t.rows = append(t.rows, row)
}

func cellOf(field any) Cell {
	if c, ok := field.(Cell); ok {
		return c
	}
	return Cell{Text: fmt.Sprint(field)}
}

// Len is how many rows there are.
func (t *Table) Len() int { return len(t.rows) }

// Facts are names with what goes with each, one in a line.
type Facts struct{ table Table }

// Fact adds one, unless there is nothing to tell.
func (f *Facts) Fact(name string, value any) {
	if c := cellOf(value); c.Text != "" {
		f.table.Add(Dim.Of(name+":"), c)
	}
}

// Print writes the facts, whole however long they are.
func (f *Facts) Print(s Screen) {
	f.table.Whole = true
	f.table.Print(s)
}

const (
	gap     = "  "
	minLast = 20 // columns that the last field keeps, however narrow the screen
)

// Print writes a table. A field that is empty becomes "-", except the last,
// which is cut where the screen ends.
func (t *Table) Print(s Screen) {
	if t.Whole {
		s.Width = 0
	}
	rows := t.rows
	if len(t.Header) > 0 {
		header := make([]Cell, len(t.Header))
		for i, h := range t.Header {
			header[i] = Strong.Of(h)
		}
		rows = append([][]Cell{header}, rows...)
	}
	widths := make([]int, 0, len(t.Header))
	for _, row := range rows {
		for i := range row {
			row[i].Text = Printable(row[i].Text, "")
			if row[i].Text == "" && i < len(row)-1 {
				row[i].Text = "-"
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Columns(row[i].Text))
		}
	}
	for _, row := range rows {
		fmt.Fprintln(s.Out, t.Indent+line(s, row, widths, Columns(t.Indent)))
	}
}

// line is one row, its fields padded to the widths of their columns.
func line(s Screen, row []Cell, widths []int, used int) string {
	var b strings.Builder
	for i, c := range row {
		last := i == len(row)-1
		if last && s.Width > 0 {
			c.Text = Cut(c.Text, max(s.Width-used, minLast))
		}
		b.WriteString(s.Paint(c.Text, c.Style))
		if !last {
			b.WriteString(strings.Repeat(" ", widths[i]-Columns(c.Text)) + gap)
			used += widths[i] + len(gap)
		}
	}
	return strings.TrimRight(b.String(), " ")
}
