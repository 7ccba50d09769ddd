package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// demo builds what it needs, starts everything, shows it or walks through it, and ends everything.
func demo(ctx context.Context, o options, s *screen) (err error) {
	m, err := openManual(o.checkout, o.page)
	if err != nil {
		return err
	}
	if o.build != "" {
		if err := build(ctx, o, s); err != nil {
			return unlessEnded(ctx, err)
		}
	}
	stand := &stand{checkout: o.checkout, dir: o.dir, env: os.Environ()}
	if o.page == dayPage {
		stand.forge = &forge{}
	}
	if o.walks() {
		if err := stand.apart(); err != nil {
			return err
		}
	}
	defer func() {
		err = errors.Join(unlessEnded(ctx, err), finish(stand, s))
		switch {
		case o.walks() && err == nil:
			err = os.RemoveAll(stand.dir)
		case o.walks():
			err = fmt.Errorf("%w\nthe logs are in %s", err, stand.dir)
		}
	}()
	begun := time.Now()
	healthy, err := start(ctx, stand, s)
	if err != nil {
		return err
	}
	if o.walks() {
		return walk(ctx, o, &tour{stand: stand, manual: m, screen: s, write: o.update})
	}
	s.say("", fmt.Sprintf("All of it is up and in line, %s after the start.", span(time.Since(begun))), "")
	s.say(things(stand, m)...)
	return stand.follow(ctx, s, healthy)
}

// unlessEnded drops the error of something that was interrupted because someone ended the program.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// apart makes the stand one that nothing of the user's reaches: a folder of its own, and no settings.
func (s *stand) apart() (err error) {
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "plumb-tour-"); err != nil {
			return err
		}
	}
	s.env = []string{"HOME=" + s.dir, "USER=ada", "PLUMB_BY=Ada", "LC_ALL=C", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"}
	return nil
}

// start starts everything, and waits until the Apps are healthy.
func start(ctx context.Context, stand *stand, s *screen) (healthy look, err error) {
	type part struct {
		what string
		do   func(context.Context, func(string)) (string, error)
	}
	parts := []part{
		{"preparing a folder", stand.take},
		{"starting Kubernetes", stand.startKubernetes},
		{"making a Git repository", stand.makeFleet},
	}
	if stand.forge != nil {
		parts = append(parts, part{"starting a Git server", stand.serveFleet})
	}
	for _, p := range append(parts, part{"starting Plumb", stand.startDaemon}) {
		if err := s.run(ctx, p.what, p.do); err != nil {
			return look{}, err
		}
	}
	commit, err := stand.head(ctx)
	if err != nil {
		return look{}, err
	}
	return stand.awaitHealthy(ctx, s, commit)
}

// head is the newest commit of the fleet.
func (s *stand) head(ctx context.Context) (string, error) { return s.git(ctx, "rev-parse", "HEAD") }

// walk goes through the tour and, where that was asked for, writes it anew.
func walk(ctx context.Context, o options, t *tour) error {
	begun := time.Now()
	if err := t.run(ctx); err != nil {
		return err
	}
	t.screen.say("", fmt.Sprintf("%s: %d commands in %s, and each did what the page shows.", t.manual.name, len(t.got), span(time.Since(begun))))
	if !o.update {
		return nil
	}
	updated, err := t.manual.with(t.given, t.got)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.checkout, t.manual.name), []byte(updated), 0o644)
}

// finish ends everything and makes sure of it.
func finish(stand *stand, s *screen) error {
	s.say("", "Stopping all of it.")
	if err := stand.stop(context.Background()); err != nil {
		return err
	}
	found, err := left(stand.bin(), stand.dir)
	switch {
	case err != nil:
		return err
	case len(found) > 0:
		return fmt.Errorf("processes are left:\n%s", strings.Join(found, "\n"))
	}
	s.say(s.paint(good, "✓") + " nothing of it runs any more")
	return nil
}

// things tells what there is to try: the tour's steps that change something, as one types them in another terminal.
func things(stand *stand, m *manual) []string {
	lines := []string{
		"Things to try, in another terminal:", "",
		"    cd " + quoted(stand.fleet()),
		"    export PATH=" + quoted(stand.bin()) + ":$PATH",
		"    export PLUMB_DATA=" + quoted(stand.data()),
		"    export KUBECONFIG=" + quoted(stand.kubeconfig()), "",
	}
	_, noKubectl := exec.LookPath("kubectl")
	n := 0
	for _, step := range m.steps {
		texts := step.toDo()
		if len(texts) == 0 {
			continue
		}
		n++
		lines = append(lines, fmt.Sprintf("%d. %s", n, step.title), "")
		for _, text := range texts {
			lines = append(lines, "    "+text)
			if form := kubectlForm(text); form != "" && noKubectl == nil {
				lines = append(lines, "    "+form+"    # the same")
			}
		}
		lines = append(lines, "")
	}
	return append(lines,
		"Look with `plumb get apps`, `plumb tree web`, `plumb history` and `plumb history --id 3`.",
		"What Plumb does shows here, too. Ctrl-C ends all of it.", "")
}

// kubectlForm is what those who have kubectl type for a hand edit.
func kubectlForm(text string) string {
	var target, replicas string
	if n, _ := fmt.Sscanf(text, "plumb-demo scale %s %s", &target, &replicas); n != 2 {
		return ""
	}
	namespace, name, _ := strings.Cut(target, "/")
	return "kubectl --namespace " + namespace + " scale deployment/" + name + " --replicas " + replicas
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if !strings.ContainsAny(path, " '\"\\$`!*?[](){}<>|&;~#") {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
