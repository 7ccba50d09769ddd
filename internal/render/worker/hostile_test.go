package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/render/worker"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// hostile is a renderer that does what a file says: what a library that was
// broken into would do, or one with a fault.
type hostile struct{}

func (hostile) Name() string { return "hostile" }

func (hostile) Wants(files tree.Reader, at string) (bool, error) {
	_, err := files.Stat(at)
	return at == "do", err
}

func (hostile) Render(ctx context.Context, r render.Request) ([]object.Object, error) {
	what, err := r.Files.ReadFile(r.Path)
	if err != nil {
		return nil, err
	}
	verb, rest, _ := strings.Cut(string(what), " ")
	do, is := deeds()[verb]
	if !is {
		return nil, fmt.Errorf("there is no deed %q", verb)
	}
	return do(ctx, r, rest)
}

type deed func(ctx context.Context, r render.Request, rest string) ([]object.Object, error)

// deeds are what it can do. Most of them don't come back.
func deeds() map[string]deed {
	return map[string]deed{
		"loop": func(context.Context, render.Request, string) ([]object.Object, error) {
			for i := 0; ; i++ {
				runtime.KeepAlive(i)
			}
		},
		"wait": func(ctx context.Context, r render.Request, rest string) ([]object.Object, error) {
			for { // asking again and again isn't answered from memory
				if _, err := r.Live.Object(ctx, "v1", "Secret", "a", "b"); err != nil {
					return nil, err
				}
			}
		},
		"allocate": func(context.Context, render.Request, string) ([]object.Object, error) {
			var kept [][]byte
			for {
				b := make([]byte, 1<<20)
				for i := 0; i < len(b); i += 4096 {
					b[i] = 1
				}
				kept = append(kept, b)
				runtime.KeepAlive(kept)
			}
		},
		"allocate-at-once": func(context.Context, render.Request, string) ([]object.Object, error) {
			b := make([]byte, 1<<40)
			return nil, fmt.Errorf("got %d bytes", len(b))
		},
		"recurse": func(context.Context, render.Request, string) ([]object.Object, error) {
			return nil, fmt.Errorf("got %d", recurse(0))
		},
		"exit": func(context.Context, render.Request, string) ([]object.Object, error) { os.Exit(9); return nil, nil },
		"panic": func(context.Context, render.Request, string) ([]object.Object, error) {
			panic("an index is out of range")
		},
		"elsewhere": func(context.Context, render.Request, string) ([]object.Object, error) {
			go panic("in a place where nobody recovers")
			select {}
		},
		"print":   large,
		"many":    many,
		"garbage": garbage,
		"reach":   reach,
		"tell":    tell,
		"fail":    fail,
	}
}

func recurse(n int) int {
	if n < 0 {
		return 0
	}
	return recurse(n+1) + recurse(n-1)
}

func named(name string, data any) object.Object {
	return object.Object{Origin: object.Origin{File: "do", Line: 1}, Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}, "data": data,
	}}}
}

func large(context.Context, render.Request, string) ([]object.Object, error) {
	return []object.Object{named("a", strings.Repeat("x", 100<<20))}, nil
}

func many(context.Context, render.Request, string) ([]object.Object, error) {
	var objects []object.Object
	for i := range 19_000 {
		objects = append(objects, named(fmt.Sprint("a", i), strings.Repeat("x", 10<<10)))
	}
	return objects, nil
}

// garbage writes to the pipe itself.
func garbage(_ context.Context, _ render.Request, rest string) ([]object.Object, error) {
	const replies = 4
	out := os.NewFile(replies, "out")
	frames := map[string]string{
		"noise": strings.Repeat("\x00\xff", 100), "long": "O\xff\xff\xff\xff", "object": "O\x02\x00\x00\x00\xff\xff", "request": "R\x00\x00\x00\x00",
		"done": "D\x00\x00\x00\x00", "ahead": "D\x00\x00\x00\x00D\x00\x00\x00\x00", "need": "w\x01\x00\x00\x00{", "error": "X\x02\x00\x00\x00\x01\x7f", "nothing": "",
	}
	if rest == "asks" { // and never takes the answer
		for {
			if _, err := out.WriteString("f\x02\x00\x00\x00do"); err != nil {
				return nil, err
			}
		}
	}
	if rest == "objects" {
		for {
			if _, err := out.WriteString("O\x04\x00\x00\x00\x00\x00\x07\x00"); err != nil {
				return nil, err
			}
		}
	}
	if _, err := out.WriteString(frames[rest]); err != nil {
		return nil, err
	}
	if rest == "nothing" {
		_ = out.Close()
	}
	select {}
}

