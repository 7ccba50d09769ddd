package usage

import (
	"errors"
	"fmt"
)

// The exit codes, the same for every command.
const (
	ExitOK      = 0 // in line, or done
	ExitError   = 1 // an error, or it could not be told
	ExitDiffers = 2 // what is live differs from what is declared
	ExitUsage   = 3 // the command line was wrong
	ExitHeld    = 4 // paused, locked or awaiting approval
)

// exitError is an error that carries the exit code; any other error ends the
// program with ExitError. A nil err ends it with the code and prints nothing.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// Errorf is an error in the command line itself.
func Errorf(format string, args ...any) error {
	return &exitError{code: ExitUsage, err: fmt.Errorf(format, args...)}
}

// Differs ends a command whose answer is that live and declared differ.
func Differs(err error) error { return &exitError{code: ExitDiffers, err: err} }

// Held ends a command whose answer is that something holds the App.
func Held(err error) error { return &exitError{code: ExitHeld, err: err} }

// Code is the code that an error ends the program with.
func Code(err error) int {
	if err == nil {
		return ExitOK
	}
	if coded, ok := errors.AsType[*exitError](err); ok {
		return coded.code
	}
	return ExitError
}
