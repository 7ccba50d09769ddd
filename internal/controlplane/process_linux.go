package controlplane

import (
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
	// The name, in parentheses, may hold anything. After it: state (field 3 of proc(5)), …, starttime (field 22).
	_, after, _ := cutLast(string(text), ") ")
	fields := strings.Fields(after)
	const state, starttime = 3 - 3, 22 - 3
	if len(fields) <= starttime || fields[state] == "Z" || fields[state] == "X" {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[starttime], true
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}
