package plan

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
)

// Declared is what an App declares.
type Declared struct {
	App     string // NAMESPACE/NAME
	Objects []object.Object
}

// mostCompared bounds how many fields a comparison lists.
const mostCompared = 1000

// Compare tells in what two Apps differ. What either of them hides is hidden in
// both; equal hidden values are told to be equal.
func Compare(a, b Declared, r redact.Redactor) Comparison {
	c := Comparison{
		A: a.App, B: b.App, Images: []Difference{}, Charts: []Difference{}, Fields: []Difference{}, OnlyA: []object.Key{}, OnlyB: []object.Key{},
	}
	r = r.Across()
	ofA, ofB := byName(a.Objects), byName(b.Objects)
	names := slices.Collect(maps.Keys(ofA))
	for name := range ofB {
		if ofA[name] == nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(x, y object.Key) int { return strings.Compare(x.ID(), y.ID()) })
	for _, name := range names {
		x, y := ofA[name], ofB[name]
		both := min(len(x), len(y))
		for i := range both {
			c.compare(x[i], y[i], r)
		}
		for _, o := range x[both:] {
			c.OnlyA = append(c.OnlyA, o.Key())
		}
		for _, o := range y[both:] {
			c.OnlyB = append(c.OnlyB, o.Key())
		}
	}
	return c
}

// byName groups objects by what they are called, whatever their namespace.
func byName(objects []object.Object) map[object.Key][]object.Object {
	named := map[object.Key][]object.Object{}
	for _, o := range objects {
		key := o.Key()
		key.Namespace = ""
		named[key] = append(named[key], o)
	}
	for _, list := range named {
		slices.SortFunc(list, func(x, y object.Object) int { return cmp.Compare(x.GetNamespace(), y.GetNamespace()) })
	}
	return named
}

func (c *Comparison) compare(a, b object.Object, r redact.Redactor) {
	x, y := a.Unstructured.Object, b.Unstructured.Object
	mask := r.Of(x, y)
	for _, s := range Diff(WithoutMarks(mask.Show(x)), WithoutMarks(mask.Show(y)), nil) {
		d := Difference{Key: a.Key(), Path: s.Path(), A: s.Before, B: s.After}
		container, isImage := imageOf(s.At)
		switch {
		case d.Path == "metadata.namespace":
		case isImage:
			d.Name = container
			c.Images = append(c.Images, d)
		case strings.HasSuffix(d.Path, "."+chartLabel):
			c.chart(d)
		case len(c.Fields) < mostCompared:
			c.Fields = append(c.Fields, d)
		default:
			c.More++
		}
	}
}

// chartLabel is what charts write into the labels of what they render.
const chartLabel = "helm.sh/chart"

// chart notes a chart's versions once, however many objects have its label.
func (c *Comparison) chart(d Difference) {
	d.Name = chartName(d.A, d.B)
	for _, known := range c.Charts {
		if known.Name == d.Name && reflect.DeepEqual(known.A, d.A) && reflect.DeepEqual(known.B, d.B) {
			return
		}
	}
	c.Charts = append(c.Charts, d)
}

// chartName is NAME of the label NAME-VERSION.
func chartName(values ...*Value) string {
	for _, v := range values {
		if v == nil {
			continue
		}
		text, _ := v.Content.(string)
		for i := 1; i+1 < len(text); i++ {
			if text[i] == '-' && text[i+1] >= '0' && text[i+1] <= '9' {
				return text[:i]
			}
		}
	}
	return ""
}

// imageOf says which container's image a path leads to.
func imageOf(at fieldpath.Path) (container string, ok bool) {
	n := len(at)
	if n < 3 || at[n-1].FieldName == nil || *at[n-1].FieldName != "image" || at[n-2].Key == nil || at[n-3].FieldName == nil {
		return "", false
	}
	if !strings.HasSuffix(strings.ToLower(*at[n-3].FieldName), "containers") {
		return "", false
	}
	for _, key := range *at[n-2].Key {
		if key.Name == "name" {
			return fmt.Sprint(key.Value.Unstructured()), true
		}
	}
	return "", false
}

// WithoutMarks is an object without the label and the annotations that are ours,
// which say nothing of what it is. It always has a map of labels and one of
// annotations, so that those who compare it tell of one label what differs.
func WithoutMarks(o map[string]any) map[string]any {
	metadata, ok := o["metadata"].(map[string]any)
	if !ok {
		return o
	}
	o, metadata = maps.Clone(o), maps.Clone(metadata)
	for _, field := range []string{"labels", "annotations"} {
		if marks, ok := metadata[field].(map[string]any); ok || metadata[field] == nil {
			metadata[field] = othersMarks(marks)
		}
	}
	o["metadata"] = metadata
	return o
}

// othersMarks are labels or annotations that aren't ours.
func othersMarks(marks map[string]any) map[string]any {
	others := make(map[string]any, len(marks))
	for name, value := range marks {
		switch name {
		case object.LabelApp, object.AnnotationID, object.AnnotationOrigin, object.AnnotationRevision, object.AnnotationDigest, object.AnnotationRoot,
			object.AnnotationGenerated, object.AnnotationRestartDue:
		default:
			others[name] = value
		}
	}
	return others
}

// Text shows a comparison as a table for people.
func (c Comparison) Text(v View) string {
	t := &text{View: v}
	if c.Same() {
		t.line(0, printable(c.A)+" and "+printable(c.B)+" declare the same.")
		return t.out.String()
	}
	rows := [][3]string{{"", c.A, c.B}}
	for _, part := range []struct {
		title string
		found []Difference
	}{{"image", c.Images}, {"chart", c.Charts}, {"field", c.Fields}} {
		for _, d := range part.found {
			rows = append(rows, [3]string{part.title + "  " + subject(d), cell(d.A), cell(d.B)})
		}
	}
	for _, k := range c.OnlyA {
		rows = append(rows, [3]string{"object  " + nameOf(k), "declared", "-"})
	}
	for _, k := range c.OnlyB {
		rows = append(rows, [3]string{"object  " + nameOf(k), "-", "declared"})
	}
	t.table(rows)
	if c.More > 0 {
		t.line(0, fmt.Sprintf("… and %d more fields", c.More))
	}
	return t.out.String()
}

func subject(d Difference) string {
	if d.Name != "" {
		return nameOf(d.Key) + "  " + d.Name
	}
	return nameOf(d.Key) + "  " + d.Path
}

// cell is a value in a table: what doesn't fit is cut.
func cell(v *Value) string {
	switch {
	case v == nil:
		return "-"
	case v.Hidden != "":
		return v.Hidden
	}
	if text, ok := v.Content.(string); ok && v.Cut == 0 && text != "" && text != "-" && printable(text) == text {
		return fold(text, foldWidth)
	}
	return fold(compact(v.Content), foldWidth)
}

// table writes rows under a heading.
func (t *text) table(rows [][3]string) {
	var widths [2]int
	for i, row := range rows {
		for column := range row {
			rows[i][column] = printable(row[column])
			if column < len(widths) {
				widths[column] = max(widths[column], len([]rune(rows[i][column])))
			}
		}
	}
	for i, row := range rows {
		line := fmt.Sprintf("%-*s  %-*s  %s", widths[0], row[0], widths[1], row[1], row[2])
		if i == 0 {
			line = t.paint(bold, line)
		}
		t.line(0, line)
	}
}
