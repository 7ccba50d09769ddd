package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// Starter starts processes from this program's own binary. They end with it,
// and with the program, however that ends.
type Starter struct {
	program  string
	argument string
	asked    chan func()
	once     sync.Once
}

// NewStarter starts processes that are given one argument, by which the program
// knows what it is to be.
func NewStarter(argument string) (*Starter, error) {
	program, err := own()
	if err != nil {
		return nil, fmt.Errorf("find this program's own file: %w", err)
	}
	s := &Starter{program: program, argument: argument, asked: make(chan func())}
	go s.serve()
	return s, nil
}

// serve starts processes on one thread: the kernel ends them when the thread
// that started them ends.
func (s *Starter) serve() {
	runtime.LockOSThread()
	for start := range s.asked {
		start()
	}
}

// Close ends the processes. None may be started any more.
func (s *Starter) Close() { s.once.Do(func() { close(s.asked) }) }

// The file descriptors by which a process and who started it talk, as the
// process has them.
const (
	inherited = 3
	replies   = 4
)

// Pipes are those to who started this process. It is false where nobody handed
// it any.
func Pipes() (in, out *os.File, ok bool) {
	in, out = os.NewFile(inherited, "in"), os.NewFile(replies, "out")
	return in, out, pipe(in) && pipe(out)
}

func pipe(f *os.File) bool {
	if f == nil {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// Process is one that was started. Reading and writing fail once it has ended.
type Process struct {
	In   *os.File // what is written to it
	Out  *os.File // what it writes
	cmd  *exec.Cmd
	said obituary

	ended chan struct{}
	end   End
}

// Start starts a process. It has no environment, and of open files only the pipes.
func (s *Starter) Start() (*Process, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirIn.Close(), in.Close())
	}
	p := &Process{In: in, Out: out, ended: make(chan struct{})}
	p.cmd = exec.Command(s.program, s.argument)
	p.cmd.Args[0] = "plumb"
	p.cmd.Env = []string{}
	p.cmd.Dir = string(os.PathSeparator)
	p.cmd.ExtraFiles = []*os.File{theirIn, theirOut} // inherited and replies
	p.cmd.Stderr = &p.said
	p.cmd.SysProcAttr = attributes()

	started := make(chan error)
	s.asked <- func() { started <- p.cmd.Start() }
	err = errors.Join(<-started, theirIn.Close(), theirOut.Close())
	if err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	go p.wait()
	return p, nil
}

// wait takes in how it ended.
func (p *Process) wait() {
	_ = p.cmd.Wait() // the state says it
	p.said.end()
	signal, code := "", p.cmd.ProcessState.ExitCode()
	if code < 0 {
		signal = p.cmd.ProcessState.String()
	}
	p.end = judge(p.said.fatal, signal, code)
	_ = p.In.Close()
	close(p.ended)
}

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends it at once. It may have ended by itself.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() }

// Finish kills it if it still runs, gives back what it took, and says how it ended.
func (p *Process) Finish() End {
	p.Kill()
	return p.Mourn()
}

// Mourn waits until it has ended by itself, and says how.
func (p *Process) Mourn() End {
	<-p.ended
	_ = p.Out.Close()
	return p.end
}

// Ended is closed when it has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Memory is what it takes now, in bytes; zero where that can't be told.
func (p *Process) Memory() int64 { return resident(p.PID()) }
