package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/cli/dev"
	"plumb.dev/plumb/internal/cli/keys"
	"plumb.dev/plumb/internal/cli/rotate"
	"plumb.dev/plumb/internal/cli/seal"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/server"
	"plumb.dev/plumb/internal/source/folder"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

var update = flag.Bool("update", false, "write what commands print into the scripts")

// noon is the time of the scripts, in the daemon and in the commands.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plumb": plumb})
}

// plumb is the command as the scripts run it: the daemon is one that tells its
// options, a folder renders to what its file objects.yaml holds, and the
// terminal is as wide as PLUMB_TEST_COLUMNS says.
func plumb() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Env{
		Now:     func() time.Time { return noon },
		Version: "v0.0.0-test",
		Terminal: func() (int, bool) {
			columns, err := strconv.Atoi(os.Getenv("PLUMB_TEST_COLUMNS"))
			return columns, err == nil
		},
		More:        []func(cli.Env) *cobra.Command{dev.Command, keys.Command, seal.Command(sealing()), seal.UnsealCommand(sealing()), rotate.Command},
		ReadSecret:  readSecret,
		Interactive: func() bool { return os.Getenv("PLUMB_TEST_TTY") != "" },
		DiffLocal:   diffLocal,
		ApplyLocal:  applyLocal,
		Run: func(_ context.Context, o cli.RunOptions) error {
			fmt.Printf("%+v\n", o)
			return nil
		},
		RenderLocal: func(_ context.Context, path string, _ cli.KeyFiles) ([]object.Object, error) {
			var contents []map[string]any
			if err := readYAML(filepath.Join(path, "objects.yaml"), &contents); err != nil {
				return nil, err
			}
			objects := make([]object.Object, len(contents))
			for i, content := range contents {
				objects[i] = object.Object{Unstructured: &unstructured.Unstructured{Object: content}, Origin: object.Origin{File: "objects.yaml", Line: i + 1}}
			}
			return objects, nil
		},
	}))
}

// sealing is the real thing.
func sealing() seal.Parts {
	return seal.Parts{Seal: sops.Seal, Unseal: sops.Unseal, Encrypted: sops.Encrypted, RuleFor: func(file string) (secret.Rule, error) {
		files, below, err := folder.Open(filepath.Dir(file))
		if err != nil {
			return secret.Rule{}, err
		}
		return sops.RuleFor(tree.Record(files), path.Join(below, filepath.Base(file)))
	}}
}

// readSecret is what a file says that someone types.
func readSecret(question string) (string, error) {
	if os.Getenv("PLUMB_TEST_TTY") == "" {
		return "", cli.ErrNoTerminal
	}
	fmt.Fprintln(os.Stderr, question)
	content, err := os.ReadFile(os.Getenv("PLUMB_TEST_TYPED"))
	return strings.TrimSuffix(string(content), "\n"), err
}

func readYAML(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return yaml.UnmarshalStrict(content, into)
}

// TestScripts runs the commands against the real server and a real history.
// What an engine would tell comes from a file.
func TestScripts(t *testing.T) {
	t.Parallel()
	world, err := os.ReadFile("testdata/world.yaml")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("USER", "ana")
			env.Setenv("PLUMB_BY", "ana@laptop")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would hold up each command for a second
			env.Setenv("PLUMB_DATA", filepath.Join(env.WorkDir, "data"))
			return os.WriteFile(filepath.Join(env.WorkDir, "world.yaml"), world, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": startDaemon,
			"code":   code,
		},
	})
}

// code runs a command and checks its exit code: code 3 plumb get.
func code(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d; want %d", got, want)
	}
}

// startDaemon serves a world, and leaves in the data folder what a daemon
// leaves there: daemon [FILE].
func startDaemon(ts *testscript.TestScript, _ bool, args []string) {
	file := "world.yaml"
	if len(args) > 0 {
		file = args[0]
	}
	w := &world{}
	ts.Check(readYAML(ts.MkAbs(file), w))
	data := ts.Getenv("PLUMB_DATA")
	ts.Check(os.MkdirAll(data, 0o700))
	ctx, cancel := context.WithCancel(context.Background())
	store, _, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(data, "history.db")})
	ts.Check(err)
	for _, r := range w.Releases {
		_, err := store.Save(ctx, r)
		ts.Check(err)
	}
	token, err := server.Token(data)
	ts.Check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	withdraw, err := server.Announce(data, listener.Addr())
	ts.Check(err)
	config := server.Config{
		Apps: w, Releases: store, Plans: w, Gates: w, Git: w, Events: happening{w}, Logs: saying{w}, Waits: w, Keys: w, Rotates: w,
		Token: token, Now: func() time.Time { return noon },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener, server.New(config), discard()) }()
	ts.Defer(func() {
		cancel()
		if err := errors.Join(<-ended, withdraw(), store.Close()); err != nil {
			ts.Logf("daemon: %v", err)
		}
	})
}

// world is what an engine would tell, held still until a sync.
type world struct {
	RootState status.Root       `json:"root"`
	AppList   []status.Detail   `json:"apps"`
	AfterSync []status.Detail   `json:"afterSync"`
	Rendered  []json.RawMessage `json:"rendered"`
	Broken    string            `json:"broken"` // why nothing renders
	Releases  []release.Release `json:"releases"`
	KeyList   []status.Key      `json:"keys"`
	desk

	mu     sync.Mutex
	synced map[string]bool
}

func (w *world) Keys() ([]status.Key, error) { return w.KeyList, nil }

func (w *world) Root() status.Root { return w.RootState }

func (w *world) Apps() []status.App {
	apps := make([]status.App, len(w.AppList))
	for i, d := range w.AppList {
		apps[i] = d.App
	}
	return apps
}

// App is how an App stands: as in apps, or after a sync as in afterSync.
func (w *world) App(_ context.Context, id string) (status.Detail, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.AppList
	if w.synced[id] {
		all = append(append([]status.Detail(nil), w.AfterSync...), all...)
	}
	for _, d := range all {
		if d.ID() == id {
			return d, nil
		}
	}
	return status.Detail{}, server.ErrNoApp
}

func (w *world) Sync(ctx context.Context, id, _ string) error {
	if _, err := w.App(ctx, id); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.synced == nil {
		w.synced = map[string]bool{}
	}
	w.synced[id] = true
	return nil
}

func (w *world) Render(ctx context.Context, id string) ([]object.Object, error) {
	if _, err := w.App(ctx, id); err != nil {
		return nil, err
	}
	if w.Broken != "" {
		return nil, errors.New(w.Broken)
	}
	var objects []object.Object
	for _, content := range w.Rendered {
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(content); err != nil {
			return nil, err
		}
		objects = append(objects, object.Object{Unstructured: u})
	}
	return objects, nil
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