// reach tries to get at all that it should not.
func reach(context.Context, render.Request, string) ([]object.Object, error) {
	reached := map[string]any{}
	try := func(what string, err error) {
		if err == nil {
			reached[what] = "reached"
		}
	}
	_, err := os.ReadFile("/etc/passwd")
	try("a file", err)
	_, err = os.ReadFile("/proc/self/environ")
	try("the environment", err)
	_, err = os.ReadDir("/proc/self/fd")
	try("the open files", err)
	try("a new file", os.WriteFile("/tmp/plumb-reached", nil, 0o600))
	_, err = net.Dial("tcp", "127.0.0.1:1")
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = nil
	}
	try("the network", err)
	_, err = net.Listen("tcp", "127.0.0.1:0")
	try("a port", err)
	_, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	try("a socket", err)
	try("a program", exec.Command("/bin/true").Run())
	try("a process", syscall.Kill(os.Getppid(), 0))
	try("more memory", syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: 1 << 40, Max: 1 << 40}))
	if environment := os.Environ(); len(environment) > 0 {
		reached["variables"] = fmt.Sprint(environment)
	}
	return []object.Object{named("reached", reached)}, nil
}

// tell asks for everything, and tells what it got.
func tell(ctx context.Context, r render.Request, _ string) ([]object.Object, error) {
	r.Notice("first")
	c, err := r.Live.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	one, err1 := r.Live.Object(ctx, "v1", "Pod", "shop", "web")
	none, err2 := r.Live.Object(ctx, "v1", "Pod", "shop", "absent")
	list, err3 := r.Live.List(ctx, "apps/v1", "Deployment", "")
	big, err4 := r.Files.ReadFile("big")
	folder, err5 := r.Files.ReadDir("")
	at, err6 := r.Files.Stat("a/b")
	_, err7 := r.Files.Stat("none")
	for range 3 {
		r.Need(render.Need{Git: &v1alpha1.Git{URL: "https://example.com/x", Branch: "main"}})
		r.Need(render.Need{Chart: &v1alpha1.Chart{Repository: "oci://example.com/x", Name: "x", Version: "1.x"}})
	}
	r.Notice("second")
	text := fmt.Sprintf("%v %#v %#v %#v %d %v %v %v %v %v %+v", c, one, none == nil, list, len(big), folder, at, err7, errors.Is(err7, tree.ErrNotFound), r.Given, r.Params)
	return []object.Object{named("told", text)}, errors.Join(err1, err2, err3, err4, err5, err6)
}

// fail fails in all ways that others branch on.
func fail(ctx context.Context, r render.Request, rest string) ([]object.Object, error) {
	switch rest {
	case "read":
		_, err := r.Files.ReadFile("none")
		return nil, fmt.Errorf("c: %w", err)
	case "missing":
		return nil, fmt.Errorf("c: %w", render.Missing{Needs: []render.Need{{Git: &v1alpha1.Git{URL: "https://example.com/x"}}}})
	case "manifest":
		return nil, render.Join([]error{&manifest.Error{Origin: object.Origin{File: "a", Line: 3}, What: "x", Do: "y"}, errors.New("z")})
	case "live":
		_, err := r.Live.Object(ctx, "v1", "Pod", "shop", "web")
		return nil, err
	case "time":
		return nil, fmt.Errorf("c: %w: %w", render.ErrRead, context.DeadlineExceeded)
	}
	return nil, errors.New("plainly")
}

func hostileWork(what string) render.Work {
	return render.Work{Files: treetest.New(map[string]string{"do": what}), Path: "do", Params: v1alpha1.Render{Release: v1alpha1.Release{Name: "web"}}, Live: &target{}}
}

// innocents renders over and over, beside what is hostile, until it is stopped;
// then it says how many renders there were. One that takes too long, on a busy
// machine, is tried again, as always.
func innocents(t *testing.T, set render.Set) (stop func() int) {
	t.Helper()
	ended := make(chan struct{})
	renders := 0
	var wg sync.WaitGroup
	sample := corpus(t)["kustomize overlay.txtar"]
	work := render.Work{Files: treetest.New(sample.Files), Path: sample.Path}
	want := outcomeOf(t.Context(), render.Set{kustomize.Renderer{}}, work)
	wg.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
			}
			switch got := outcomeOf(t.Context(), set, work); {
			case strings.Contains(got.Err, "took longer than"):
			case got.Err != "" || len(got.Objects) != len(want.Objects):
				t.Errorf("a render beside it: %v", got.Err)
			default:
				renders++
			}
		}
	})
	return func() int {
		close(ended)
		wg.Wait()
		return renders
	}
}

