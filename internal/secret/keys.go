package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Files name the files that hold private keys. Each may hold several.
type Files struct {
	Age []string // age identities, one in a line
	PGP []string // armoured OpenPGP private keys
}

// Keys are the private keys of some files. They are read again when a file
// changes. Keys may be used concurrently; nil are none.
type Keys struct {
	files []*file
}

// Load reads the files.
func Load(named Files) (*Keys, error) {
	k := &Keys{}
	for _, path := range named.Age {
		k.files = append(k.files, &file{path: path, what: "age key file", parse: parseAge})
	}
	for _, path := range named.PGP {
		k.files = append(k.files, &file{path: path, what: "OpenPGP key file", parse: parsePGP})
	}
	for _, f := range k.files {
		absolute, err := filepath.Abs(f.path)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", f.what, f.path, err)
		}
		f.path = absolute
	}
	_, err := k.Ring()
	return k, err
}

// Ring is all keys as they are now.
func (k *Keys) Ring() (Ring, error) {
	var all Ring
	if k == nil {
		return all, nil
	}
	for _, f := range k.files {
		ring, err := f.current()
		if err != nil {
			return Ring{}, fmt.Errorf("%s %s: %w", f.what, f.path, err)
		}
		all = all.and(ring)
	}
	return all, nil
}

// file is one file and what was read of it.
type file struct {
	path, what string
	parse      func([]byte) (Ring, error)

	mu   sync.Mutex
	read fs.FileInfo
	ring Ring
}

// current is the file's keys, read again if it has changed.
func (f *file) current() (Ring, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return Ring{}, err
	}
	if f.read != nil && os.SameFile(info, f.read) && info.ModTime().Equal(f.read.ModTime()) && info.Size() == f.read.Size() && info.Mode() == f.read.Mode() {
		return f.ring, nil
	}
	if !info.Mode().IsRegular() {
		return Ring{}, errors.New("is no file: name one that holds the keys") // and opening a pipe would wait
	}
	content, err := readSecret(f.path)
	if err != nil {
		return Ring{}, err
	}
	ring, err := f.parse(content)
	if err != nil {
		return Ring{}, err
	}
	f.read, f.ring = info, ring
	return ring, nil
}

// maxFile bounds a file of keys.
const maxFile = 1 << 20

// readSecret reads a file that its owner alone may read.
func readSecret(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("has mode %04o, so others can read or change it: chmod 600 it", info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("is larger than %d bytes", maxFile)
	}
	return content, err
}
