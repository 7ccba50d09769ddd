package controlplane

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// startOf is when the process started, in clock ticks since the machine did, with the boot it was in; false when there is no such process.
func startOf(pid int) (string, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", false
	}
	// proc(5): id, name in parentheses, which may hold anything, state (field 3), …, starttime (field 22).
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const state, starttime = 0, 22 - 3
	if len(fields) <= starttime || fields[state] == "Z" || fields[state] == "X" {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[starttime], true
}
