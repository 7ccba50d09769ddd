package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// left lists the processes of our programs that have a folder's name in their arguments, as all have that the demo starts.
func left(bin, dir string) (found []string, err error) {
	all, err := processes()
	if err != nil {
		return nil, fmt.Errorf("look for processes that are left: %w", err)
	}
	self := strconv.Itoa(os.Getpid())
	for _, line := range all {
		pid, arguments, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pid != self && strings.Contains(arguments, bin) && strings.Contains(arguments, dir) {
			found = append(found, line)
		}
	}
	return found, nil
}

// processes are all there are on this machine, as "PID ARGUMENTS".
func processes() ([]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 { // no Linux
		out, err := exec.Command("ps", "-axww", "-o", "pid=,args=").Output()
		return strings.Split(string(out), "\n"), err
	}
	var lines []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended, or isn't ours to look at
		}
		lines = append(lines, strings.Split(file, "/")[2]+" "+string(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
	}
	return lines, nil
}
