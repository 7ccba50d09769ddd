// Package confine runs parts of this program in processes of their own that can
// reach nothing: no file of the host, no network, no other program or process,
// no environment. What they need, they are handed over a pipe.
//
// A Starter starts such a process from the program's own binary and tells how
// it ended; the process itself calls Enter before it is given anything to work
// on. What it is given, and what is said over the pipe, is no concern of this
// package.
//
// On Linux the kernel holds a process to it (Landlock, a seccomp filter, limits
// of resources), whatever code runs in it by then. Elsewhere there is a process
// of its own with an empty environment, which watches its memory itself; Report
// says what is held.
package confine

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"
)

// Limits are what a process may take.
type Limits struct {
	// Memory, in bytes, is what it may allocate beside what a process has when it starts.
	Memory int64
	// Stack, in bytes, is what one goroutine's calls may take: how deep they nest.
	Stack int
}

// Report says what a process is kept from, as it found when it tried.
type Report struct {
	// By names what holds it: landlock, seccomp.
	By []string `json:"by,omitempty"`
	// Open is what it can still reach: files, network, programs, processes.
	Open []string `json:"open,omitempty"`
	// Wrong is what went wrong on the way.
	Wrong []string `json:"wrong,omitempty"`
}

// Tight says that nothing is open.
func (r Report) Tight() bool { return len(r.Open) == 0 }

// outOfMemory is the exit code of a process that found itself above its limit.
const outOfMemory = 77

// Enter confines the process for good. It must be called before anything is
// worked on, and what it could not close is in the report.
func Enter(l Limits) Report {
	if l.Stack > 0 {
		debug.SetMaxStack(l.Stack)
	}
	if l.Memory > 0 {
		debug.SetMemoryLimit(l.Memory / 10 * 9) // from there on, garbage is collected whatever it costs
	}
	r := Report{}
	r.enter(l)
	return r
}

func (r *Report) wrong(what string, err error) {
	if err != nil {
		r.Wrong = append(r.Wrong, fmt.Sprintf("%s: %v", what, err))
	}
}

// Watch ends the process when it takes more memory than it may, or when the
// process that started it is gone, until stop is called. On Linux it comes
// before the kernel's own limits, and tells more.
func (l Limits) Watch() (stop func()) {
	const every = 20 * time.Millisecond
	ticks := time.NewTicker(every)
	done := make(chan struct{})
	parent := os.Getppid()
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
			}
			if l.Memory > 0 && inUse() > l.Memory || os.Getppid() != parent {
				//lint:ignore forbidden the process is a worker, and there is nobody to return an error to: it must end while its work goes on
				os.Exit(outOfMemory)
			}
		}
	}()
	return func() {
		ticks.Stop()
		close(done)
	}
}

// inUse is the memory that the Go runtime has from the system.
func inUse() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return clamp(samples[0].Value.Uint64()) - clamp(samples[1].Value.Uint64())
}

func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// End is how a process ended.
type End struct {
	// Memory and Stack say that it went above that limit.
	Memory, Stack bool
	// Signal is the one that ended it, if one did.
	Signal string
	// Fatal is what the Go runtime said last.
	Fatal string
	// Code is its exit code, if it ended by itself.
	Code int
}

// String says it for a message.
func (e End) String() string {
	switch {
	case e.Memory:
		return "out of memory"
	case e.Fatal != "":
		return e.Fatal
	case e.Signal != "":
		return "ended by a signal: " + e.Signal
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// obituary takes what a process prints to its standard error, and keeps what
// the Go runtime says of its end. Anything else may quote what it worked on.
type obituary struct {
	line  []byte
	fatal string
}

// Write implements io.Writer.
func (o *obituary) Write(p []byte) (int, error) {
	const longest = 200
	for _, b := range p {
		switch {
		case b == '\n':
			o.end()
		case len(o.line) < longest:
			o.line = append(o.line, b)
		}
	}
	return len(p), nil
}

func (o *obituary) end() {
	line := string(o.line)
	o.line = o.line[:0]
	switch {
	case o.fatal != "":
	case strings.HasPrefix(line, "fatal error: "):
		o.fatal = line
	case strings.HasPrefix(line, "runtime: ") && strings.Contains(line, "cannot allocate"):
		o.fatal = "fatal error: out of memory"
	case strings.HasPrefix(line, "panic: "):
		o.fatal = "panic" // its value may be anything
	}
}

// judge makes an End of what is known.
func judge(fatal, signal string, code int) End {
	low := strings.ToLower(fatal)
	return End{
		Memory: code == outOfMemory || strings.Contains(low, "out of memory") || strings.Contains(low, "cannot allocate"),
		Stack:  strings.Contains(low, "stack overflow"),
		Signal: signal, Fatal: fatal, Code: code,
	}
}
