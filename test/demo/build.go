package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/controlplane"
)

// build runs the command that builds what the demo needs, and shows how it gets on. The command's `go build -v` names each package that it
// compiled: nothing when all is there already.
func build(ctx context.Context, o options, s *screen) error {
	command := o.build
	if _, err := os.Stat(filepath.Join(o.checkout, "bin", controlplane.BinaryName)); err != nil {
		s.say("The first time this takes some minutes, for all of Kubernetes is compiled. Later it takes seconds.")
	}
	return s.run(ctx, "building Plumb and Kubernetes", func(ctx context.Context, tell func(string)) (string, error) {
		inherited, output, err := os.Pipe()
		if err != nil {
			return "", err
		}
		defer inherited.Close()
		shell := exec.Command("sh", "-c", command)
		shell.Env = slices.DeleteFunc(os.Environ(), aboutMake)
		shell.Stdout, shell.Stderr = output, output
		running, err := tie(shell)
		output.Close()
		if err != nil {
			return "", err
		}
		stop := context.AfterFunc(ctx, running.end)
		defer stop()
		packages, said := watchBuild(inherited, tell)
		if err := running.wait(ctx); err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return "", fmt.Errorf("%s: %w\n%s", command, err, strings.Join(said, "\n"))
		}
		if packages == 0 {
			return "Plumb and Kubernetes are built", nil
		}
		return fmt.Sprintf("Plumb and Kubernetes are built, %d packages of them compiled now", packages), nil
	})
}

// aboutMake says whether a variable is what make hands to the makes below it: this one is started anew.
func aboutMake(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}, name)
}

// keptLines is how much of what a build said is shown when it fails.
const keptLines = 30

// watchBuild reads what a build says, to its end: packages that were compiled, modules that are downloaded, and the rest, whose last lines it
// returns.
func watchBuild(output io.Reader, tell func(string)) (packages int, said []string) {
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		line = strings.TrimRight(line, "\n")
		switch module, downloads := strings.CutPrefix(line, "go: downloading "); {
		case downloads:
			tell("downloading " + module)
		case line != "" && !strings.ContainsAny(line, " :\t"):
			packages++
			tell(fmt.Sprintf("%d packages compiled, now %s", packages, line))
		case line != "":
			tell(line)
			said = append(said, line)
			said = said[max(0, len(said)-keptLines):]
		}
		if err != nil { // the end, or near enough: how the build ended is for its exit code to say
			return packages, said
		}
	}
}
