// Package archive reads packed folders, such as packages of charts, into
// memory. It is the one guarded way to unpack what others packed.
//
// Nothing is written to a disk, so no name in an archive can lead anywhere.
// What is read is bounded in bytes, files, depth and in how far it may grow,
// before it is held. Links that lead out, absolute paths, "..", devices, and
// names that are there twice are refused: who packs such things is mistaken or
// means harm. What a package is for, and where it comes from, others know.
package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/tree"
)

// File is one packed file. Of a link, the content is where it leads.
type File struct {
	Name    string // below the folder that was packed
	Mode    tree.Mode
	Content []byte
}

// Limits bound what is unpacked. A zero field means its default.
type Limits struct {
	Bytes int64 // of all files, with what it takes to pack them
	Files int   // folders among them
	Depth int   // of folders
	// Ratio is how many times its size a package may have when it is unpacked;
	// text comes to about ten, a run of one letter to a thousand. Small packages
	// may have 4 MiB whatever their size.
	Ratio int64
}

// The default limits: many times what the largest charts in use come to.
const (
	DefaultBytes = 64 << 20
	DefaultFiles = 10_000
	DefaultDepth = 32
	DefaultRatio = 100

	small = 4 << 20
	// maxName bounds a file's name, and where a link leads.
	maxName = 1024
)

// ErrTooLarge is in errors about an archive that exceeds a limit.
var ErrTooLarge = errors.New("too large when it is unpacked")

func (l Limits) withDefaults(packed int) Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	if l.Files <= 0 {
		l.Files = DefaultFiles
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Ratio <= 0 {
		l.Ratio = DefaultRatio
	}
	l.Bytes = min(l.Bytes, max(small, l.Ratio*int64(packed)))
	return l
}

// Unpack reads a tar archive that is packed with gzip, its files sorted by
// name. Where all are below one folder, as in packages of charts, that folder
// is taken off.
func Unpack(packed []byte, l Limits) ([]File, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("is no packed folder: %w", err)
	}
	u := unpacking{Limits: l.withDefaults(len(packed)), seen: map[string]bool{}}
	// The archive itself is bounded, and by read what comes out of it: a sparse
	// file has more in it than it takes.
	u.from = &io.LimitedReader{R: unzipped, N: u.Bytes + 1}
	reader := tar.NewReader(u.from)
	for {
		header, err := reader.Next()
		switch {
		case u.from.N <= 0:
			return nil, u.tooLarge()
		case errors.Is(err, io.EOF):
			return u.sorted()
		case err != nil:
			return nil, fmt.Errorf("is no packed folder: %w", err)
		}
		if err := u.member(header, reader); err != nil {
			return nil, err
		}
	}
}

// unpacking is one archive that is read.
type unpacking struct {
	Limits
	from  *io.LimitedReader // the archive
	files []File
	count int
	bytes int64
	seen  map[string]bool // the names of files, as they are packed
}

func (u *unpacking) tooLarge() error {
	return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, u.Bytes)
}

// member takes in one entry.
func (u *unpacking) member(h *tar.Header, from io.Reader) error {
	if u.count++; u.count > u.Files {
		return fmt.Errorf("%w: more than %d files", ErrTooLarge, u.Files)
	}
	f := File{Mode: tree.File}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeDir:
		_, err := u.name(h.Name)
		return err
	case tar.TypeReg:
		if h.Mode&0o111 != 0 {
			f.Mode = tree.Executable
		}
	case tar.TypeSymlink:
		f.Mode = tree.Link
	default:
		return fmt.Errorf("%q is a device or a hard link; pack it again without", h.Name)
	}
	var err error
	if f.Name, err = u.name(h.Name); err != nil {
		return err
	}
	switch {
	case f.Name == "":
		return fmt.Errorf("%q names no file; pack it again", h.Name)
	case u.seen[f.Name]:
		return fmt.Errorf("%q is in it twice; pack it again", f.Name)
	}
	u.seen[f.Name] = true
	if f.Mode == tree.Link {
		f.Content = []byte(h.Linkname)
		return u.add(f, link(f.Name, h.Linkname))
	}
	f.Content, err = u.read(from)
	return u.add(f, err)
}

func (u *unpacking) add(f File, err error) error {
	if err == nil {
		u.files = append(u.files, f)
	}
	return err
}

// read takes a file's content within what is left of the bytes.
func (u *unpacking) read(from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, u.Bytes-u.bytes+1))
	u.bytes += int64(len(content))
	switch {
	case u.bytes > u.Bytes, u.from.N <= 0:
		return nil, u.tooLarge()
	case err != nil:
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	return content, nil
}

// name is a packed name in its shortest form.
func (u *unpacking) name(packed string) (string, error) {
	if len(packed) > maxName || strings.ContainsFunc(packed, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return "", errors.New("a name in it can't be used; pack it again")
	}
	whole := strings.ReplaceAll(packed, `\`, "/")
	switch {
	case path.IsAbs(whole), slices.Contains(strings.Split(whole, "/"), ".."), drive(whole):
		return "", fmt.Errorf("%q leads out of it; pack it again", packed)
	}
	clean := path.Clean(whole)
	if strings.Count(clean, "/") > u.Depth {
		return "", fmt.Errorf("%w: folders nest more than %d deep", ErrTooLarge, u.Depth)
	}
	if clean == "." {
		return "", nil
	}
	return clean, nil
}

// drive says whether a name begins with a drive of Windows, behind folders too.
func drive(name string) bool {
	return len(name) > 1 && name[1] == ':' || strings.Contains(name, ":/")
}

// link turns down a link that leads out of what is packed. One that leads on
// through others is held inside by the tree that it is read through.
func link(name, target string) error {
	whole := strings.ReplaceAll(target, `\`, "/")
	led := path.Join(path.Dir(name), whole)
	switch {
	case target == "", len(target) > maxName:
		return fmt.Errorf("%q is a link that leads nowhere; pack it again", name)
	case path.IsAbs(whole), drive(whole), led == "..", strings.HasPrefix(led, "../"):
		return fmt.Errorf("%q is a link that leads out of it; pack it again", name)
	}
	return nil
}

// sorted are the files without the folder that all of them are in.
func (u *unpacking) sorted() ([]File, error) {
	slices.SortFunc(u.files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range u.files {
		for above := path.Dir(f.Name); above != "."; above = path.Dir(above) {
			if u.seen[above] {
				return nil, fmt.Errorf("%q is in it both as a file and as a folder; pack it again", above)
			}
		}
	}
	top, ok := u.top()
	if !ok {
		return u.files, nil
	}
	for i, f := range u.files {
		u.files[i].Name = strings.TrimPrefix(f.Name, top)
		if f.Mode != tree.Link {
			continue
		}
		if err := link(u.files[i].Name, string(f.Content)); err != nil {
			return nil, err
		}
	}
	return u.files, nil
}

// top is the folder that all files are in, with its slash.
func (u *unpacking) top() (string, bool) {
	if len(u.files) == 0 {
		return "", false
	}
	folder, _, below := strings.Cut(u.files[0].Name, "/")
	return folder + "/", below && !slices.ContainsFunc(u.files, func(f File) bool { return !strings.HasPrefix(f.Name, folder+"/") })
}
