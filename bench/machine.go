package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"plumb.dev/plumb/bench/process"
)

// machine is where and with what was measured.
type machine struct {
	CPU       string    `json:"cpu"`
	Cores     int       `json:"cores"`
	Memory    int64     `json:"memoryBytes"`
	Kernel    string    `json:"kernel"`
	Load      string    `json:"loadAtStart"` // what others did: one, five and fifteen minutes
	Go        string    `json:"go"`
	Git       string    `json:"git"`
	APIServer string    `json:"apiServer"`
	Commit    string    `json:"commit"`
	Date      time.Time `json:"date"`
}

// readMachine finds out what it can; what it can't stays empty.
func readMachine(ctx context.Context) machine {
	m := machine{
		CPU: process.Field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Kernel: firstLine("/proc/sys/kernel/osrelease"),
		Go: runtime.Version(), Git: strings.TrimPrefix(output(ctx, "git", "--version"), "git version "),
		Commit: output(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"), Date: time.Now().UTC().Truncate(time.Second),
	}
	if kib, err := strconv.ParseInt(strings.TrimSuffix(process.Field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.Memory = kib << 10
	}
	if load := strings.Fields(firstLine("/proc/loadavg")); len(load) >= 3 {
		m.Load = strings.Join(load[:3], " ")
	}
	return m
}

// String is the machine for people.
func (m machine) String() string {
	return fmt.Sprintf("%d × %s, %.0f GB, Linux %s (load before: %s)\n%s, git %s, Kubernetes %s\nPlumb %s, %s",
		m.Cores, m.CPU, float64(m.Memory)/(1<<30), m.Kernel, m.Load, m.Go, m.Git, m.APIServer, m.Commit, m.Date.Format(time.RFC3339))
}

func firstLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimSpace(line)
}

// output is what a program prints, or nothing.
func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
