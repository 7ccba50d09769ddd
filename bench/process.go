package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is what a process used, as /proc tells it.
type process struct {
	parent   int
	own      time.Duration // of a CPU, its threads'
	waited   time.Duration // of children that have ended
	resident int64         // bytes now
	peak     int64         // bytes at most
	private  int64         // bytes now that are no file's, such as the program's own
}

// tick is the unit of times in /proc on every Linux.
const tick = 10 * time.Millisecond

func readProcess(pid int) (process, error) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return process{}, err
	}
	p, err := parseStat(string(stat))
	if err != nil {
		return process{}, fmt.Errorf("%s/stat: %w", folder, err)
	}
	p.resident = kibibytes(field(filepath.Join(folder, "status"), "VmRSS"))
	p.private = kibibytes(field(filepath.Join(folder, "status"), "RssAnon"))
	p.peak = kibibytes(field(filepath.Join(folder, "status"), "VmHWM"))
	return p, nil
}

// parseStat reads a line of /proc/PID/stat. The program's name, in brackets,
// may hold anything; what counts comes after it.
func parseStat(line string) (process, error) {
	const parent, own, waited = 1, 11, 13 // counted from the state, see proc(5)
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) <= waited+1 {
		return process{}, fmt.Errorf("%q has too few fields", line)
	}
	var p process
	var err error
	number := func(at int) (n int) {
		if err == nil {
			n, err = strconv.Atoi(fields[at])
		}
		return n
	}
	p.parent = number(parent)
	p.own = time.Duration(number(own)+number(own+1)) * tick
	p.waited = time.Duration(number(waited)+number(waited+1)) * tick
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

// usage is what a daemon used: itself, and the git programs that it runs.
type usage struct {
	own, children time.Duration
	resident      int64 // of the daemon
	peak          int64 // of the daemon
	private       int64 // of resident, what is no file's
	childrenNow   int64 // resident in children that run now
	childrenOwn   int64 // of that, what is no file's
}

func readUsage(pid int) (usage, error) {
	p, err := readProcess(pid)
	if err != nil {
		return usage{}, err
	}
	u := usage{own: p.own, children: p.waited, resident: p.resident, peak: p.peak, private: p.private}
	for _, child := range childrenOf(pid) {
		below, err := readUsage(child)
		if err != nil {
			continue // it has just ended, and counts to its parent's
		}
		u.children += below.own + below.children
		u.childrenNow += below.resident + below.childrenNow
		u.childrenOwn += below.private + below.childrenOwn
	}
	return u, nil
}

// childrenOf lists the running children of a process.
func childrenOf(pid int) []int {
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
		if p, err := parseStat(string(line)); err != nil || p.parent != pid {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			children = append(children, child)
		}
	}
	return children
}

// cpu is all of it.
func (u usage) cpu() time.Duration { return u.own + u.children }
