package worker

import (
	"fmt"
	"time"

	"plumb.dev/plumb/internal/confine"
	"plumb.dev/plumb/internal/render"
)

// death is how a worker ended during a render, if it did.
type death struct {
	is      bool
	reason  reason      // why the daemon ended it
	end     confine.End // how it ended
	broken  error       // what was seen of it at the pipe
	garbage bool        // it sent what can't be read
	fresh   bool        // it had rendered nothing before
}

// String says it for the log.
func (d death) String() string {
	if d.garbage {
		return d.broken.Error()
	}
	return d.end.String()
}

// why is what was exceeded, in a word.
func (d death) why() string {
	switch {
	case d.reason == reasonTime:
		return "time"
	case d.reason == reasonMemory || d.end.Memory:
		return "memory"
	case d.end.Stack:
		return "stack"
	}
	return "fault"
}

// again says whether another worker may fare better: where this render isn't
// what ended it, or may not be all that did.
func (d death) again() bool {
	switch d.why() {
	case "time", "stack":
		return false
	case "memory":
		return !d.fresh
	}
	return true
}

// subject is what a render is about, for messages.
type subject struct {
	renderer, path, app string
	memory              int64
	time                time.Duration
}

// String names it: "the render of apps/web (App web)".
func (s subject) String() string {
	at := s.path
	if at == "" {
		at = "the repository's top"
	}
	if s.app == "" {
		return "the render of " + at
	}
	return fmt.Sprintf("the render of %s (App %s)", at, s.app)
}

// stopped is a render that was ended before its end.
type stopped struct {
	text  string
	again bool // it says nothing of the files
	cause error
}

func (s *stopped) Error() string { return s.text }

// Is says that trying again may go well.
func (s *stopped) Is(target error) bool { return s.again && target == render.ErrRead }

func (s *stopped) Unwrap() error { return s.cause }

// fault is the error of a render whose worker ended for good.
func (s subject) fault(d death) error {
	switch why := d.why(); {
	case why == "time":
		return &stopped{again: true, text: fmt.Sprintf("%s took longer than %s and was stopped: let it do less, or give renders more time (plumb run --render-time)", s, s.time)}
	case why == "memory":
		return &stopped{text: fmt.Sprintf("%s used more than %s of memory and was stopped: let it make less, or give renders more (plumb run --render-memory)", s, mebibytes(s.memory))}
	case why == "stack":
		return &stopped{text: fmt.Sprintf("%s went deeper than %s of stack and was stopped: end the recursion", s, mebibytes(mostStack))}
	case d.end.Signal != "" && !d.garbage:
		return &stopped{again: true, text: fmt.Sprintf("%s was cut short %d times by someone outside (%s): see whether the machine is short of memory", s, attempts, d.end.Signal)}
	}
	return &render.Panic{Renderer: s.renderer, Value: "its process ended, " + d.String()}
}

// ended is the error of a render that is no longer wanted.
func (s subject) ended(cause error) error {
	return &stopped{again: true, cause: cause, text: fmt.Sprintf("%s was ended: %v", s, cause)}
}

// unstarted is the error of a render for which there is no worker.
func (s subject) unstarted(cause error) error {
	return &stopped{again: true, cause: cause, text: fmt.Sprintf("%s could not be begun: %v", s, cause)}
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
