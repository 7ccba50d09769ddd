package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// lifelineVariable names an inherited pipe that ties this process to the one that started it. The starter holds the only write end, so the
// kernel closes it whenever the starter ends, however it ends: kill -9 included, on every Unix, with no thread that must stay alive.
//
//   - end of file: the starter is gone, and this process goes with it;
//   - one byte: the starter lets go, and this process outlives it from now on.
const lifelineVariable = "PLUMB_DIE_WITH_FD"

// exitOrphaned is the exit code of a process whose starter is gone.
const exitOrphaned = 4

// watchLifeline returns at once; exit is called later, from another goroutine, if the starter goes away. An empty value means no lifeline.
func watchLifeline(value string, exit func(int)) error {
	if value == "" {
		return nil
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return fmt.Errorf("%s=%q: it must be the number of an inherited file descriptor, 3 or more", lifelineVariable, value)
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return fmt.Errorf("%s=%d: this file descriptor is not an inherited pipe", lifelineVariable, fd)
	}
	syscall.CloseOnExec(fd)
	pipe := os.NewFile(uintptr(fd), "lifeline")
	go func() {
		defer pipe.Close()
		if n, _ := pipe.Read(make([]byte, 1)); n == 0 {
			exit(exitOrphaned)
		}
	}()
	return nil
}