// end is how a render that runs away has to end.
type end struct {
	want  string
	again bool // the error says nothing of the files
}

// S05, S08, S11: a render that runs away is an error of its own, with what was
// exceeded, and others go on.
func TestS08RunsAway(t *testing.T) {
	runAway(t, worker.Options{Workers: 2, Time: 5 * time.Second}, []string{"time"}, map[string]end{
		"loop":         {"the render of do (App web) took longer than 5s and was stopped: let it do less, or give renders more time (plumb run --render-time)", true},
		"garbage asks": {"took longer than 5s", true},
	})
	runAway(t, worker.Options{Workers: 2, Memory: 256 << 20}, []string{"fault", "memory", "stack"}, map[string]end{
		"allocate":         {"the render of do (App web) used more than 256 MiB of memory and was stopped: let it make less, or give renders more (plumb run --render-memory)", false},
		"allocate-at-once": {"the render of do (App web) used more than 256 MiB of memory and was stopped: let it make less, or give renders more (plumb run --render-memory)", false},
		"recurse":          {"the render of do (App web) went deeper than 128 MiB of stack and was stopped: end the recursion", false},
		"exit":             {"the renderer hostile broke down on these files: its process ended, exit code 9; please report it with them", false},
		"panic":            {"the renderer hostile broke down on these files: an index is out of range; please report it with them", false},
		"elsewhere":        {"the renderer hostile broke down on these files: its process ended, panic; please report it with them", false},
		"garbage noise":    {"broke down on these files: its process ended, it sent what can't be read", false},
		"garbage long":     {"it sent what can't be read: a frame of 4294967295 bytes", false},
		"garbage object":   {"it sent what can't be read", false},
		"garbage objects":  {"it sent what can't be read", false},
		"garbage ahead":    {"it sent what can't be read: more than an end", false},
		"garbage request":  {"it sent what can't be read: a frame of the kind 82", false},
		"garbage need":     {"it sent what can't be read", false},
		"garbage error":    {"it sent what can't be read", false},
	})
}

// runAway does deeds, beside innocents, and compares how they end, and for what
// workers ended.
func runAway(t *testing.T, o worker.Options, reasons []string, deeds map[string]end) {
	t.Helper()
	var mu sync.Mutex
	ended := map[string]bool{}
	o.Ended = func(why string) {
		mu.Lock()
		defer mu.Unlock()
		ended[why] = true
	}
	set := pool(t, o).WrapAll([]render.Renderer{hostile{}, kustomize.Renderer{}})
	stop := innocents(t, set)
	for what, test := range deeds {
		t.Run(what, func(t *testing.T) {
			result, err := set.Render(t.Context(), hostileWork(what))
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, render.ErrRead) != test.again || result.Objects != nil {
				t.Errorf("got %d objects and the error %v", len(result.Objects), err)
			}
		})
	}
	if renders := stop(); renders < 2 {
		t.Errorf("beside it there were %d renders", renders)
	}
	if why := slices.Sorted(maps.Keys(ended)); !slices.Equal(why, reasons) {
		t.Errorf("workers ended for %v", why)
	}
}

// A kustomization that takes for ever is ended, and neither it nor kustomize's
// own lock keeps others waiting.
func TestS08KustomizationWithoutEnd(t *testing.T) {
	p := pool(t, worker.Options{Workers: 2, Time: 5 * time.Second})
	set := p.WrapAll([]render.Renderer{kustomize.Renderer{}})
	var objects, patches strings.Builder
	for i := range 3_000 {
		fmt.Fprintf(&objects, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d}\n", i)
	}
	for i := range 300 {
		fmt.Fprintf(&patches, "- target: {name: '.*'}\n  patch: '[{op: add, path: /data/k%d, value: x}]'\n", i)
	}
	files := treetest.New(map[string]string{"apps/kustomization.yaml": "resources: [a.yaml]\npatches:\n" + patches.String(), "apps/a.yaml": objects.String()})
	stop := innocents(t, set)
	_, err := set.Render(t.Context(), render.Work{Files: files, Path: "apps"})
	if err == nil || !errors.Is(err, render.ErrRead) || !strings.Contains(err.Error(), "the render of apps took longer than 5s and was stopped") {
		t.Errorf("got the error %v", err)
	}
	if renders := stop(); renders < 2 { // one may have been begun before
		t.Errorf("beside it there were %d renders", renders)
	}
}

