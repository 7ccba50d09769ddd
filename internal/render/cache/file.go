package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// A file is a line that names the format, the SHA-256 of what follows, the
// length of the head (four bytes, big endian), the head, and the objects; both
// as CBOR, which keeps whole numbers apart from others and any text as it is.
const (
	format = 3
	magic  = "plumb render 3\n"
	start  = len(magic) + sha256.Size + 4
)

// maxFile bounds what is read of one file; a render can't come to more.
const maxFile = 4 * render.MaxTotalBytes

var errDamaged = errors.New("the file is damaged, or of another version")

// head is what has to be known before the objects matter.
type head struct {
	Renderer string        `json:"r"`
	Inputs   []input       `json:"i"`
	Notices  []string      `json:"n,omitempty"`
	Needs    []render.Need `json:"w,omitempty"`
}

// input is a tree.Input with its path, in few letters.
type input struct {
	Path    string    `json:"p"`
	Mode    tree.Mode `json:"m,omitempty"`
	Present bool      `json:"e,omitempty"`
	Content string    `json:"c,omitempty"`
	Listing string    `json:"l,omitempty"`
}

type item struct {
	File    string         `json:"f,omitempty"`
	Line    int            `json:"l,omitempty"`
	Content map[string]any `json:"o"`
}

// encode is a result as a file has it.
func encode(r render.Result) ([]byte, error) {
	h := head{Renderer: r.Renderer, Notices: r.Notices, Needs: r.Needs}
	for p, i := range r.Inputs.All() {
		h.Inputs = append(h.Inputs, input{Path: p, Mode: i.Mode, Present: i.Present, Content: i.Content, Listing: i.Listing})
	}
	items := make([]item, 0, len(r.Objects))
	for _, o := range r.Objects {
		items = append(items, item{File: o.Origin.File, Line: o.Origin.Line, Content: o.Object})
	}
	first, err := direct.Marshal(h)
	if err != nil {
		return nil, err
	}
	rest, err := direct.Marshal(items)
	if err != nil {
		return nil, err
	}
	content := make([]byte, start, start+len(first)+len(rest))
	copy(content, magic)
	binary.BigEndian.PutUint32(content[start-4:], uint32(len(first)))
	content = append(append(content, first...), rest...)
	sum := sha256.Sum256(content[start-4:])
	copy(content[len(magic):], sum[:])
	return content, nil
}

// opened is a file whose head was read.
type opened struct {
	renderer string
	notices  []string
	needs    []render.Need
	inputs   tree.Inputs
	objects  []byte
}

// decode reads what encode wrote, and nothing else.
func decode(content []byte) (opened, error) {
	if len(content) < start || !bytes.HasPrefix(content, []byte(magic)) {
		return opened{}, errDamaged
	}
	if sum := sha256.Sum256(content[start-4:]); !bytes.Equal(sum[:], content[len(magic):start-4]) {
		return opened{}, errDamaged
	}
	size := uint64(binary.BigEndian.Uint32(content[start-4:]))
	if size > uint64(len(content)-start) {
		return opened{}, errDamaged
	}
	var h head
	if err := direct.Unmarshal(content[start:start+int(size)], &h); err != nil {
		return opened{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	byPath := make(map[string]tree.Input, len(h.Inputs))
	for _, i := range h.Inputs {
		byPath[i.Path] = tree.Input{Mode: i.Mode, Present: i.Present, Content: i.Content, Listing: i.Listing}
	}
	return opened{renderer: h.Renderer, notices: h.Notices, needs: h.Needs, inputs: tree.InputsOf(maps.All(byPath)), objects: content[start+int(size):]}, nil
}

// result makes the objects anew, so that each user has its own.
func (k opened) result() (render.Result, error) {
	var items []item
	if err := direct.Unmarshal(k.objects, &items); err != nil {
		return render.Result{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	r := render.Result{Inputs: k.inputs, Renderer: k.renderer, Notices: k.notices, Needs: k.needs, Cached: true}
	for _, i := range items {
		r.Objects = append(r.Objects, object.Object{
			Unstructured: &unstructured.Unstructured{Object: i.Content}, Origin: object.Origin{File: i.File, Line: i.Line},
		})
	}
	return r, nil
}

func read(path string) (opened, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return opened{}, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return opened{}, errDamaged
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return opened{}, err
	}
	return decode(content)
}

// unfinished is how the names of files begin that are being written.
const unfinished = ".new-"

// write puts a file in place whole, for its owner alone. It doesn't wait for
// the disk: what a crash leaves of it has the wrong checksum.
func write(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, unfinished+"*") // mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			f, err = os.CreateTemp(dir, unfinished+"*")
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// found is a file of the folder that may be a result.
type found struct {
	name name
	size int64
	used time.Time
}

// scan tells what a folder holds, the last used last. What was left half written
// is removed; what isn't ours is left alone.
func scan(dir string) ([]found, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []found
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinished) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
			continue
		}
		n, ok := parseName(e.Name())
		info, err := e.Info()
		if ok && err == nil && info.Mode().IsRegular() {
			all = append(all, found{name: n, size: info.Size(), used: info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return a.used.Compare(b.used) })
	return all, nil
}
