package kustomize

import (
	"io"
	//lint:ignore forbidden it is what the library writes to, and all that is done with it is to keep the library off
	"log"
	"runtime"
	"strings"
)

// mute keeps the library off the process's log until the returned function is
// called: its warnings are for a terminal, and go to warned. What it says on the way
// to log.Fatal, which would end the process, goes to fatal, which must not return.
func mute(warned, fatal func(message string)) func() {
	before := log.Writer()
	log.SetOutput(listener{others: before, warned: warned, fatal: fatal})
	return func() { log.SetOutput(before) }
}

// listener is the log's output while the library is at work. Others, on other
// goroutines, go on logging through it.
type listener struct {
	others        io.Writer
	warned, fatal func(message string)
}

// Write implements io.Writer.
func (l listener) Write(p []byte) (int, error) {
	ours, fatal := caller()
	switch {
	case !ours:
		return l.others.Write(p)
	case fatal:
		l.fatal(strings.TrimSpace(string(p)))
	default:
		l.warned(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// caller says whether the library is what logs, and whether to end the process.
func caller() (ours, fatal bool) {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		frame, more := frames.Next()
		fatal = fatal || strings.HasPrefix(frame.Function, "log.Fatal")
		if strings.HasPrefix(frame.Function, "sigs.k8s.io/kustomize/") {
			return true, fatal
		}
		if !more {
			return false, false
		}
	}
}
