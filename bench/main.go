package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"plumb.dev/plumb/internal/render/worker"
)

func main() {
	if code, is := worker.Serve(os.Args, renderers); is { // S8 renders in workers, which are this program again
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what the arguments ask for, and prints and writes the results.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	b := &bench{options: o, progress: progress}
	results := report{Machine: readMachine(ctx)}
	results.Rows, err = b.run(ctx, chosen)
	results.Machine.APIServer = b.apiServer
	if err := results.print(out); err != nil {
		return err
	}
	if written := results.write(o.out); written != nil {
		return written
	}
	fmt.Fprintln(progress, "written to", o.out)
	if err != nil {
		return err
	}
	return o.judge(results.Rows)
}
