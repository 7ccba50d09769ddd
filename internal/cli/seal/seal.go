package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/usage"
)

// Parts is what the commands work with.
type Parts struct {
	Seal      func(secret.Sealing) ([]byte, error)
	Unseal    func(keys *secret.Keys, name string, content []byte) ([]byte, error)
	Encrypted func(name string, content []byte) bool
	// RuleFor is what the repository around a file, which need not be there yet,
	// says of whom it is for.
	RuleFor func(path string) (secret.Rule, error)
}

// Command is `plumb seal`.
func Command(parts Parts) func(cli.Env) *cobra.Command {
	return func(env cli.Env) *cobra.Command {
		s := sealing{env: env, parts: parts, daemon: cli.NewConnection(env)}
		cmd := &cobra.Command{
			Use:     "seal FILE|-|--name NAME",
			GroupID: cli.GroupSecret,
			Short:   "Encrypt a Secret with the cluster's key, for Git",
			Long: "Encrypt the values of a Secret, as SOPS does, so that it can be committed: with the key that the daemon publishes, and for others\n" +
				"who are named. Where a rule of .sops.yaml is for the file, it says for whom: docs/secrets.md.\n\n" +
				"The Secret is a manifest, or is made from --name and values. What is encrypted already is sealed anew, with a key that opens it.",
			Args: cobra.ArbitraryArgs,
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := s.check(args); err != nil {
					return err
				}
				return s.seal(cmd.Context())
			},
		}
		s.daemon.Flags(cmd)
		f := cmd.Flags()
		f.StringVar(&s.to, "to", "", "file to write to (default: the output)")
		f.BoolVarP(&s.inPlace, "in-place", "i", false, "replace FILE by its encrypted form")
		f.StringVar(&s.path, "path", "", "path that the file will have, where it isn't written to it: for the rules of .sops.yaml")
		f.StringArrayVar(&s.recipients, "recipient", nil, "age recipient (age1…) who can read it, too; may be given again")
		f.BoolVar(&s.offline, "offline", false, "don't ask a daemon for its key")
		f.StringVar(&s.made.name, "name", "", "make a Secret of this name")
		f.StringVarP(&s.made.namespace, "namespace", "n", "", "with --name: its namespace (default: it names none)")
		f.StringVar(&s.made.kind, "type", "", "with --name: its type (default: Opaque)")
		f.StringArrayVar(&s.made.files, "from-file", nil, "with --name: [KEY=]FILE, a value; - is the input; may be given again")
		f.StringArrayVar(&s.made.prompts, "prompt", nil, "with --name: KEY, a value that is asked for; may be given again")
		f.StringArrayVar(&s.made.literals, "from-literal", nil, "with --name: KEY=VALUE, which others can see while it runs, and the shell's history keeps; may be given again")
		s.keys.SOPSFlags(f)
		return cmd
	}
}

// sealing is what `plumb seal` was asked for.
type sealing struct {
	env    cli.Env
	parts  Parts
	daemon *cli.Connection

	from, to, path   string
	inPlace, offline bool
	recipients       []string
	keys             cli.KeyFiles
	made             made
}

func (s *sealing) check(args []string) error {
	if len(args) > 1 {
		return usage.Errorf("plumb seal takes one FILE, and got %d: %s", len(args), strings.Join(args, " "))
	}
	if len(args) == 1 {
		s.from = args[0]
	}
	switch {
	case s.from == "" && s.made.name == "":
		return usage.Errorf("plumb seal needs a FILE with a Secret (- is the input), or --name and values to make one")
	case s.from != "" && s.made.any():
		return usage.Errorf("give either %s, or --name and values", s.from)
	case s.inPlace && (s.from == "" || s.from == "-"):
		return usage.Errorf("--in-place goes with a FILE")
	case s.inPlace && s.to != "":
		return usage.Errorf("give one of --in-place and --to")
	case s.made.name != "":
		return s.made.check()
	}
	if s.inPlace {
		s.to = s.from
	}
	return nil
}

// target is the path that the file has or will have; empty if nobody knows.
func (s *sealing) target() string {
	switch {
	case s.path != "":
		return s.path
	case s.to != "":
		return s.to
	case s.from != "-":
		return s.from
	}
	return ""
}

