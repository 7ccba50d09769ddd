package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// tour walks through a manual: it gives each command, holds the page to what that prints, and asks the cluster whether it is true.
type tour struct {
	stand  *stand
	manual *manual
	screen *screen
	write  bool             // what commands print becomes what the page shows, rather than being held against it
	given  map[int]string   // each command as it was given, by its line in the page
	got    map[int][]string // what it printed
	hashes recall
}

// commandLimit is how long a command may take, and how long an answer is waited for: far above what it takes, for a machine that is busy.
const commandLimit = 90 * time.Second

func (t *tour) run(ctx context.Context) error {
	t.given, t.got = map[int]string{}, map[int][]string{}
	for title := range truths(t.manual.name) {
		if !slices.ContainsFunc(t.manual.steps, func(s step) bool { return s.title == title }) {
			return fmt.Errorf("%s has no step %q any more, whose truth is to be checked", t.manual.name, title)
		}
	}
	for _, s := range t.manual.steps {
		t.screen.say("", t.screen.paint(strong, s.title), "")
		for i, p := range s.parts {
			switch {
			case p.command != nil:
				if err := t.give(ctx, p.command); err != nil {
					return err
				}
				if len(t.got[p.command.line]) > 0 || i+1 == len(s.parts) || s.parts[i+1].command == nil {
					t.screen.say("")
				}
			case p.prose != "":
				t.screen.say(p.prose, "")
			}
		}
		if err := t.check(ctx, s.title); err != nil {
			return fmt.Errorf("%s, %q: %w", t.manual.name, s.title, err)
		}
	}
	return t.still(ctx)
}

// still makes sure that the last answer stands once all is in line and nothing is under way any more: no release came after it.
func (t *tour) still(ctx context.Context) error {
	head, err := t.stand.head(ctx)
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	if err := t.stand.watch(limit, func(l look) bool { return l.inLine(head) }); err != nil {
		return fmt.Errorf("at the end, not all is in line: %w", err)
	}
	steps := t.manual.steps
	parts := steps[len(steps)-1].parts
	for _, p := range parts {
		if p.command == nil || !p.command.asks() {
			continue
		}
		again, err := t.shell(ctx, t.given[p.command.line])
		if err == nil && !alike(t.got[p.command.line], again) {
			err = errors.New("it says something else by now:\n" + strings.Join(again, "\n"))
		}
		if err != nil {
			return fmt.Errorf("%s:%d: `%s`: %w", t.manual.name, p.command.line, p.command.text, err)
		}
	}
	return nil
}

// give runs a command and shows what it prints.
func (t *tour) give(ctx context.Context, c *command) error {
	text := t.hashes.in(c.text, t.write)
	got, err := t.answer(ctx, c, text)
	t.given[c.line], t.got[c.line] = text, got
	t.hashes.learn(c.want, got)
	t.screen.say("    " + t.screen.paint(strong, prompt+text))
	for _, line := range got {
		t.screen.say("    " + line)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s:%d: `%s`: %w", t.manual.name, c.line, text, err)
	case !t.write && !alike(c.want, got):
		return fmt.Errorf("%s:%d: `%s` did not print what the page shows:\n%s\n(`bin/plumb-demo --update --page %s` writes what it prints into the page)",
			t.manual.name, c.line, text, strings.Join(c.want, "\n"), t.manual.name)
	}
	return nil
}

// answer is what a command prints. One that asks is given again until the answer is the one that the page shows, for what was done takes effect
// a moment later; or, where the page is written, until it stays the same.
func (t *tour) answer(ctx context.Context, c *command, text string) (got []string, err error) {
	if !c.asks() {
		return t.shell(ctx, text)
	}
	limit, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	var before []string
	same := 0
	waiting := until(limit, func() (bool, error) {
		if got, err = t.shell(ctx, text); err != nil {
			return false, nil // the last answer counts
		}
		if same++; !alike(before, got) {
			same = 0
		}
		before = got
		const settled = 60 // three seconds and more
		return t.write && same >= settled || !t.write && alike(c.want, got), nil
	})
	if waiting != nil && ctx.Err() != nil {
		return got, ctx.Err()
	}
	return got, err
}

