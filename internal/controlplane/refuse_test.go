package controlplane_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/controlplane"
)

// program writes a shell script that stands for the program with the components.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// endless stands for components that run and never become ready. Their arguments are names of files that tail does not find.
func endless(t *testing.T) string { return program(t, `exec tail -f -- /dev/null "$@"`) }

func TestUpErrors(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		options controlplane.Options
		want    []string // all of them in the error
	}{
		"no folder":            {controlplane.Options{}, []string{"needs a folder"}},
		"someone's folder":     {controlplane.Options{Dir: foreign}, []string{foreign, "thesis.txt", "empty or a new folder"}},
		"program not built":    {controlplane.Options{Binary: "/nowhere/plumb-kubernetes"}, []string{"/nowhere/plumb-kubernetes", "make kubernetes"}},
		"program not runnable": {controlplane.Options{Binary: filepath.Join(foreign, "thesis.txt")}, []string{"not a program", "make kubernetes"}},
		"component that dies": {
			controlplane.Options{Binary: program(t, "echo the disk is on fire; exit 7")},
			[]string{"etcd ended (exit status 7)", "the disk is on fire", "logs/etcd.log"},
		},
		"component that says nothing": {
			controlplane.Options{Binary: program(t, "exit 1")},
			[]string{"etcd ended (exit status 1)", "logs/etcd.log says nothing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.options.Dir == "" && name != "no folder" {
				test.options.Dir = filepath.Join(t.TempDir(), "plane")
			}
			_, err := controlplane.Up(t.Context(), test.options)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want it to say %q", err, want)
				}
			}
		})
	}
}

func TestUpSaysWhereItLookedForTheProgram(t *testing.T) {
	t.Setenv(controlplane.BinaryVariable, "")
	_, err := controlplane.Up(t.Context(), controlplane.Options{Dir: filepath.Join(t.TempDir(), "plane")})
	if err == nil || !strings.Contains(err.Error(), "make kubernetes") || !strings.Contains(err.Error(), controlplane.BinaryVariable) {
		t.Errorf("error %v, want one that says how to build the program and how to say where it is", err)
	}
}

func TestUpStopsWhenItIsNoLongerWanted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := filepath.Join(t.TempDir(), "plane")
	_, err := controlplane.Up(ctx, controlplane.Options{
		Dir:      dir,
		Binary:   endless(t),
		Progress: func(string) { cancel() }, // at the first sign of life
	})
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("error %v, want context canceled", err)
	}
	awaitNoLeftovers(t, dir)
}

// stranger is a process that has nothing to do with any control plane.
func stranger(t *testing.T) *exec.Cmd {
	t.Helper()
	command := exec.Command("tail", "-f", os.DevNull)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := command.Process.Kill(); err != nil {
			t.Errorf("the stranger had ended: %v", err)
		}
		_ = command.Wait()
	})
	return command
}

// A state file from before a reboot names processes whose ids belong to others by now.
func TestProcessOfAnotherIsNeverTouched(t *testing.T) {
	dir := t.TempDir()
	pid := stranger(t).Process.Pid // its cleanup fails if it is gone
	writeState(t, dir, map[string]any{"processes": map[string]any{
		"etcd":           map[string]any{"pid": pid, "started": "another time"},
		"kube-apiserver": map[string]any{"pid": pid, "started": ""},
		"kwok":           map[string]any{"pid": 0, "started": ""},
		"kube-scheduler": map[string]any{"pid": -1, "started": ""},
	}})
	if status := read(t, dir); status.Running || status.Problem != "no component runs" {
		t.Errorf("status %+v", status)
	}
	for _, end := range []func(context.Context, string) error{controlplane.Down, controlplane.Delete} {
		if err := end(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
}

func writeState(t *testing.T, dir string, state map[string]any) {
	t.Helper()
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"state.json": text, "lock": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBrokenStateIsAnErrorThatNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	writeState(t, dir, nil)
	if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := controlplane.Read(t.Context(), dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "state.json")) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestDeleteKeepsFilesOfOthers(t *testing.T) {
	dir := t.TempDir()
	writeState(t, dir, nil)
	theirs := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(theirs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := controlplane.Delete(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v (%v), want notes.txt alone", left, err)
	}
}

func TestWhatWasNeverStarted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "never")
	if status := read(t, dir); status.Running || len(status.Components) != len(controlplane.Components()) {
		t.Errorf("status %+v", status)
	}
	for _, end := range []func(context.Context, string) error{controlplane.Down, controlplane.Delete} {
		if err := end(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made a folder")
	}
}

func TestLockGivesUpInTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plane")
	inside, done := make(chan struct{}), make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := controlplane.Up(ctx, controlplane.Options{
			Dir: dir, Binary: endless(t), Progress: func(string) { close(inside) },
		})
		done <- err
	}()
	<-inside
	short, cancelShort := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelShort()
	if err := controlplane.Down(short, dir); err == nil || !strings.Contains(err.Error(), "another plumb") {
		t.Errorf("error %v, want one that says who may hold the lock", err)
	}
	cancel()
	<-done
}
