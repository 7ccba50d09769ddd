package controlplane

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// startOf is when the process started; false when there is no such process.
func startOf(pid int) (string, bool) {
	const zombie = 5 // SZOMB of sys/proc.h
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || info.Proc.P_stat == zombie {
		return "", false
	}
	return fmt.Sprintf("%d.%06d", info.Proc.P_starttime.Sec, info.Proc.P_starttime.Usec), true
}
