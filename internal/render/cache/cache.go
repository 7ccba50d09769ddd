package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// Options say what is kept where.
type Options struct {
	// From renders what isn't kept.
	From render.Whole
	// Dir is the folder; it is made if it isn't there.
	Dir string
	// Version names the program. Another one may render otherwise, and doesn't
	// use what this one keeps.
	Version string
	// MaxBytes and MaxCount bound what is kept; what was used longest ago goes
	// first. Zero means the defaults.
	MaxBytes int64
	MaxCount int
	Log      *slog.Logger
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// The default bounds: an App of five objects takes about 5 KB.
const (
	DefaultMaxBytes = 256 << 20
	DefaultMaxCount = 20_000
)

// Cache is a renderer that doesn't do twice what comes to the same. It is safe
// for concurrent use. One process at a time uses a folder.
type Cache struct {
	Options
	index   *index
	failing atomic.Bool // writing fails, and it was said
}

// Open opens the cache in a folder. What can't be read there is as good as
// absent, so this can't fail.
func Open(o Options) *Cache {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxCount <= 0 {
		o.MaxCount = DefaultMaxCount
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Cache{Options: o, index: newIndex(o.MaxBytes, o.MaxCount)}
	found, err := scan(o.Dir)
	c.told(err)
	for _, f := range found {
		c.remove(c.index.put(f.name, f.size))
	}
	return c
}

// Render gives the result that is kept of a render that read the same, or
// renders and keeps the result.
func (c *Cache) Render(ctx context.Context, w render.Work) (render.Result, error) {
	key, err := c.key(w)
	if err != nil || w.Given.Confidential() {
		return c.From.Render(ctx, w)
	}
	for _, n := range c.index.candidates(key) {
		if result, ok := c.recall(n, w.Files); ok {
			return result, nil
		}
	}
	result, err := c.From.Render(ctx, w)
	if err == nil && !result.Opened && !result.Asked && !confidential(result.Objects) {
		c.keep(key, result)
	}
	return result, err
}

// Afresh is what renders without keeping anything, for what must not be kept.
func (c *Cache) Afresh() render.Whole { return c.From }

// key names all that decides on a result beside what is read.
func (c *Cache) key(w render.Work) (string, error) {
	p, err := json.Marshal([]any{w.Params, w.Given, w.Live != nil}) // without anyone to ask, charts take a cluster for granted
	if err != nil {
		return "", err
	}
	release := w.Params.Release // which isn't part of the JSON
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %q %q %q %s", format, c.Version, path.Clean(w.Path), release.Name, release.Namespace, w.Params.ValuesBase, p))
	return hex.EncodeToString(sum[:keySize]), nil
}

// confidential says that a result has something that is shown to nobody, and so
// must be written to no file.
func confidential(objects []object.Object) bool {
	return slices.ContainsFunc(objects, func(o object.Object) bool {
		mask := redact.Redactor{}.Of(o.Object)
		return mask.Hides() || !reflect.DeepEqual(mask.Show(o.Object), o.Object)
	})
}

// recall reads what is kept under a name, if all that was read for it is the
// same in these files. What is damaged is removed.
func (c *Cache) recall(n name, files tree.Tree) (render.Result, bool) {
	k, err := read(c.path(n))
	if err == nil && !k.inputs.Valid(files) {
		return render.Result{}, false
	}
	var result render.Result
	if err == nil {
		result, err = k.result()
	}
	if err != nil {
		c.index.drop(n)
		c.remove([]name{n})
		return render.Result{}, false
	}
	c.index.use(n)
	now := c.Now()
	_ = os.Chtimes(c.path(n), now, now) // what the order is made from after a restart
	return result, true
}

// keep writes a result.
func (c *Cache) keep(key string, r render.Result) {
	n := name{key: key, inputs: r.Inputs.Hash()[:2*inputsSize]}
	content, err := encode(r)
	if err != nil || int64(len(content)) > c.MaxBytes/8 {
		return // an odd one that has to be rendered each time
	}
	err = write(c.path(n), content)
	c.told(err)
	if err == nil {
		c.remove(c.index.put(n, int64(len(content))))
	}
}

func (c *Cache) path(n name) string { return filepath.Join(c.Dir, n.String()) }

// remove removes files that the index has forgotten.
func (c *Cache) remove(names []name) {
	for _, n := range names {
		if err := os.Remove(c.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.told(err)
		}
	}
}

// told says once that the folder doesn't take what it is given, until it does again.
func (c *Cache) told(err error) {
	if before := c.failing.Swap(err != nil); err == nil || before {
		return
	}
	c.Log.Warn("renders can't be kept, so they are done again after a restart", "folder", c.Dir, "error", err)
}
