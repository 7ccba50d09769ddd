package yamledit

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// realFiles are the YAML files of the examples and tests of this repository.
// Most are what other projects publish for their users.
func realFiles(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	for _, top := range []string{"../../examples", "../../test", "../manifest/testdata"} {
		err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if err == nil && (strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")) {
				files[path], err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 40 {
		t.Fatalf("only %d files were found", len(files))
	}
	return files
}

// leaves are the paths to all values that hold no others.
func leaves(v any, at Path) []Path {
	var paths []Path
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			paths = append(paths, leaves(below, at.Then(Step{Key: k}))...)
		}
	case []any:
		for i, below := range v {
			paths = append(paths, leaves(below, at.Then(Step{Key: strconv.Itoa(i)}))...)
		}
	default:
		return []Path{at}
	}
	return paths
}

// differing are the lines between what two texts begin and end with.
func differing(before, after []byte) (old, new []string) {
	old, new = strings.SplitAfter(string(before), "\n"), strings.SplitAfter(string(after), "\n")
	for len(old) > 0 && len(new) > 0 && old[0] == new[0] {
		old, new = old[1:], new[1:]
	}
	for len(old) > 0 && len(new) > 0 && old[len(old)-1] == new[len(new)-1] {
		old, new = old[:len(old)-1], new[:len(new)-1]
	}
	return old, new
}

// other is another value of the same type.
func other(v any) any {
	switch v := v.(type) {
	case string:
		return v + "x"
	case int64:
		return v + 1
	case float64:
		return v + 0.5
	case bool:
		return !v
	}
	return "x"
}

func TestRealFiles(t *testing.T) {
	t.Parallel()
	sets, removes := 0, 0
	for name, file := range realFiles(t) {
		for _, eol := range []string{"\n", "\r\n"} {
			file := []byte(strings.ReplaceAll(string(file), "\n", eol))
			for _, c := range cut(file) {
				d, err := Open(file, Selector{Line: c.line})
				if err != nil {
					if strings.Contains(err.Error(), "several") {
						continue // a List, of which each item is a document
					}
					t.Fatalf("%s:%d: %v", name, c.line, err)
				}
				s, r := trySets(t, name, d)
				sets, removes = sets+s, removes+r
			}
		}
	}
	t.Logf("%d values were set and %d removed", sets, removes)
	if sets < 400 || removes < 400 {
		t.Error("too few to mean anything")
	}
}

func trySets(t *testing.T, name string, d *Document) (sets, removes int) {
	value, err := d.Value()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	paths := leaves(value, nil)
	slices.SortFunc(paths, func(a, b Path) int { return strings.Compare(a.String(), b.String()) })
	for i, path := range paths {
		if len(paths) > 10 && (i+len(d.file))%3 > 0 { // some of each file will do
			continue
		}
		place, err := d.Find(path)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, path, err)
		}
		if place.Shared {
			continue
		}
		text, _ := place.Value.(string)
		one := !strings.Contains(text, "\n")
		if err := trySet(d, path, place, one); err != nil {
			t.Errorf("%s: %s: %v", name, path, err)
		}
		if err := tryRemove(d, path, place, one); err != nil {
			t.Errorf("%s: %s: %v", name, path, err)
		}
		sets, removes = sets+1, removes+1
	}
	return sets, removes
}

// trySet sets another value, which costs one line if the old one stood on one,
// and then the old one again.
func trySet(d *Document, path Path, was Place, one bool) error {
	next, err := d.Set(path, other(was.Value))
	if err != nil {
		return err
	}
	if old, new := differing(d.Bytes(), next.Bytes()); one && (len(old) != 1 || len(new) != 1) {
		return fmt.Errorf("%q became %q", old, new)
	}
	if at, err := next.Find(path); err != nil || at.Line != was.Line || !equal(at.Value, other(was.Value)) {
		return fmt.Errorf("is %+v after it was set, %w", at, err)
	}
	back, err := next.Set(path, was.Value)
	if err != nil || one && was.Quoted && string(back.Bytes()) != string(d.Bytes()) {
		return fmt.Errorf("didn't come back, %w", err)
	}
	return nil
}

// tryRemove removes a value, and adds it again.
func tryRemove(d *Document, path Path, was Place, one bool) error {
	next, err := d.Remove(path)
	if err != nil {
		return err
	}
	if old, new := differing(d.Bytes(), next.Bytes()); len(new) > 1 || one && len(new) == 1 && len(old) > 2 {
		return fmt.Errorf("%q became %q", old, new)
	}
	if _, err := next.Set(path, was.Value); err != nil && !slices.ContainsFunc(path, isNumber) {
		return fmt.Errorf("add again: %w", err)
	}
	return nil
}

func isNumber(s Step) bool { _, err := strconv.Atoi(s.Key); return err == nil }
