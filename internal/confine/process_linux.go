package confine

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// own is this program's own file, also when another has taken its place since.
func own() (string, error) { return "/proc/self/exe", nil }

// attributes: it ends when the thread that starts it does, and what is typed at
// a terminal doesn't reach it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
}

// resident is the memory of a process, in bytes.
func resident(pid int) int64 {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	const residentPages = 1 // see proc(5)
	fields := strings.Fields(string(statm))
	if len(fields) <= residentPages {
		return 0
	}
	pages, err := strconv.ParseInt(fields[residentPages], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
