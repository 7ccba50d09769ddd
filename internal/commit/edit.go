package commit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"plumb.dev/plumb/internal/tree"
)

// Tip is the newest commit of the branch that is written to, or of what a new
// branch begins at.
type Tip struct {
	Commit string
	Tree   tree.Tree
}

// Editor says what to change of a tip. It is asked anew for each try, so it must
// go by the tip and nothing else.
type Editor func(ctx context.Context, tip Tip) (Edit, error)

// Edit is what becomes of files, by path from the repository's top.
type Edit struct {
	Files map[string]File
	// Message is that of the commit; its first line is the subject.
	Message string
}

// File is what becomes of one file: one of Put, Restore and Remove.
type File struct {
	what    what
	content []byte
	entry   tree.Entry
}

type what uint8

const (
	remove what = iota
	put
	restore
)

// Put gives a file content. It keeps its mode; a new one is a plain file.
func Put(content []byte) File { return File{what: put, content: content} }

// Content is what a file was given by Put, or nil.
func (f File) Content() []byte { return f.content }

// Restore makes a file or link what it is in another commit of the repository:
// content and mode.
func Restore(e tree.Entry) File { return File{what: restore, entry: e} }

// Remove removes a file or link, and with it the folders that it leaves empty.
func Remove() File { return File{} }

// The bounds of an edit.
const (
	MaxFiles   = 5000
	MaxBytes   = 16 << 20 // of all that is put
	MaxMessage = 64 << 10
)

var (
	// ErrNothing says that everything is already as the edit wants it.
	ErrNothing = errors.New("nothing to commit")
	// ErrRefused says that an edit can't be made.
	ErrRefused = errors.New("it can't be committed")
)

func refusef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Check turns down an edit that could not be made of any tree.
func (e Edit) Check() error {
	total := 0
	for path, f := range e.Files {
		if why := badPath(path); why != "" {
			return refusef("the path %q %s", path, why)
		}
		if total += len(f.content); total > MaxBytes {
			return refusef("the files have more than %d bytes in all", MaxBytes)
		}
		if m := f.entry.Mode; f.what == restore && m != tree.File && m != tree.Executable && m != tree.Link {
			return refusef("%s was neither a file nor a link", path)
		}
	}
	switch {
	case len(e.Files) > MaxFiles:
		return refusef("%d files would change, and at most %d may at once", len(e.Files), MaxFiles)
	case strings.TrimSpace(e.Message) == "":
		return refusef("there is no message")
	case len(e.Message) > MaxMessage:
		return refusef("the message has more than %d bytes", MaxMessage)
	}
	return nil
}

// badPath is why a path can't be written to, whatever the tree; empty if it can.
// Some systems take other names for .git as well, so those aren't written either.
func badPath(path string) string {
	const longest = 4096
	switch {
	case path == "":
		return "is empty"
	case len(path) > longest:
		return "is too long"
	case !utf8.ValidString(path):
		return "is not UTF-8"
	case strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
		return "holds a control character or backslash"
	}
	for name := range strings.SplitSeq(path, "/") {
		switch plain := plainName(name); {
		case name == "":
			return "begins or ends with a slash, or has two in a row"
		case name == "." || name == "..":
			return "has a step of dots"
		case plain == ".git" || strings.HasPrefix(plain, "git~"):
			return "leads into Git's own folder"
		case plain == ".gitmodules":
			return "is that of submodules, which aren't written"
		}
	}
	return ""
}

// plainName is a name as careless file systems read it: without case, dots and
// spaces at its end, streams, and letters that can't be seen.
func plainName(name string) string {
	name, _, _ = strings.Cut(name, ":")
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	return strings.TrimRight(name, ". ")
}
