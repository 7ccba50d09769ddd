package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"plumb.dev/plumb/internal/archive"
	"plumb.dev/plumb/internal/tree"
)

// DigestOf names a package by its bytes: sha256:….
func DigestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return digestPrefix + hex.EncodeToString(sum[:])
}

const digestPrefix = "sha256:"

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// store keeps packages by their digest: a folder for each repository, so that
// what one was let to fetch isn't another's to read. It is bounded; what was
// not used for the longest time goes first. Each is checked as it is read, so
// no damage and no half-written file can pass for a package.
type store struct {
	dir    string
	limits archive.Limits
	most   int64 // bytes on the disk

	mu    sync.Mutex
	bytes int64          // on the disk, as far as known; -1 before it was counted
	trees map[place]held // unpacked, the newest in use
	used  int64          // bytes of them
}

// place is where a package is.
type place struct{ repository, digest string }

type held struct {
	files tree.Tree
	size  int64
	last  time.Time
}

// maxHeld bounds the packages that are kept unpacked, in bytes.
const maxHeld = 32 << 20

func (s *store) path(at place) string {
	return filepath.Join(s.dir, at.repository, strings.TrimPrefix(at.digest, digestPrefix)+".tgz")
}

// folderOf is the name of a repository's folder.
func folderOf(u URL) string {
	sum := sha256.Sum256([]byte(u.Origin() + "/" + u.Path))
	return hex.EncodeToString(sum[:12])
}

// errAbsent says that a package isn't kept (any more).
var errAbsent = errors.New("the package is not in the data folder; it is fetched again")

// read is a package that is kept. One that is damaged is thrown away.
func (s *store) read(at place) ([]byte, error) {
	if !digestForm.MatchString(at.digest) {
		return nil, fmt.Errorf("%q is no digest of a package", at.digest)
	}
	path := s.path(at)
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errAbsent
	case err != nil:
		return nil, err
	case DigestOf(content) != at.digest:
		return nil, errors.Join(errAbsent, os.Remove(path))
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // which only says what goes last
	return content, nil
}

// write keeps a package, and makes room for it.
func (s *store) write(at place, content []byte) error {
	if err := replaceFile(s.path(at), content); err != nil {
		return err
	}
	return s.room(int64(len(content)))
}

// replaceFile writes a file that is whole whenever someone reads it.
func replaceFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// room takes away what was used the longest ago, once there is too much.
func (s *store) room(more int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes >= 0 && s.bytes+more <= s.most {
		s.bytes += more
		return nil
	}
	type kept struct {
		path string
		info fs.FileInfo
	}
	var all []kept
	s.bytes = 0
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) || d.Name() == knownName { // it was written meanwhile; or what is known, which is little
			return nil
		}
		if err != nil {
			return err
		}
		s.bytes += info.Size()
		all = append(all, kept{path, info})
		return nil
	})
	if err != nil || s.bytes <= s.most {
		return err
	}
	slices.SortFunc(all, func(a, b kept) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	for _, old := range all[:len(all)-1] {
		if s.bytes <= s.most/10*9 { // with some room, so that this isn't done each time
			break
		}
		s.bytes -= old.info.Size()
		if removeErr := os.Remove(old.path); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	return err
}

// tree is a package, unpacked.
func (s *store) tree(at place) (tree.Tree, error) {
	s.mu.Lock()
	have, ok := s.trees[at]
	if ok {
		have.last = time.Now()
		s.trees[at] = have
	}
	s.mu.Unlock()
	if ok {
		return have.files, nil
	}
	content, err := s.read(at)
	if err != nil {
		return tree.Tree{}, err
	}
	files, size, err := s.unpack(content)
	if err != nil {
		return tree.Tree{}, err
	}
	s.hold(at, held{files: files, size: size, last: time.Now()})
	return files, nil
}

// unpack reads a package, and tells how many bytes are in it.
func (s *store) unpack(content []byte) (tree.Tree, int64, error) {
	files, err := archive.Unpack(content, s.limits)
	switch {
	case errors.Is(err, archive.ErrTooLarge):
		return tree.Tree{}, 0, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case err != nil:
		return tree.Tree{}, 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	size := int64(0)
	for _, f := range files {
		size += int64(len(f.Content))
	}
	made, err := archive.Tree(files)
	return made, size, err
}

// hold keeps a package unpacked, in place of those that weren't asked for.
func (s *store) hold(at place, h held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, had := s.trees[at]; had {
		s.used -= before.size
	}
	s.trees[at] = h
	s.used += h.size
	for s.used > maxHeld && len(s.trees) > 1 {
		oldest := at
		for other, tree := range s.trees {
			if tree.last.Before(s.trees[oldest].last) {
				oldest = other
			}
		}
		s.used -= s.trees[oldest].size
		delete(s.trees, oldest)
	}
}
