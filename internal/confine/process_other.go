//go:build !linux

package confine

import (
	"os"
	"syscall"
)

func own() (string, error) { return os.Executable() }

// attributes: what is typed at a terminal doesn't reach it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func resident(int) int64 { return 0 }
