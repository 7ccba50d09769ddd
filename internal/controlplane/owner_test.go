package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// other starts a process that does nothing, and that is killed when the test ends if it still runs.
func other(t *testing.T) process {
	t.Helper()
	command := exec.Command("tail", "-f", os.DevNull)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	started, ok := startOf(command.Process.Pid)
	if !ok {
		t.Fatal("it has no time of start")
	}
	return process{command.Process.Pid, started}
}

func TestProcessIsKnownByItsStart(t *testing.T) {
	running := other(t)
	if !running.running() {
		t.Error("a process that runs does not")
	}
	for _, stranger := range []process{{running.PID, "before"}, {0, running.Started}, {-1, ""}, {}} {
		if stranger.running() {
			t.Errorf("%+v runs", stranger)
		}
	}
	if err := terminate(t.Context(), []process{running}, stopGrace); err != nil {
		t.Fatal(err)
	}
	if running.running() {
		t.Error("a process that was ended runs")
	}
}

// A control plane whose owner was killed is nobody's, also while its last processes are ending.
func TestClaimOfWhatADeadProgramOwned(t *testing.T) {
	l := layout{t.TempDir()}
	lingering := other(t)
	p := &plane{layout: l, state: state{Owner: &process{PID: lingering.PID, Started: "before"}, Processes: map[Component]process{Nodes: lingering}}}
	if err := p.claim(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if p.state.Owner != nil || lingering.running() {
		t.Errorf("owner %v, its process runs: %t; want neither", p.state.Owner, lingering.running())
	}
}

func TestWhatAnotherProgramHoldsIsNotRepaired(t *testing.T) {
	owner := other(t)
	p := &plane{
		layout: layout{filepath.Join(t.TempDir(), "plane")}, progress: func(string) {},
		state: state{Owner: &owner, Processes: map[Component]process{}},
	}
	err := p.launch(Scheduler, Components(), func(error) {})
	if err == nil || !strings.Contains(err.Error(), "ends with process") {
		t.Errorf("error %v, want one that names the owner", err)
	}
}
