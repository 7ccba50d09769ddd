package dev

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// Command is `plumb dev`: a real control plane on this machine.
func Command(env cli.Env) *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:     "dev",
		GroupID: cli.GroupRun,
		Short:   "Run a real Kubernetes control plane on this machine",
		Long: "Run a real Kubernetes control plane on this machine, for development and trying things out: etcd, API server, controller manager,\n" +
			"scheduler and simulated nodes, on loopback. Pods on simulated nodes become ready without running containers.",
		Args: cobra.ArbitraryArgs,
		RunE: usage.Group,
	}
	command.PersistentFlags().StringVar(&dir, "dir", "", "folder it lives in (default $XDG_STATE_HOME/plumb/dev or ~/.local/state/plumb/dev)")
	folder := func() (string, error) { return devFolder(dir, env.Getenv) }
	command.AddCommand(newDevUp(env, folder), newDevDown(env, folder), newDevStatus(env, folder))
	return command
}

// devFolder is where the control plane lives: state that outlives a session and that is worth no backup.
func devFolder(flag string, getenv func(string) string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	state := client.UnderHome(getenv, "XDG_STATE_HOME", filepath.Join(".local", "state"))
	if !filepath.IsAbs(state) {
		return "", usage.Errorf("neither XDG_STATE_HOME nor HOME is set: name a folder with --dir")
	}
	return filepath.Join(state, "plumb", "dev"), nil
}

func newDevUp(env cli.Env, folder func() (string, error)) *cobra.Command {
	var options controlplane.Options
	command := &cobra.Command{
		Use:   "up",
		Short: "Start it, or what of it is not running, and wait until it is ready",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if options.Nodes < 1 {
				return usage.Errorf("--nodes is %d, and must be at least 1", options.Nodes)
			}
			if options.Dir, err = folder(); err != nil {
				return err
			}
			options.Progress = func(step string) { fmt.Fprintln(env.Err, step) }
			return devUp(cmd.Context(), env, options)
		},
	}
	command.Flags().IntVar(&options.Nodes, "nodes", 1, "simulated nodes to have at least")
	command.Flags().BoolVar(&options.DieWithCaller, "die-with-caller", false,
		"stay in the foreground and take everything down at the end: on Ctrl-C, when the caller ends, or when this is killed")
	return command
}

func devUp(ctx context.Context, env cli.Env, options controlplane.Options) error {
	if options.DieWithCaller {
		var cancel context.CancelFunc
		ctx, cancel = whileCalled(ctx)
		defer cancel()
	}
	start := env.Now()
	status, err := controlplane.Up(ctx, options)
	if err != nil {
		return err
	}
	if !status.Running {
		return fmt.Errorf("the control plane in %s started and stopped again: %s; its logs are in %s", status.Dir, status.Problem, status.Logs)
	}
	printUp(env.Out, status, env.Now().Sub(start))
	if !options.DieWithCaller {
		return nil
	}
	<-ctx.Done()
	fmt.Fprintln(env.Err, "stopping the control plane")
	return controlplane.Down(context.WithoutCancel(ctx), options.Dir)
}

func printUp(out io.Writer, status controlplane.Status, took time.Duration) {
	fmt.Fprintf(out, "Kubernetes is ready at %s after %s, with %s.\n\n", status.Server, took.Round(100*time.Millisecond), nodeCount(status.Nodes))
	printDevPaths(out, status)
}

func printDevPaths(out io.Writer, status controlplane.Status) {
	if status.Running {
		fmt.Fprintf(out, "  export KUBECONFIG=%s\n\n", shellQuoted(status.Kubeconfig))
	}
	fmt.Fprintf(out, "Logs are in %s\n", status.Logs)
}

// whileCalled ends with ctx, and when the process that called this one ends: the system then gives this one another parent.
func whileCalled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	caller := os.Getppid()
	go func() {
		defer cancel()
		ticker := time.NewTicker(250 * time.Millisecond)
		defer ticker.Stop()
		for os.Getppid() == caller {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	return ctx, cancel
}

func newDevDown(env cli.Env, folder func() (string, error)) *cobra.Command {
	var remove bool
	command := &cobra.Command{
		Use:   "down",
		Short: "Stop it; its data stays for the next start",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder()
			if err != nil {
				return err
			}
			done, end := "stopped", controlplane.Down
			if remove {
				done, end = "deleted", controlplane.Delete
			}
			if err := end(cmd.Context(), dir); err != nil {
				return err
			}
			fmt.Fprintf(env.Err, "%s: the control plane in %s\n", done, dir)
			return nil
		},
	}
	command.Flags().BoolVar(&remove, "delete", false, "delete its data, keys and logs as well")
	return command
}

func newDevStatus(env cli.Env, folder func() (string, error)) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "status",
		Short: "Tell whether it runs; the exit code is 0 only if all of it does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder()
			if err != nil {
				return err
			}
			status, err := controlplane.Read(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if err := printDevStatus(env, status, format); err != nil {
				return err
			}
			if !status.Running {
				return fmt.Errorf("the control plane in %s is not running (%s): `plumb dev up` starts what is missing", status.Dir, status.Problem)
			}
			return nil
		},
	}
	usage.OutputFlag(command.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return command
}

func printDevStatus(env cli.Env, status controlplane.Status, format string) error {
	if format != "" {
		return usage.Write(env.Out, format, status)
	}
	components := terminal.Table{Header: []string{"COMPONENT", "STATE", "PROCESS"}}
	for _, c := range status.Components {
		state, pid := terminal.Bad.Of("stopped"), ""
		if c.Running {
			state, pid = terminal.Good.Of("running"), strconv.Itoa(c.PID)
		}
		components.Add(string(c.Name), state, pid)
	}
	components.Print(env.Screen())
	fmt.Fprintln(env.Out)
	if status.Running {
		fmt.Fprintf(env.Out, "Kubernetes is at %s, with %s.\n\n", status.Server, nodeCount(status.Nodes))
	}
	printDevPaths(env.Out, status)
	return nil
}

func nodeCount(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

// shellQuoted is a path as a shell takes it back.
func shellQuoted(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@", r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
