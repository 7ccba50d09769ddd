// Command plumb holds what runs true to what Git says.
//
// It only plugs parts together: wire.go lists which, and internal/cli says what
// each command does. Nothing else of the product imports the variants that are
// chosen here.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // windows name time zones, and the machine may have none

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/cli/dev"
	"plumb.dev/plumb/internal/cli/keys"
	"plumb.dev/plumb/internal/cli/rotate"
	"plumb.dev/plumb/internal/cli/seal"
	vetting "plumb.dev/plumb/internal/cli/vet"
)

// version is set when a release is built.
var version string

// process is what the commands have of it beside what cli gives them.
type process struct {
	said *os.File // the standard error
}

func main() {
	if code, is := work(os.Args); is { // before all else, for a worker is to have nothing
		os.Exit(code)
	}
	p := process{said: os.Stderr}
	if nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = nowhere // for libraries, which warn there and don't say of which file: renders tell it as notices
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Env{
		Err: p.said, Version: version, Run: p.run, RenderLocal: p.renderLocal, DiffLocal: diffLocal, ApplyLocal: p.applyLocal, More: commands(),
	})
	stop()
	os.Exit(code)
}

// commands are those that packages of their own hold.
func commands() []func(cli.Env) *cobra.Command {
	return []func(cli.Env) *cobra.Command{dev.Command, keys.Command, seal.Command(sealing()), seal.UnsealCommand(sealing()), rotate.Command, vetting.Command(check)}
}
