package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// gcSettings bound what tidying takes of a machine that has other work: one
// thread and little memory. What nothing points to is kept for a day, so that
// whoever still reads it, or a fetch that counts on it, isn't surprised; what a
// branch was forced away from, for a week.
var gcSettings = []setting{
	{"gc.auto", "2000"},
	{"gc.autoPackLimit", "50"},
	{"gc.autoDetach", "false"},
	{"gc.pruneExpire", "1.day"},
	{"gc.reflogExpire", "7.days"},
	{"gc.reflogExpireUnreachable", "7.days"},
	{"gc.writeCommitGraph", "false"},
	{"pack.threads", "1"},
	{"pack.windowMemory", "64m"},
	{"pack.deltaCacheSize", "16m"},
}

// Tidy bounds the mirror's growth: it forgets refs that aren't wanted any more
// and packs what has piled up, if enough has. It may take long; fetching and
// reading go on meanwhile.
func (m *Mirror) Tidy(ctx context.Context, wanted []Ref) error {
	if err := m.forget(ctx, wanted); err != nil {
		return m.trouble("forget what isn't wanted", err)
	}
	c := command{dir: m.dir, args: []string{"gc", "--auto", "--quiet"}, config: gcSettings}
	if err := m.program.run(ctx, c); err != nil {
		return m.trouble("pack its mirror", err)
	}
	return nil
}

// forget deletes the mirror's refs that nobody wants.
func (m *Mirror) forget(ctx context.Context, wanted []Ref) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.whole() {
		return nil
	}
	m.remote.listed = false // what there is may have become much
	keep := map[string]bool{Ref{Branch: m.remote.head}.local(): true}
	for _, r := range wanted {
		keep[r.local()] = true
	}
	var refs, orders strings.Builder
	list := command{dir: m.dir, args: []string{"for-each-ref", "--format=%(refname)", ownRefs}, stdout: &refs}
	if err := m.program.run(ctx, list); err != nil {
		return err
	}
	for ref := range strings.Lines(refs.String()) {
		if ref = strings.TrimSuffix(ref, "\n"); !keep[ref] {
			fmt.Fprintf(&orders, "delete %s\n", ref)
		}
	}
	if orders.Len() == 0 {
		return nil
	}
	return m.program.run(ctx, command{dir: m.dir, args: []string{"update-ref", "--stdin"}, stdin: orders.String()})
}

// Sweep removes the mirrors that haven't been fetched into for a time, but for
// those in use, and what a killed run left half made.
func (p *Program) Sweep(inUse []URL, unused time.Duration) error {
	keep := map[string]bool{}
	for _, u := range inUse {
		keep[mirrorName(u)] = true
	}
	folders, err := os.ReadDir(p.mirrors())
	if err != nil {
		return fmt.Errorf("sweep old mirrors: %w", err)
	}
	var errs []error
	for _, f := range folders {
		half := strings.HasPrefix(f.Name(), "new-") || strings.HasPrefix(f.Name(), "old-")
		info, err := f.Info()
		if err != nil || keep[f.Name()] || p.now().Sub(info.ModTime()) < limit(half, unused) {
			continue
		}
		errs = append(errs, os.RemoveAll(filepath.Join(p.mirrors(), f.Name())))
	}
	return errors.Join(errs...)
}

// limit is how long a folder is left alone: one that is half made, as long as
// making it may take.
func limit(half bool, unused time.Duration) time.Duration {
	if half {
		return time.Hour
	}
	return unused
}

// touch marks the mirror as used, for Sweep.
func (m *Mirror) touch() {
	now := m.program.now()
	_ = os.Chtimes(m.dir, now, now)
}
