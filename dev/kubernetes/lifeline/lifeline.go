// Package lifeline ties a process to the one that started it, by an inherited pipe. The starter holds the only write end, so the kernel closes
// it whenever the starter ends, however it ends: kill -9 included, on every Unix, and with no thread that must stay alive, as a parent-death
// signal needs.
//
//   - End of file: the starter is gone, and this process goes with it.
//   - One byte: the starter lets go, and this process outlives it from now on.
package lifeline

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// Variable is the environment variable that holds the number of the inherited file descriptor.
const Variable = "PLUMB_DIE_WITH_FD"

// ExitOrphaned is the exit code of a process whose starter is gone.
const ExitOrphaned = 4

// Watch returns at once; exit is called later, from another goroutine, if the starter goes away. An empty value means no lifeline.
func Watch(value string, exit func(code int)) error {
	if value == "" {
		return nil
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return fmt.Errorf("%s=%q: it must be the number of an inherited file descriptor, 3 or more", Variable, value)
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return fmt.Errorf("%s=%d: this file descriptor is not an inherited pipe", Variable, fd)
	}
	syscall.CloseOnExec(fd)
	pipe := os.NewFile(uintptr(fd), "lifeline")
	go func() {
		defer pipe.Close()
		if n, _ := pipe.Read(make([]byte, 1)); n == 0 {
			exit(ExitOrphaned)
		}
	}()
	return nil
}
