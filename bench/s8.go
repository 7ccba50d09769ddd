package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/bench/chart"
	"plumb.dev/plumb/bench/process"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/kustomize"
	folders "plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/render/worker"
	"plumb.dev/plumb/internal/source/folder"
)

// overheadMost is the goal for what a worker adds to a render, in milliseconds.
const overheadMost = 0.5

// renderers are those that are measured, in this process and in workers.
func renderers() []render.Renderer {
	return []render.Renderer{kustomize.Renderer{}, helm.New(), folders.Renderer{}}
}

// renderings is S8: what a render costs, in process, in a worker, and by the
// command that people know. It needs no cluster.
func renderings(ctx context.Context, b *bench) ([]row, error) {
	dir, err := os.MkdirTemp("", "plumb-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	pool, err := worker.New(worker.Options{})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	rows := []row{figure("memory of a worker before its first render, beside the program's file", megabytes, mb(workerMemory()))}
	const app, components = "app-0000", 10
	for _, s := range []subject{
		{what: "one ConfigMap", files: map[string]string{"apps/" + app + "/a.yaml": settings(app)}, objects: 1},
		{what: "kustomization of 5 objects", files: newFleet(1, 1).files, command: []string{"kustomize", "build", "--load-restrictor=LoadRestrictionsNone"}, objects: objectsPerApp},
		{what: "chart of 40 objects", files: newCharts(1, components).files, command: []string{"helm", "template", "release-name"}, objects: components * chart.PerComponent},
	} {
		s.dir = filepath.Join(dir, s.what)
		if err := s.write(); err != nil {
			return nil, err
		}
		s.dir = filepath.Join(s.dir, "apps", app)
		measured, err := s.measure(ctx, b, pool)
		rows = append(rows, measured...)
		if err != nil {
			return rows, err
		}
	}
	return append(rows, figure("memory of a worker at rest", megabytes, mb(rested(ctx)))), nil
}

// subject is what is rendered over and over.
type subject struct {
	what    string
	files   map[string]string
	command []string // that does the same, with the folder behind it
	objects int
	dir     string
}

func (s subject) write() error {
	for name, text := range s.files {
		at := filepath.Join(s.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// way is one way of rendering the subject once, and what was measured of it.
type way struct {
	name  string
	times int // it is done
	once  func(context.Context) error

	alone  []time.Duration
	rates  []float64 // a second, of as many at once as there are processors
	memory int64     // of a worker right afterwards
	done   int
	cpu    time.Duration // of all that were done, in whichever process
}

// rounds is how often ways take turns: a machine is not the same all the time.
const rounds = 5

func (s subject) measure(ctx context.Context, b *bench, pool *worker.Pool) ([]row, error) {
	files, below, err := folder.Open(s.dir)
	if err != nil {
		return nil, err
	}
	by := func(set render.Set) func(context.Context) error {
		return func(ctx context.Context) error {
			result, err := set.Render(ctx, render.Work{Files: files, Path: below, Params: v1alpha1.Render{}})
			if err == nil && len(result.Objects) != s.objects {
				err = fmt.Errorf("%s: %d objects in place of %d", s.what, len(result.Objects), s.objects)
			}
			return err
		}
	}
	ways := []*way{
		{name: "in process", times: b.renders / rounds, once: by(renderers())}, {name: "in a worker", times: b.renders / rounds, once: by(pool.WrapAll(renderers()))},
	}
	if program := s.program(b.tools); program != "" {
		ways = append(ways, &way{name: s.command[0] + " as a process", times: b.renders / rounds / 10, once: s.run(program)})
	} else if len(s.command) > 0 {
		b.say("%s is left out: make renderers builds it", s.command[0])
	}
	for range rounds {
		for _, w := range ways {
			if err := w.measure(ctx); err != nil {
				return nil, err
			}
		}
	}
	return s.rows(ways), nil
}

// rows tell what was measured, each way beside the first.
func (s subject) rows(ways []*way) []row {
	var rows []row
	var all [][]row
	for _, w := range ways {
		one := took(fmt.Sprintf("%s: one, %s", s.what, w.name), milliseconds, w.alone)
		one.Samples = nil // thousands
		told := []row{
			one,
			figure(fmt.Sprintf("%s: CPU of one, %s", s.what, w.name), milliseconds, 1000*w.cpu.Seconds()/float64(w.done)),
			figure(fmt.Sprintf("%s: one after the other, %s", s.what, w.name), perSecond, 1000/one.Measured),
			figure(fmt.Sprintf("%s: %d at once, %s", s.what, runtime.NumCPU(), w.name), perSecond, quantile(w.rates, 0.5)),
		}
		all = append(all, told)
		for i, r := range told {
			if len(all) > 1 {
				r = r.beside(all[0][i])
			}
			rows = append(rows, r)
		}
	}
	return append(rows,
		figure(s.what+": what a worker adds to a render", milliseconds, all[1][0].Measured-all[0][0].Measured).within(overheadMost),
		figure(s.what+": CPU that a worker adds to a render", milliseconds, all[1][1].Measured-all[0][1].Measured),
		figure(s.what+": memory of a worker right afterwards, beside the program's file", megabytes, mb(ways[1].memory)))
}

// program is the command's file, or empty where it isn't there.
func (s subject) program(tools string) string {
	if len(s.command) == 0 {
		return ""
	}
	program := filepath.Join(tools, s.command[0])
	if _, err := os.Stat(program); err != nil {
		return ""
	}
	return program
}

// run is the subject as a command does it.
func (s subject) run(program string) func(context.Context) error {
	return func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, program, append(s.command[1:len(s.command):len(s.command)], s.dir)...)
		cmd.Env = []string{"HOME=" + s.dir}
		if said, err := cmd.Output(); err != nil || len(said) == 0 {
			return fmt.Errorf("%v: %w", s.command, err)
		}
		return nil
	}
}

// measure does it over and over, one after the other and then as many at once
// as there are processors.
func (w *way) measure(ctx context.Context) error {
	times := max(w.times, 1)
	for range times/10 + 1 { // so that what is made once is made
		if err := w.once(ctx); err != nil {
			return err
		}
	}
	before, err := process.ReadUsage(os.Getpid())
	if err != nil {
		return err
	}
	for range times {
		begin := time.Now()
		if err := w.once(ctx); err != nil {
			return err
		}
		w.alone = append(w.alone, time.Since(begin))
	}
	var left atomic.Int64
	left.Store(int64(times))
	errs := make(chan error, runtime.NumCPU())
	begin := time.Now()
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := w.once(ctx); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	w.rates = append(w.rates, float64(times)/time.Since(begin).Seconds())
	w.memory = workerMemory()
	after, err := process.ReadUsage(os.Getpid())
	w.cpu += after.CPU() - before.CPU()
	w.done += 2 * times
	close(errs)
	return errors.Join(err, <-errs)
}

// workerMemory is what the largest of this process's workers has for itself.
func workerMemory() int64 {
	var most int64
	for _, pid := range process.ChildrenOf(os.Getpid()) {
		if p, err := process.Read(pid); err == nil {
			most = max(most, p.Private)
		}
	}
	return most
}

// rested is the same once it has had nothing to do for a while.
func rested(ctx context.Context) int64 {
	const soon = 4 * time.Second // workers give memory back after two
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	<-ctx.Done()
	return workerMemory()
}