func TestS05PrintsGigabytes(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 1, Memory: 4 << 30, Time: 10 * time.Minute})
	set := p.WrapAll([]render.Renderer{hostile{}})
	for what, want := range map[string]string{
		"print": "do:1: ConfigMap/a: has 104857",
		"many":  "the objects have more than 134217728 bytes, above the limit of 67108864: split the App",
	} {
		result, err := set.Render(t.Context(), hostileWork(what))
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, render.ErrRead) || result.Objects != nil {
			t.Errorf("%s: got %d objects and the error %v", what, len(result.Objects), err)
		}
	}
}

// A worker that says it is done before it is tells of fewer objects; the next
// render must not get the rest.
func TestS02NothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 1, Time: 5 * time.Second})
	set := p.WrapAll([]render.Renderer{hostile{}, plain.Renderer{}})
	if result, err := set.Render(t.Context(), hostileWork("garbage done")); err != nil || len(result.Objects) != 0 {
		t.Fatalf("got %d objects and %v", len(result.Objects), err)
	}
	work := render.Work{Files: treetest.New(map[string]string{"a.yaml": configMap})}
	for range 3 { // the worker is still at the first
		if result, err := set.Render(t.Context(), work); err == nil && len(result.Objects) != 1 {
			t.Fatalf("got %d objects", len(result.Objects))
		}
	}
	if result, err := set.Render(t.Context(), work); err != nil || len(result.Objects) != 1 {
		t.Errorf("got %d objects and %v", len(result.Objects), err)
	}
}

func TestS01NothingIsReached(t *testing.T) {
	t.Setenv("PLUMB_CANARY", "canary")
	if runtime.GOOS != "linux" {
		t.Skip("processes are confined on Linux only")
	}
	var log bytes.Buffer
	p := pool(t, worker.Options{Workers: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	result, err := p.WrapAll([]render.Renderer{hostile{}}).Render(t.Context(), hostileWork("reach"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `level=INFO msg="renders are done in processes that reach no file, network or program" workers=1 memory="512 MiB" time=1m0s by=`; !strings.Contains(log.String(), want) || strings.Contains(log.String(), "wrong") {
		t.Errorf("it logged %s", log.String())
	}
	if reached, _ := result.Objects[0].Object["data"].(map[string]any); len(reached) > 0 {
		t.Errorf("it reached %v", reached)
	}
}

func TestErrorsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 1})
	set := p.WrapAll([]render.Renderer{hostile{}})
	own := errors.New("the server is down")
	for what, is := range map[string]func(error) bool{
		"read": func(err error) bool { return errors.Is(err, tree.ErrNotFound) && !errors.Is(err, tree.ErrOutside) },
		"missing": func(err error) bool {
			var m render.Missing
			return errors.As(err, &m) && m.Needs[0].Git.URL == "https://example.com/x"
		},
		"manifest": func(err error) bool {
			var e *manifest.Error
			return errors.As(err, &e) && e.Origin.Line == 3 && e.Do == "y"
		},
		"live": func(err error) bool { return errors.Is(err, own) && errors.Is(err, render.ErrRead) },
		"time": func(err error) bool {
			return errors.Is(err, render.ErrRead) && errors.Is(err, context.DeadlineExceeded)
		},
		"plainly": func(err error) bool { return !errors.Is(err, render.ErrRead) && err.Error() == "plainly" },
	} {
		w := hostileWork("fail " + what)
		w.Live = &target{err: own}
		_, err := set.Render(t.Context(), w)
		_, inProcess := render.Set{hostile{}}.Render(t.Context(), w)
		if err == nil || !is(err) || !is(inProcess) || err.Error() != inProcess.Error() {
			t.Errorf("%s: got %v, in process %v", what, err, inProcess)
		}
	}
}

// A worker that someone ends from outside is replaced, and the render done
// again. Not parallel: it ends all workers there are.
func TestKilledFromOutside(t *testing.T) {
	if len(children()) > 0 || runtime.GOOS != "linux" {
		t.Skip("it can't be told which processes are workers")
	}
	p := pool(t, worker.Options{Workers: 1})
	if len(children()) == 0 {
		t.Skip("this kernel doesn't tell which processes are children")
	}
	killer := &killing{}
	w := hostileWork("wait")
	w.Live = killer
	_, err := p.WrapAll([]render.Renderer{hostile{}}).Render(t.Context(), w)
	if err == nil || !errors.Is(err, errEnough) {
		t.Errorf("got the error %v", err)
	}
	if killer.killed != 1 {
		t.Errorf("%d were killed", killer.killed)
	}
	killer.always = true
	if _, err = p.WrapAll([]render.Renderer{hostile{}}).Render(t.Context(), w); err == nil || !errors.Is(err, render.ErrRead) || !strings.Contains(err.Error(), "was cut short 2 times by someone outside (signal: killed)") {
		t.Errorf("got the error %v", err)
	}
}

var errEnough = errors.New("that is enough")

// killing is a target that ends all workers when it is asked: once, or always.
type killing struct {
	target
	always bool
	killed int
}

func (k *killing) Object(context.Context, string, string, string, string) (map[string]any, error) {
	if k.killed > 0 && !k.always {
		return nil, errEnough
	}
	k.killed++
	for _, pid := range children() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return nil, nil
}

// A render that is no longer wanted ends at once, and the next finds a worker.
func TestEndedRender(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 1})
	set := p.WrapAll([]render.Renderer{hostile{}, plain.Renderer{}})
	ctx, cancel := context.WithCancelCause(t.Context())
	w := hostileWork("wait")
	w.Live = asked(func() { cancel(errEnough) })
	if _, err := set.Render(ctx, w); !errors.Is(err, render.ErrRead) || !errors.Is(err, errEnough) {
		t.Errorf("got the error %v", err)
	}
	waiting, cancel2 := context.WithCancel(t.Context())
	cancel2()
	if _, err := set.Render(waiting, hostileWork("loop")); !errors.Is(err, render.ErrRead) || !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v", err)
	}
	if result, err := set.Render(t.Context(), render.Work{Files: treetest.New(map[string]string{"a.yaml": configMap})}); err != nil || len(result.Objects) != 1 {
		t.Errorf("got %d objects and %v", len(result.Objects), err)
	}
}

