package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newWaitCommand is `plumb wait`: what became of a commit, for pipelines.
func newWaitCommand(env Env) *cobra.Command {
	w := awaiting{Connection: &Connection{env: env, several: true}}
	cmd := &cobra.Command{
		Use:   "wait NAME…|--all --commit SHA",
		Short: "Wait until a commit is in line and healthy, for pipelines",
		Long: "Wait until Apps are in line with a commit (or a later one) and healthy, or can't be. With --all, these are all Apps whose\n" +
			"repository has the commit.\n\n" +
			"Exit codes: 0 all are, 2 an App failed, 4 an App is held (by an approval, a window, a pause), 1 the time was over.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := w.check(args); err != nil {
				return err
			}
			return w.wait(cmd.Context(), args)
		},
	}
	w.AppFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&w.all, "all", false, "all Apps whose repository has the commit")
	f.StringVar(&w.commit, "commit", "", "the commit, or at least 7 of its first characters (required)")
	f.DurationVar(&w.timeout, "timeout", 5*time.Minute, "how long to wait")
	usage.OutputFlag(f, &w.format, usage.AsJSON, usage.AsYAML)
	return cmd
}

// awaiting is what `plumb wait` was asked for.
type awaiting struct {
	*Connection
	all            bool
	commit, format string
	timeout        time.Duration
}

var commitHash = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)

func (w *awaiting) check(args []string) error {
	switch {
	case w.commit == "":
		return usage.Errorf("plumb wait needs --commit: the commit that is waited for")
	case !commitHash.MatchString(w.commit):
		return usage.Errorf("--commit %s is no commit: give at least 7 of the first characters of its hash", w.commit)
	case w.timeout <= 0:
		return usage.Errorf("--timeout %s is no time to wait", w.timeout)
	case w.all && len(args) > 0:
		return usage.Errorf("give either %s or --all", args[0])
	case !w.all && len(args) == 0:
		return usage.Errorf("plumb wait needs the NAME of an App, or --all")
	}
	return nil
}

// tellEvery is how long one answer waits at most: what changes is told between
// two of them.
const tellEvery = 10 * time.Second

// wait asks until every App is decided or the time is over.
func (w *awaiting) wait(ctx context.Context, names []string) error {
	daemon, err := w.Client()
	if err != nil {
		return err
	}
	ids := make([]string, len(names))
	for i, name := range names {
		if ids[i], err = w.Resolve(ctx, daemon, name); err != nil {
			return err
		}
	}
	over, end := context.WithTimeout(ctx, w.timeout)
	defer end()
	told := map[string]string{}
	var verdicts []status.Verdict
	for long := time.Duration(0); ; long = tellEvery { // the first look is to tell how it begins
		verdicts, err = w.look(over, daemon, ids, long)
		if over.Err() != nil && ctx.Err() == nil { // how things stand at the end
			verdicts, err = daemon.Wait(ctx, ids, w.commit, 0)
			break
		}
		if err != nil || settled(verdicts) {
			break
		}
		for _, v := range verdicts {
			now := fmt.Sprintf("%s: %s", v.State, v.Message)
			if told[v.App] != now {
				fmt.Fprintln(w.env.Err, terminal.Printable(v.App+": "+now, ""))
				told[v.App] = now
			}
		}
	}
	if err != nil {
		return err
	}
	return w.end(verdicts)
}

// askAgain is the time between two tries to reach a daemon that has answered
// before: it may be what the commit changes.
const askAgain = time.Second

// look asks once. After the first answer, a daemon that can't be reached is
// waited for.
func (w *awaiting) look(over context.Context, daemon *client.Client, ids []string, long time.Duration) ([]status.Verdict, error) {
	for {
		verdicts, err := daemon.Wait(over, ids, w.commit, long)
		if long == 0 || !errors.Is(err, client.ErrNotRunning) {
			return verdicts, err
		}
		select {
		case <-time.After(askAgain):
		case <-over.Done():
			return nil, err
		}
	}
}

// settled says whether waiting longer would bring nothing. While no App has the
// commit, one may still get it.
func settled(verdicts []status.Verdict) bool {
	for _, v := range verdicts {
		if !v.Decided() {
			return false
		}
	}
	return len(verdicts) > 0
}

// end prints how it ended, and returns the exit code that stands for the worst
// of it.
func (w *awaiting) end(verdicts []status.Verdict) error {
	if w.format != "" {
		if err := usage.Write(w.env.Out, w.format, usage.ListOf(verdicts)); err != nil {
			return err
		}
	} else if len(verdicts) > 0 {
		t := &terminal.Table{Header: []string{"APP", "STATE", "REVISION", "MESSAGE"}}
		for _, v := range verdicts {
			t.Add(v.App, terminal.State(v.State), view.Commit(v.Revision), v.Message)
		}
		t.Print(w.env.Screen())
	}
	by := map[status.State][]status.Verdict{}
	for _, v := range verdicts {
		by[v.State] = append(by[v.State], v)
	}
	short := view.Commit(w.commit)
	switch {
	case len(verdicts) == 0:
		return fmt.Errorf("no App had commit %s after %s", short, w.timeout)
	case len(by[status.Failed]) > 0:
		return usage.Differs(sumUp(by[status.Failed], "failed with commit "+short))
	case len(by[status.Held]) > 0:
		return usage.Held(sumUp(by[status.Held], "held at commit "+short))
	case len(by[status.Pending]) > 0:
		return sumUp(by[status.Pending], fmt.Sprintf("not done with commit %s after %s", short, w.timeout))
	}
	return nil
}

// sumUp says in one line what became of some Apps.
func sumUp(verdicts []status.Verdict, what string) error {
	if len(verdicts) > 1 {
		return fmt.Errorf("%d Apps: %s", len(verdicts), what)
	}
	v := verdicts[0]
	if v.Message == "" {
		return errors.New(v.App + ": " + what)
	}
	return fmt.Errorf("%s: %s: %s", v.App, what, v.Message)
}
