// Package private reads files that hold secrets: keys, passwords, and what
// names them. It is the one way to read such a file.
//
// The rule is the same for all of them: a file is for its owner, and its group
// may read it at most, as in a Secret's volume with an fsGroup. One that anyone
// else can read, or that the group can change, is refused. Files are bounded,
// pipes and devices aren't opened, and no error repeats what a file holds. It
// is not for files whose content is public, such as certificates.
package private

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// MaxBytes bounds a file.
const MaxBytes = 1 << 20

// others are the rights that nobody but the owner may have, but for reading by
// the group.
const others fs.FileMode = 0o037

// Read reads a file.
func Read(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path) // and to open a pipe would wait for who writes
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&others != 0 {
		return nil, fmt.Errorf("%s has mode %04o, so others can read or change it: chmod 600 %s", path, mode, path)
	}
	content, err := io.ReadAll(io.LimitReader(file, MaxBytes+1))
	if err == nil && len(content) > MaxBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, MaxBytes)
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}

// File is a file whose content is parsed, again whenever it changes. It is safe
// for concurrent use.
type File[T any] struct {
	path  string
	parse func([]byte) (T, error)

	mu    sync.Mutex
	read  fs.FileInfo
	value T
}

// Open is the file at a path, which isn't read yet. What parse says of it
// mustn't repeat the content.
func Open[T any](path string, parse func([]byte) (T, error)) (*File[T], error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File[T]{path: absolute, parse: parse}, nil
}

// Path is where the file is, whatever the working folder.
func (f *File[T]) Path() string { return f.path }

// Current is what the file holds now.
func (f *File[T]) Current() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var none T
	info, err := os.Stat(f.path)
	if err != nil {
		return none, err
	}
	if f.read != nil && same(info, f.read) {
		return f.value, nil
	}
	content, err := Read(f.path)
	if err != nil {
		return none, err
	}
	value, err := f.parse(content)
	if err != nil {
		return none, err
	}
	f.read, f.value = info, value
	return value, nil
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()
}
