package helm

import (
	"io"
	//lint:ignore forbidden it is what the library writes to, and all that is done with it is to keep the library off
	"log"
	"runtime"
	"strings"
)

// mute keeps the library off the process's log, for good: its warnings quote
// values. Others go on logging through it.
func mute() {
	before := log.Writer()
	if _, done := before.(filter); !done {
		log.SetOutput(filter{others: before})
	}
}

// filter is the log's output, without what the library says.
type filter struct{ others io.Writer }

// Write implements io.Writer.
func (f filter) Write(p []byte) (int, error) {
	const depth = 16 // as far as the library is above the log
	pcs := make([]uintptr, depth)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "helm.sh/helm/") {
			return len(p), nil
		}
		if !more {
			return f.others.Write(p)
		}
	}
}