func (s *sealing) seal(ctx context.Context) error {
	plain, err := s.plain()
	if err != nil {
		return err
	}
	before, err := s.before()
	if err != nil {
		return err
	}
	to, byRule, err := s.readers(ctx)
	if err != nil {
		return err
	}
	keys, err := secret.Load(s.keys.Files())
	if err != nil {
		return err
	}
	name := s.target()
	if name == "" {
		name = "the input"
	}
	out, err := s.parts.Seal(secret.Sealing{
		Name: name, Content: plain, Before: before, Recipients: to, Keep: !byRule, Keys: keys, Now: s.env.Now(),
	})
	if err != nil {
		return err
	}
	if s.to == "" {
		_, err = s.env.Out.Write(out)
		return err
	}
	if err := writeWhole(s.to, out); err != nil {
		return err
	}
	fmt.Fprintf(s.env.Err, "%s is sealed\n", s.to)
	return nil
}

// plain is what is to be sealed.
func (s *sealing) plain() ([]byte, error) {
	switch s.from {
	case "":
		return s.made.manifest(s.env)
	case "-":
		return bounded("the input", s.env.In)
	}
	return readFile(s.from)
}

// before is the encrypted file that is written over. Another one isn't, unless
// it is what was sealed.
func (s *sealing) before() ([]byte, error) {
	target := s.target()
	if target == "" || s.inPlace {
		return nil, nil // what is encrypted in the file itself counts by itself
	}
	content, err := readFile(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case s.parts.Encrypted(target, content):
		return content, nil
	case s.to != "" && s.to != s.from:
		return nil, fmt.Errorf("%s is there, and isn't encrypted: it isn't written over; remove it first, or seal it with --in-place", s.to)
	}
	return nil, nil
}

// readers are all for whom it is sealed, and whether a rule of the repository
// says so.
func (s *sealing) readers(ctx context.Context) (to []string, byRule bool, err error) {
	var rule secret.Rule
	if target := s.target(); target != "" {
		if rule, err = s.parts.RuleFor(target); err != nil {
			return nil, false, err
		}
	}
	if rule.Several || len(rule.Others) > 0 {
		return nil, false, fmt.Errorf("the rule of %s for %s wants more than age keys (%s), for which plumb doesn't encrypt: use sops encrypt",
			rule.At, s.target(), strings.Join(rule.Others, ", "))
	}
	keys, err := s.clusterKeys(ctx, rule.Found || len(s.recipients) > 0)
	if err != nil {
		return nil, false, err
	}
	if rule.Found {
		to = slices.Concat(rule.Recipients, s.recipients)
		if len(keys) > 0 && !anyOf(to, keys) {
			fmt.Fprintf(s.env.Err, "this file cannot be read by this cluster's key: it is encrypted for %s; this cluster has %s; add it to the rule of %s for this file\n",
				strings.Join(to, ", "), namesOf(keys), rule.At)
		}
		return to, true, nil
	}
	if newest, any := status.NewestKey(keys); any {
		to = append(to, newest.Name)
		if newest.Endangered() {
			fmt.Fprintln(s.env.Err, "the daemon's key has no backup yet, and what is sealed for it is lost with it: `plumb keys export` makes one")
		}
	}
	to = append(to, s.recipients...)
	if len(to) == 0 && s.offline {
		return nil, false, usage.Errorf("say for whom it is: with --recipient, by a rule of .sops.yaml, or by asking the daemon (without --offline)")
	}
	if len(to) == 0 {
		return nil, false, errors.New("the daemon has no key of its own, so nothing can be sealed for it: name someone with --recipient")
	}
	return to, false, nil
}

// clusterKeys are the keys of the daemon. Where others are named as well, it
// need not be there.
func (s *sealing) clusterKeys(ctx context.Context, others bool) ([]status.Key, error) {
	if s.offline {
		return nil, nil
	}
	daemon, err := s.daemon.Client()
	var keys []status.Key
	if err == nil {
		keys, err = daemon.Keys(ctx)
	}
	switch {
	case err == nil:
		return keys, nil
	case others && ctx.Err() == nil:
		fmt.Fprintf(s.env.Err, "whether this cluster's key can read it isn't known: %v\n", err)
		return nil, nil
	}
	return nil, fmt.Errorf("the daemon's key: %w; or name who is to read it with --recipient", err)
}

// anyOf says whether one of the keys is among recipients.
func anyOf(recipients []string, keys []status.Key) bool {
	return slices.ContainsFunc(keys, func(k status.Key) bool { return slices.Contains(recipients, k.Name) })
}

// namesOf are the keys for SOPS files by their names.
func namesOf(keys []status.Key) string {
	var names []string
	for _, k := range keys {
		if k.Kind != string(secret.KindSealed) {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, ", ")
}

// readFile reads a file that may be a pipe, as the shell's <(…) is.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bounded(path, file)
}
