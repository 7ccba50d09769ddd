package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// endGrace is what a tied program gets to end by itself: more than the daemon takes at most.
const endGrace = 15 * time.Second

// tied is a program that runs and that ends with this one, even if this one is killed: it is the child of a second process of ours, which
// holds one end of a pipe, waits, and does nothing else. The system closes the other end whenever this program ends.
type tied struct {
	lifeline io.Closer
	ended    chan struct{} // closed when it has ended
	err      error         // how, when it has
}

// tie starts a program tied to this one. The files in keep stay open until it has ended, too.
func tie(command *exec.Cmd, keep ...*os.File) (*tied, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Args[0], err)
	}
	inherited, lifeline, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Args[0], err)
	}
	defer inherited.Close()
	knot := exec.Command(self, append([]string{knotCommand}, command.Args...)...)
	knot.Dir, knot.Env, knot.Stdout, knot.Stderr = command.Dir, command.Env, command.Stdout, command.Stderr
	knot.ExtraFiles = append([]*os.File{inherited}, keep...)
	knot.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C in the terminal is for this program, which ends the others in order
	if err := knot.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", command.Args[0], err), lifeline.Close())
	}
	t := &tied{lifeline: lifeline, ended: make(chan struct{})}
	go func() {
		t.err = knot.Wait()
		close(t.ended)
	}()
	return t, nil
}

// end asks the program to end, and returns when it has.
func (t *tied) end() {
	_ = t.lifeline.Close() // it may have been closed before, which asks for the same
	<-t.ended
}

// wait returns how the program ended, or ends it when ctx is done.
func (t *tied) wait(ctx context.Context) error {
	select {
	case <-t.ended:
		return t.err
	case <-ctx.Done():
		t.end()
		return ctx.Err()
	}
}

// knotCommand is the sub-command that a program is tied with. File descriptor 3 is its end of the pipe.
const knotCommand = "tied"

// knot runs a program until that ends, or until the other end of the pipe is closed. It returns the program's exit code.
func knot(args []string, errOut io.Writer) int {
	// Only the pipe ends it, so that it never leaves the program behind. Signals are taken and dropped: ignored ones would be so for the program too.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGHUP, syscall.SIGTERM)
	syscall.CloseOnExec(3)
	pipe := os.NewFile(3, "lifeline")
	command := exec.Command(args[0], args[1:]...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // make and its children end together
	if err := command.Start(); err != nil {
		fmt.Fprintln(errOut, "plumb-demo:", err)
		return 1
	}
	go func() {
		_, _ = pipe.Read(make([]byte, 1)) // nothing is ever written: it returns when the other end is closed
		endGroup(command.Process.Pid, syscall.SIGTERM)
		time.AfterFunc(endGrace, func() { endGroup(command.Process.Pid, syscall.SIGKILL) })
	}()
	_ = command.Wait() // the exit code says how
	if code := command.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return 1 // by a signal
}

func endGroup(pid int, signal syscall.Signal) {
	_ = syscall.Kill(-pid, signal) // it may just have ended
}