// shell runs a command as a user of the demo does.
func (t *tour) shell(ctx context.Context, text string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", text)
	shell.Dir, shell.Env = t.stand.fleet(), t.stand.environ()
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	out, err := shell.CombinedOutput()
	text = strings.TrimRight(string(out), "\n")
	if text == "" {
		return nil, err
	}
	return withoutProgress(strings.Split(text, "\n")), err
}

// check asks the cluster, and not Plumb, whether what a step says has come true.
func (t *tour) check(ctx context.Context, title string) error {
	truth, ok := truths(t.manual.name)[title]
	if !ok {
		return nil
	}
	c, err := openCluster(t.stand.kubeconfig())
	if err != nil {
		return err
	}
	what, err := truth(ctx, c)
	if err != nil {
		return fmt.Errorf("the API server says otherwise: %w", err)
	}
	t.screen.say(t.screen.paint(good, "✓") + " the API server says so, too: " + what)
	return nil
}

// truth asks the cluster about something. It says what it found, or what it should have found.
type truth func(ctx context.Context, c *cluster) (string, error)

// truths are what must be live after the step of a title, in the tour of a page.
func truths(page string) map[string]truth {
	return map[string]map[string]truth{
		"README.md": {
			"Commit a change": greeting("Hello again"),
			"Edit by hand":    replicas(3),
			"Delete a file":   noPolicy,
		},
		dayPage: {
			"10:15 Approve":       greeting("Hello again"),
			"11:00 A hand edit":   replicas(3),
			"12:00 Pause":         replicas(5),
			"12:40 Keep":          replicas(5),
			"15:00 A bad release": memory("64Mi"),
		},
	}[page]
}

func greeting(want string) truth {
	return func(ctx context.Context, c *cluster) (string, error) {
		var maps struct {
			Items []struct {
				Metadata struct{ Name string }
				Data     map[string]string
			}
		}
		if err := c.get(ctx, "/api/v1/namespaces/shop/configmaps?labelSelector=plumb.dev/app%3Ddefault.web", &maps); err != nil {
			return "", err
		}
		if len(maps.Items) != 1 {
			return "", fmt.Errorf("web has %d ConfigMaps, and should have 1", len(maps.Items))
		}
		only := maps.Items[0]
		if got := only.Data["PODINFO_UI_MESSAGE"]; got != want {
			return "", fmt.Errorf("the ConfigMap %s says %q, and should say %q", only.Metadata.Name, got, want)
		}
		return fmt.Sprintf("the ConfigMap %s, the only one of web, says %q", only.Metadata.Name, want), nil
	}
}

func replicas(want int) truth {
	return func(ctx context.Context, c *cluster) (string, error) {
		var live deployment
		if err := c.get(ctx, deploymentPath("shop", "web"), &live); err != nil {
			return "", err
		}
		if live.Spec.Replicas != want {
			return "", fmt.Errorf("the Deployment web has %d replicas, and should have %d", live.Spec.Replicas, want)
		}
		return fmt.Sprintf("the Deployment web has %d replicas", want), nil
	}
}

func memory(want string) truth {
	return func(ctx context.Context, c *cluster) (string, error) {
		var live deployment
		if err := c.get(ctx, deploymentPath("shop", "cache"), &live); err != nil {
			return "", err
		}
		containers := live.Spec.Template.Spec.Containers
		if len(containers) != 1 || containers[0].Resources.Requests["memory"] != want {
			return "", fmt.Errorf("the Deployment cache asks for %v, and should ask for %s", containers, want)
		}
		return fmt.Sprintf("the Deployment cache asks for %s of memory", want), nil
	}
}

func noPolicy(ctx context.Context, c *cluster) (string, error) {
	switch err := c.get(ctx, "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/cache", nil); {
	case errors.Is(err, errNotThere):
		return "there is no NetworkPolicy cache", nil
	case err != nil:
		return "", err
	}
	return "", errors.New("the NetworkPolicy cache is still there")
}
