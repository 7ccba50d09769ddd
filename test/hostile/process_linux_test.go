package hostile_test

import (
	"os/exec"
	"syscall"
)

// endWithTests ends a process when the tests do, however they end.
func endWithTests(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
