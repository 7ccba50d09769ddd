// Package process tells what processes of this machine use, as /proc has it: of a
// CPU, and of memory. It only looks, and what it tells is of the moment.
package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Process is what one process used.
type Process struct {
	Parent   int
	Own      time.Duration // of a CPU, its threads'
	Waited   time.Duration // of children that have ended
	Resident int64         // bytes now
	Peak     int64         // bytes at most
	Private  int64         // bytes now that are no file's, such as the program's own
}

// tick is the unit of times in /proc on every Linux.
const tick = 10 * time.Millisecond

// Read is what a process used until now.
func Read(pid int) (Process, error) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return Process{}, err
	}
	p, err := parseStat(string(stat))
	if err != nil {
		return Process{}, fmt.Errorf("%s/stat: %w", folder, err)
	}
	p.Resident = kibibytes(Field(filepath.Join(folder, "status"), "VmRSS"))
	p.Private = kibibytes(Field(filepath.Join(folder, "status"), "RssAnon"))
	p.Peak = kibibytes(Field(filepath.Join(folder, "status"), "VmHWM"))
	return p, nil
}

// parseStat reads a line of /proc/PID/stat. The program's name, in brackets,
// may hold anything; what counts comes after it.
func parseStat(line string) (Process, error) {
	const parent, own, waited = 1, 11, 13 // counted from the state, see proc(5)
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) <= waited+1 {
		return Process{}, fmt.Errorf("%q has too few fields", line)
	}
	var p Process
	var err error
	number := func(at int) (n int) {
		if err == nil {
			n, err = strconv.Atoi(fields[at])
		}
		return n
	}
	p.Parent = number(parent)
	p.Own = time.Duration(number(own)+number(own+1)) * tick
	p.Waited = time.Duration(number(waited)+number(waited+1)) * tick
	return p, err
}

// kibibytes reads a size such as "1024 kB" in bytes; what isn't one is zero.
func kibibytes(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// Usage is what a process used with those that it started.
type Usage struct {
	Own, Children time.Duration
	Resident      int64 // of the process itself
	Peak          int64 // likewise
	Private       int64 // of Resident, what is no file's
	ChildrenNow   int64 // resident in children that run now
	ChildrenOwn   int64 // of that, what is no file's
}

// ReadUsage is what a process and its children used until now.
func ReadUsage(pid int) (Usage, error) {
	p, err := Read(pid)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Own: p.Own, Children: p.Waited, Resident: p.Resident, Peak: p.Peak, Private: p.Private}
	for _, child := range ChildrenOf(pid) {
		below, err := ReadUsage(child)
		if err != nil {
			continue // it has just ended, and counts to its parent's
		}
		u.Children += below.Own + below.Children
		u.ChildrenNow += below.Resident + below.ChildrenNow
		u.ChildrenOwn += below.Private + below.ChildrenOwn
	}
	return u, nil
}

// ChildrenOf lists the running children of a process.
func ChildrenOf(pid int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var children []int
	for _, path := range stats {
		line, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if p, err := parseStat(string(line)); err != nil || p.Parent != pid {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			children = append(children, child)
		}
	}
	return children
}

// CPU is all of it.
func (u Usage) CPU() time.Duration { return u.Own + u.Children }

// Field is the value of a line NAME : VALUE in a file.
func Field(path, name string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(content)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
