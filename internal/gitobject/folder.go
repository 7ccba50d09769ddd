package gitobject

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumb.dev/plumb/internal/tree"
)

// Line is one entry of a folder as Git keeps it. Mode is octal, as it was
// written: repositories have modes that Git doesn't write any more, and
// whoever changes one entry leaves the others as they are.
type Line struct {
	Mode string
	Name string
	ID   string
}

// Kind is what the line's mode means: by its type, and for files by whether the
// owner may run it.
func (l Line) Kind() (tree.Mode, error) {
	const types, file, folder, link, submodule = 0o170000, 0o100000, 0o040000, 0o120000, 0o160000
	mode, err := strconv.ParseUint(l.Mode, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("unknown mode %q", l.Mode)
	}
	switch mode & types {
	case folder:
		return tree.Folder, nil
	case link:
		return tree.Link, nil
	case submodule:
		return tree.Submodule, nil
	case file:
		if mode&0o100 != 0 {
			return tree.Executable, nil
		}
		return tree.File, nil
	}
	return 0, fmt.Errorf("unknown mode %q", l.Mode)
}

// ModeOf is how Git writes a mode today.
func ModeOf(m tree.Mode) string {
	return map[tree.Mode]string{
		tree.File: "100644", tree.Executable: "100755", tree.Folder: "40000", tree.Link: "120000", tree.Submodule: "160000",
	}[m]
}

// ParseLines reads a tree object: MODE NAME NUL ID, for each entry. Names that
// could mean another path are refused; git itself makes no such object.
func ParseLines(content []byte, idSize int) ([]Line, error) {
	var lines []Line
	for len(content) > 0 {
		end := bytes.IndexByte(content, 0)
		if end < 0 || len(content) < end+1+idSize {
			return nil, errors.New("it is cut off")
		}
		mode, name, _ := strings.Cut(string(content[:end]), " ")
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return nil, fmt.Errorf("an entry has the name %q", name)
		}
		lines = append(lines, Line{Mode: mode, Name: name, ID: hex.EncodeToString(content[end+1 : end+1+idSize])})
		content = content[end+1+idSize:]
	}
	return lines, nil
}

// ParseFolder reads a tree object as what it means: its entries, sorted by name.
func ParseFolder(content []byte, idSize int) ([]tree.Entry, error) {
	lines, err := ParseLines(content, idSize)
	if err != nil {
		return nil, err
	}
	entries := make([]tree.Entry, 0, len(lines))
	for _, l := range lines {
		m, err := l.Kind()
		if err != nil {
			return nil, err
		}
		entries = append(entries, tree.Entry{Name: l.Name, Mode: m, ID: l.ID})
	}
	byName := func(a, b tree.Entry) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(entries, byName) { // git sorts folders as if their names ended in a slash
		slices.SortFunc(entries, byName)
	}
	for i := range len(entries) - 1 {
		if entries[i].Name == entries[i+1].Name {
			return nil, fmt.Errorf("it has two entries of the name %q", entries[i].Name)
		}
	}
	return entries, nil
}

// EncodeFolder writes a tree object, in Git's order.
func EncodeFolder(lines []Line) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(lines), func(a, b Line) int { return strings.Compare(a.sortedAs(), b.sortedAs()) })
	var b []byte
	for _, l := range sorted {
		id, err := hex.DecodeString(l.ID)
		if err != nil || l.Name == "" || strings.ContainsAny(l.Name, "/\x00") {
			return nil, fmt.Errorf("%q (%s) can't be an entry of a folder", l.Name, l.ID)
		}
		b = append(b, l.Mode+" "+l.Name+"\x00"...)
		b = append(b, id...)
	}
	return b, nil
}

// sortedAs is the name that counts for the order: that of a folder has a slash.
func (l Line) sortedAs() string {
	if k, err := l.Kind(); err == nil && k == tree.Folder {
		return l.Name + "/"
	}
	return l.Name
}
