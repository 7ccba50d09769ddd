package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"plumb.dev/plumb/internal/controlplane"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends this program at once, and with it all that it started
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plumb-demo:", err)
		os.Exit(1)
	}
}

// options is what was asked for.
type options struct {
	check, update              bool
	build, checkout, dir, page string
}

// walks says whether the tour is walked through, rather than left to the user.
func (o options) walks() bool { return o.check || o.update }

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) > 1 && args[0] == knotCommand:
		os.Exit(knot(args[1:], os.Stderr))
	case len(args) == 3 && args[0] == "scale":
		replicas, err := strconv.Atoi(args[2])
		if err != nil {
			return fmt.Errorf("%q is no number of replicas", args[2])
		}
		return scale(ctx, args[1], replicas, os.Stdout)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	return demo(ctx, o, newScreen(os.Stdout, os.Getenv))
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("plumb-demo", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "plumb-demo [flags]               show Plumb at work\nplumb-demo scale NAMESPACE/NAME N   edit a Deployment by hand\n\n")
		flags.PrintDefaults()
	}
	flags.BoolVar(&o.check, "check", false, "walk through the tour, and hold the page to what its commands print")
	flags.BoolVar(&o.update, "update", false, "walk through the tour, and write what its commands print into the page")
	flags.StringVar(&o.page, "page", "README.md", "the page with the tour: README.md or "+dayPage)
	flags.StringVar(&o.build, "build", "", "shell command that builds what is needed, run first")
	flags.StringVar(&o.checkout, "checkout", "", "the checkout of Plumb (default: the one that this program lies in)")
	flags.StringVar(&o.dir, "dir", "", "folder for all that the demo keeps (default: .demo in the checkout, or a temporary one for the tour)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("what is %q? plumb-demo --help tells what there is", flags.Arg(0))
	}
	return o, o.complete()
}

// complete fills in what was not given.
func (o *options) complete() (err error) {
	if o.checkout == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		found, ok := controlplane.Checkout(filepath.Dir(self))
		if !ok {
			return errors.New("this program is not in a checkout of Plumb: name one with --checkout")
		}
		o.checkout = found
	}
	if o.checkout, err = filepath.Abs(o.checkout); err != nil {
		return err
	}
	switch {
	case o.dir != "":
		o.dir, err = filepath.Abs(o.dir)
	case !o.walks():
		o.dir = filepath.Join(o.checkout, ".demo")
	}
	return err
}
