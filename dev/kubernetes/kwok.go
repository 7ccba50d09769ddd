package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

// stages say how simulated nodes and pods go on: a node becomes ready and keeps its lease, a pod runs and is ready at once, a Job's pod
// completes, a deleted pod goes. Without stages kwok refuses to start.
func stages() string {
	return strings.Join([]string{
		fast.DefaultNodeInit,
		heartbeat.DefaultNodeHeartbeatWithLease,
		podfast.DefaultPodReady,
		podfast.DefaultPodComplete,
		podfast.DefaultPodDelete,
	}, "\n---\n")
}

// runKwok simulates nodes, with the stages built in: they are handed over as the configuration that kwok reads from its standard input.
func runKwok() int {
	if err := feedStdin(stages()); err != nil {
		fmt.Fprintln(os.Stderr, "kwok: hand over the built-in stages:", err)
		return 1
	}
	os.Args = append(os.Args, "--config=-")

	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, logger := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err != nil {
		logger.Error("Read the configuration", "err", err)
		return 1
	}
	command := cmd.NewCommand(ctx)
	command.Version = "" // Kubernetes has put a --version of its own, of another type, among every program's flags
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		logger.Error("Run", "err", err)
		return 1
	}
	return 0
}

// feedStdin replaces the standard input of this process by text.
func feedStdin(text string) error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	os.Stdin = reader
	go func() { // the text may be larger than a pipe holds
		defer writer.Close()
		_, _ = writer.WriteString(text) // a reader that went away has ended with its own error
	}()
	return nil
}
