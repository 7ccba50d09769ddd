package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Mirror is the bare copy of one repository. It is made when it is first
// fetched into, and made anew when it is found damaged. One fetch runs at a
// time; reading goes on meanwhile.
type Mirror struct {
	program *Program
	url     URL
	dir     string
	objects *pool[*reader]
	folders *cache
	suspect atomic.Bool
	broken  chan struct{}

	mu      sync.Mutex // held by who writes to the mirror
	checked bool       // leftovers of an earlier run are gone
	failing bool       // the last fetch did
	format  string     // the hash that objects are named by, if this run made the mirror
	mended  time.Time
	remote  remote
}

// remote is what is known of the repository itself. It is learned anew in every run.
type remote struct {
	listed bool
	// few says that there are not many refs.
	few bool
	// head is the default branch, without refs/heads/; empty if there is none.
	head string
	// absent are the refs that were wanted and not there at the last look.
	absent map[Ref]bool
	// moved is where the same host redirected to; empty if it did not.
	moved string
}

// folderCache bounds the memory for folders of one mirror.
const folderCache = 8 << 20

// Mirror is the mirror of a repository. It costs nothing until it is used; it
// is closed when it isn't needed any more. There must be one per URL.
func (p *Program) Mirror(u URL) *Mirror {
	m := &Mirror{program: p, url: u, dir: filepath.Join(p.mirrors(), mirrorName(u)), folders: newCache(folderCache), broken: make(chan struct{}, 1)}
	m.objects = newPool(func() (*reader, error) { return p.startReader(m.dir) })
	return m
}

// Close ends the processes that read the mirror.
func (m *Mirror) Close() { m.objects.close() }

// Broken tells when reading found the mirror damaged; the next Fetch mends it.
func (m *Mirror) Broken() <-chan struct{} { return m.broken }

var unreadable = regexp.MustCompile(`[^a-z0-9.]+`)

// mirrorName names a mirror's folder so that people can tell which it is, and
// no two URLs share one.
func mirrorName(u URL) string {
	const longest = 80
	sum := sha256.Sum256([]byte(u.String()))
	name := strings.Trim(unreadable.ReplaceAllString(strings.ToLower(u.Host+"-"+u.Path), "-"), "-.")
	return name[:min(len(name), longest)] + "-" + hex.EncodeToString(sum[:8])
}

// prepare makes sure that there is a mirror to fetch into. It is called with mu held.
func (m *Mirror) prepare(ctx context.Context) error {
	if !m.whole() {
		return m.create(ctx, "sha1")
	}
	if m.checked {
		return nil
	}
	if err := removeLeftovers(m.dir); err != nil {
		return m.trouble("clean its mirror", err)
	}
	m.checked = true
	return nil
}

// whole says whether the mirror has all that makes a repository.
func (m *Mirror) whole() bool {
	for _, part := range []string{"HEAD", "config", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(m.dir, part)); err != nil {
			return false
		}
	}
	return true
}

// create makes an empty mirror, in place of whatever is there. It appears whole
// or not at all.
func (m *Mirror) create(ctx context.Context, format string) error {
	fresh, err := os.MkdirTemp(m.program.mirrors(), "new-*")
	if err != nil {
		return m.trouble("make its mirror", err)
	}
	defer os.RemoveAll(fresh)
	args := []string{"init", "--quiet", "--bare", "--template=", "--object-format=" + format, "--initial-branch=none", fresh}
	if err := m.program.run(ctx, command{args: args}); err != nil {
		return m.trouble("make its mirror", err)
	}
	if err := os.WriteFile(filepath.Join(fresh, "description"), []byte(m.url.String()+"\n"), 0o600); err != nil {
		return m.trouble("make its mirror", err)
	}
	if err := m.discard(); err != nil {
		return m.trouble("remove its damaged mirror", err)
	}
	if err := os.Rename(fresh, m.dir); err != nil {
		return m.trouble("make its mirror", err)
	}
	m.objects.renew()
	m.checked, m.format = true, format
	m.suspect.Store(false)
	return nil
}

// otherFormat is the one to try when the mirror's isn't the repository's.
func (m *Mirror) otherFormat() string {
	if m.format == "sha256" {
		return "sha1"
	}
	return "sha256"
}

// discard removes the mirror. It is out of the way at once, even when it is large.
func (m *Mirror) discard() error {
	old, err := os.MkdirTemp(m.program.mirrors(), "old-*")
	if err != nil {
		return err
	}
	err = os.Rename(m.dir, filepath.Join(old, "mirror"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(old)
}

// mendPause keeps a repository that is itself damaged from being fetched whole
// over and over.
const mendPause = 10 * time.Minute

// mayMend says whether the mirror may be made anew, and takes note.
func (m *Mirror) mayMend() bool {
	now := m.program.now()
	if !m.mended.IsZero() && now.Sub(m.mended) < mendPause {
		return false
	}
	m.mended = now
	return true
}

// suspectDamage is called when something is not there that must be.
func (m *Mirror) suspectDamage() {
	m.suspect.Store(true)
	select {
	case m.broken <- struct{}{}:
	default:
	}
}

// trouble explains an error of this machine, with what was being done.
func (m *Mirror) trouble(doing string, err error) error {
	kind := kindOf(m.url, err)
	if kind == context.Canceled {
		return err
	}
	if isDiskFull(err) {
		kind = ErrDiskFull
	}
	return &Error{URL: m.url.String(), Kind: kind, Detail: doing + ": " + said(err), Hint: hint(m.url, kind)}
}

// removeLeftovers removes what a killed program left in a mirror: locks that
// nobody holds, and halves of packs. Nobody else writes to the mirror.
func removeLeftovers(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case d.IsDir() && (strings.HasPrefix(name, "tmp_objdir") || strings.HasPrefix(name, "incoming-")):
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return filepath.SkipDir
		case d.IsDir():
			return nil
		case strings.HasSuffix(name, ".lock"), strings.HasPrefix(name, "tmp_"), name == "gc.pid":
			return os.Remove(path)
		}
		return nil
	})
}
