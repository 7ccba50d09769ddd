package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process names one run of one program: ids are given out again, but not with the same time of start.
type process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // opaque, from startOf
}

// running tells whether exactly this process still runs. One that ended and that nobody has waited for counts as gone.
func (p process) running() bool {
	if p.PID <= 0 {
		return false
	}
	started, ok := startOf(p.PID)
	return ok && started == p.Started
}

// signal reaches this process or none: on Linux the handle is taken before its identity is checked, and stays on that process.
func (p process) signal(signal os.Signal) error {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return nil // gone
	}
	defer handle.Release()
	if !p.running() {
		return nil
	}
	if err := handle.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end process %d: %w", p.PID, err)
	}
	return nil
}

func self() process {
	started, _ := startOf(os.Getpid())
	return process{os.Getpid(), started}
}

// terminate asks the processes to end, and ends those that did not within grace, or all at once if that is zero. It returns when all are gone.
func terminate(ctx context.Context, processes []process, grace time.Duration) error {
	if grace > 0 {
		if err := signalAll(processes, syscall.SIGTERM); err != nil {
			return err
		}
		polite, cancel := context.WithTimeout(ctx, grace)
		defer cancel()
		if gone(polite, processes) == nil {
			return nil
		}
	}
	if err := signalAll(processes, syscall.SIGKILL); err != nil {
		return err
	}
	return gone(ctx, processes)
}

func signalAll(processes []process, signal os.Signal) error {
	for _, p := range processes {
		if err := p.signal(signal); err != nil {
			return err
		}
	}
	return nil
}

func gone(ctx context.Context, processes []process) error {
	return until(ctx, 10*time.Millisecond, func(context.Context) (bool, error) {
		for _, p := range processes {
			if p.running() {
				return false, nil
			}
		}
		return true, nil
	})
}

// child is a component that this program started.
type child struct {
	process
	component Component
	log       logMark
	lifeline  *os.File      // while open, the component lives as long as this program; see dev/kubernetes/lifeline.go
	ended     chan struct{} // closed when it has ended, after which end says how
	end       error
}

// launch starts a component in a session of its own: a Ctrl-C in the terminal is for the caller, not for it. Until release, it dies with us.
func launch(binary string, c Component, l layout, p ports) (*child, error) {
	log, mark, err := openLog(l.log(c))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c, err)
	}
	defer log.Close()
	inherited, lifeline, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c, err)
	}
	defer inherited.Close()

	command := exec.Command(binary, arguments(c, l, p)...)
	command.Dir = l.dir
	command.Env = []string{"HOME=" + l.config(), "TMPDIR=" + os.TempDir(), "PLUMB_DIE_WITH_FD=3"} // no proxies, no settings of the user's
	command.ExtraFiles = []*os.File{inherited}                                                    // file descriptor 3
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		lifeline.Close()
		return nil, fmt.Errorf("start %s: %w", c, err)
	}
	started, _ := startOf(command.Process.Pid) // cannot fail: nobody has waited for it yet
	running := &child{
		process: process{command.Process.Pid, started}, component: c, log: mark,
		lifeline: lifeline, ended: make(chan struct{}),
	}
	go func() { // holds the lifeline, and takes the exit code, so that no zombie stays behind
		running.end = command.Wait()
		lifeline.Close()
		close(running.ended)
	}()
	return running, nil
}

// release lets the component outlive this program.
func (c *child) release() error {
	if _, err := c.lifeline.Write([]byte{1}); err != nil {
		return fmt.Errorf("let go of %s: %w", c.component, err)
	}
	return nil
}

// died is the story of a component that ended though it was wanted. Call it after ended was closed.
func (c *child) died() *diedError {
	how := "exit status 0"
	if c.end != nil {
		how = c.end.Error()
	}
	return &diedError{component: c.component, how: how, log: c.log}
}

type diedError struct {
	component Component
	how       string
	log       logMark
}

func (e *diedError) Error() string {
	return fmt.Sprintf("%s ended (%s); %s", e.component, e.how, e.log)
}

// portTaken tells whether it ended because someone else listens on its port.
func (e *diedError) portTaken() bool { return e.log.contains("address already in use") }