// What answers a worker may break down. That ends the render, and the worker
// isn't used again.
func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 1})
	set := p.WrapAll([]render.Renderer{hostile{}, plain.Renderer{}})
	w := hostileWork("wait")
	w.Live = asked(func() { panic("oops") })
	for range 3 {
		var broken *render.Panic
		if _, err := set.Render(t.Context(), w); !errors.As(err, &broken) || broken.Value != "oops" {
			t.Errorf("got the error %v", err)
		}
		if result, err := set.Render(t.Context(), render.Work{Files: treetest.New(map[string]string{"a.yaml": configMap})}); err != nil || len(result.Objects) != 1 {
			t.Errorf("got %d objects and %v", len(result.Objects), err)
		}
	}
}

// asked is a target that does something when it is asked.
type asked func()

func (asked) Capabilities(context.Context) (render.Capabilities, error) {
	return render.Capabilities{}, nil
}

func (a asked) Object(context.Context, string, string, string, string) (map[string]any, error) {
	a()
	return nil, nil
}

func (asked) List(context.Context, string, string, string) ([]map[string]any, error) { return nil, nil }

// Renders beyond the number of workers wait, and all of them are done.
func TestCrowd(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 2})
	set := p.WrapAll(renderers())
	var wg sync.WaitGroup
	for name, s := range corpus(t) {
		work := render.Work{Files: treetest.New(s.Files), Path: s.Path, Params: s.Params}
		want := outcomeOf(t.Context(), renderers()[:3], work)
		for range 10 {
			wg.Go(func() {
				if got := outcomeOf(t.Context(), set, work); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: got %v", name, got.Err)
				}
			})
		}
	}
	wg.Wait()
}

func TestClosed(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 1})
	p.Close()
	p.Close()
	if _, err := p.WrapAll(renderers()).Render(t.Context(), hostileWork("panic")); !errors.Is(err, render.ErrRead) {
		t.Errorf("got the error %v", err)
	}
}

// A program that is no worker is told so, and the daemon with it.
func TestNobodyAtTheOtherEnd(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], worker.Argument)
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("got %v", err)
	}
	if _, is := worker.Serve([]string{"plumb", "run"}, renderers); is {
		t.Error("plumb run is taken for a worker")
	}
}

// children are the processes that this one started.
func children() []int {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	var pids []int
	for _, list := range lists {
		content, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(content)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
