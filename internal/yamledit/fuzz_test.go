package yamledit

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzEdit holds that an edit which isn't refused does what was asked for and
// nothing else, whatever the file looks like.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n---\nb: [x, 'y', \"z\"]\n", "a: &x {b: 1}\nc: *x\n", "a: &x {b: 1}\nc:\n  <<: *x\n  b: 3\n", `{"a": 1}{"b": [2.5, null]}`,
		"kind: List\nitems:\n- a: 1\n", "%YAML 1.1\n---\na: 0644\n...\n", "a: |\r\n  x\r\n\r\n y\r\n", "\xef\xbb\xbfa: yes # c\n", "? a\n: b\n",
		"- a\n-   # c\n  - b\n- - c\n  - d\n", "1: 2\n", "a: !!binary aGk=\n", "a: 2001-01-01\nb: 1e3\n", "\"a\\u0000\": '\n\n x'\n", "&a a: &b b\n*a : *b\n",
		"a: >+2\n   x\n  y\n\n\nb: \n  # c\n  - |-\n   z\n", "a: x\n  y\n\n  z # c\nb: {c: , \"d\": [ ], e}\n", "a: [x, # c\n  y,\n]\nb: {}\n", "a:\u2028b: 1\n", "a: \"x\\\n  y\"\nb: 'p\n\n  q'\n",
	} {
		f.Add([]byte(seed), uint8(0), `{"a": [1, {"name": "x"}, {"name": "y", "b": "c\nd\n"}], "e": null}`, uint8(6))
		for n := range 3 {
			f.Add([]byte(seed), uint8(n), "new\n", uint8(n))
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, nth uint8, text string, way uint8) {
		d, err := Open(file, Selector{})
		if err != nil {
			return
		}
		value, err := d.Value()
		if err != nil {
			return
		}
		paths := leaves(value, nil)
		slices.SortFunc(paths, func(a, b Path) int { return strings.Compare(a.String(), b.String()) })
		if len(paths) == 0 {
			return
		}
		path := paths[int(nth)%len(paths)]
		if len(path) == 0 {
			return
		}
		next, err := fuzzed(d, path, text, way)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(file, []byte("\xef\xbb\xbf")) != !bytes.HasPrefix(next.Bytes(), []byte("\xef\xbb\xbf")) {
			t.Error("the byte order mark is lost or new")
		}
		again, err := Open(next.Bytes(), Selector{})
		if err != nil {
			t.Fatalf("%q: %v", next.Bytes(), err)
		}
		after, err := again.Value()
		if err != nil {
			t.Fatal(err)
		}
		checkOthers(t, value, after, path)
		if way%7 == 1 {
			checkLines(t, d, next, path)
		}
	})
}

// fuzzed does one of the edits there are.
func fuzzed(d *Document, path Path, text string, way uint8) (*Document, error) {
	switch way % 7 {
	case 6:
		if v, err := decodeText([]byte(text), true); err == nil {
			return d.Set(path[:max(len(path)-2, 1)], v)
		}
	case 0:
		return d.Set(path, text)
	case 1:
		return d.Set(path, int64(len(text)))
	case 2:
		return d.Set(path, map[string]any{"name": text, "list": []any{text, true}})
	case 3:
		return d.Remove(path)
	case 4:
		return d.Set(path[:len(path)-1].Then(Step{Key: text}), text)
	}
	return d.Set(path[:len(path)-1].Then(Step{Key: "-"}), text)
}

// checkOthers holds that all values are the same that don't stand at or below
// what the path's last step is part of; those beside it, that they are there.
func checkOthers(t *testing.T, before, after any, path Path) {
	t.Helper()
	for len(path) > 1 {
		m, isMap := before.(map[string]any)
		if !isMap {
			return
		}
		n, isMap := after.(map[string]any)
		if !isMap || len(m) != len(n) {
			t.Fatalf("%v became %v", before, after)
		}
		for k := range m {
			if k != path[0].Key && !equal(m[k], n[k]) {
				t.Fatalf("%s: %v became %v", k, m[k], n[k])
			}
		}
		before, after, path = m[path[0].Key], n[path[0].Key], path[1:]
	}
}

// checkLines holds that a value on one line costs that line and no other.
func checkLines(t *testing.T, d, next *Document, path Path) {
	t.Helper()
	was, err := d.Find(path)
	if err != nil || was.Value == nil {
		return
	}
	w := d.walk(path, true)
	from, to, err := d.tree.span(w.node)
	if err != nil {
		t.Fatalf("an edit was done where it can't be told which bytes are meant: %v", err)
	}
	lines := bytes.Count(d.chunk.text[from:to], []byte("\n")) + 1
	if old, new := differing(d.Bytes(), next.Bytes()); len(old) > lines || len(new) > lines {
		t.Fatalf("%q became %q", old, new)
	}
}
