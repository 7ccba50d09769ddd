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

	"plumb.dev/plumb/internal/cli"
)

// version is set when a release is built.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Env{Version: version, Run: run, RenderLocal: renderLocal, DiffLocal: diffLocal, ApplyLocal: applyLocal})
	stop()
	os.Exit(code)
}
