package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// Command is `plumb keys`.
func Command(env cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		GroupID: cli.GroupSecret,
		Short:   "See, make, back up and restore the keys that secrets are sealed for",
		Long: "See, make, back up and restore the keys that secrets are sealed for: docs/secrets.md.\n\n" +
			"`plumb keys list` asks the daemon, unless it is given --data. The others work on its data folder, on its machine; it may run meanwhile, and takes up\n" +
			"what changed by itself.",
		Args: cobra.ArbitraryArgs,
		RunE: usage.Group,
	}
	cmd.AddCommand(newList(env), newMake(env, create), newMake(env, rotate), newExport(env), newImport(env))
	return cmd
}

func newList(env cli.Env) *cobra.Command {
	c := cli.NewConnection(env)
	var format, data string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the public halves of the keys that the daemon opens secrets with",
		Long: "List the public halves of the keys that the daemon opens secrets with, its own first and the newest of them before the others.\n\n" +
			"With --data only its own, and without it: they are read from its data folder.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := keysOf(cmd.Context(), c, data)
			if err != nil {
				return err
			}
			return list(env, keys, format)
		},
	}
	c.Flags(cmd)
	cmd.Flags().StringVar(&data, "data", "", "data folder of a daemon, whose own keys are listed without asking it")
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML, usage.AsName)
	return cmd
}

// keysOf are the keys that the daemon tells, or the own ones of a data folder.
func keysOf(ctx context.Context, c *cli.Connection, data string) ([]status.Key, error) {
	if data == "" {
		daemon, err := c.Client()
		if err != nil {
			return nil, fmt.Errorf("%w; or have the keys of a data folder listed with --data", err)
		}
		return daemon.Keys(ctx)
	}
	own, err := secret.OwnIn(data).List()
	if err != nil {
		return nil, err
	}
	var keys []status.Key
	for _, k := range slices.Backward(own) {
		one := told(k)
		one.Newest = len(keys) == 0
		keys = append(keys, one)
	}
	return keys, nil
}

func list(env cli.Env, keys []status.Key, format string) error {
	switch format {
	case usage.AsJSON, usage.AsYAML:
		return usage.Write(env.Out, format, usage.ListOf(keys))
	case usage.AsName:
		for _, k := range keys {
			fmt.Fprintln(env.Out, terminal.Printable(k.Name, ""))
		}
		return nil
	}
	if len(keys) == 0 {
		fmt.Fprintln(env.Err, "there are no keys")
		return nil
	}
	tableOf(keys, env.Now()).Print(env.Screen())
	if newest, any := status.NewestKey(keys); any && newest.Endangered() {
		fmt.Fprintf(env.Err, "\nThe newest key was made %s and has never been exported: what is sealed for it is lost with the data folder.\n"+
			"`plumb keys export` makes a backup.\n", terminal.Ago(env.Now(), newest.Created))
	}
	return nil
}

// tableOf is one key in a line.
func tableOf(keys []status.Key, now time.Time) *terminal.Table {
	t := &terminal.Table{Header: []string{"KEY", "OPENS", "FROM", "CREATED", "EXPORTED"}}
	for _, k := range keys {
		from, created, exported := "a file", "", ""
		if k.Own {
			from, exported = "its own", "never"
			if k.Newest {
				from = "its own, the newest"
			}
			if !k.Exported.IsZero() {
				exported = terminal.Ago(now, k.Exported)
			}
		}
		if !k.Created.IsZero() {
			created = terminal.Ago(now, k.Created)
		}
		t.Add(k.Name, k.Kind, from, created, exported)
	}
	return t
}

// dataFlag adds what names the data folder.
func dataFlag(cmd *cobra.Command, env cli.Env, data *string) {
	cmd.Flags().StringVar(data, "data", client.DefaultData(env.Getenv), "data folder of the daemon ($PLUMB_DATA)")
}

// making is how another key comes about.
type making struct {
	name, short, long string
	do                func(*secret.Own, time.Time) (secret.OwnKey, error)
}

var (
	create = making{
		name: "create", short: "Make the first key, before the daemon is started for the first time",
		long: "Make the first key of a data folder. A daemon does so by itself when it starts.",
		do:   (*secret.Own).Create,
	}
	rotate = making{
		name: "rotate", short: "Make a newer key; those before it still open what is sealed for them",
		long: "Make a newer key, for which secrets are sealed from then on. Those before it stay, and open what is sealed for them.\n\n" +
			"Name it in .sops.yaml, seal the files anew (`plumb seal --in-place FILE`, or sops updatekeys), and make a backup of it.",
		do: (*secret.Own).Rotate,
	}
)

func newMake(env cli.Env, how making) *cobra.Command {
	var data, format string
	cmd := &cobra.Command{
		Use: how.name, Short: how.short, Long: how.long,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if data == "" {
				return usage.Errorf("plumb keys %s needs --data: the data folder of the daemon", how.name)
			}
			made, err := how.do(secret.OwnIn(data), env.Now())
			if errors.Is(err, secret.ErrHasKeys) {
				return fmt.Errorf("%s has a key already: `plumb keys rotate` makes a newer one", data)
			}
			if err != nil {
				return err
			}
			if format != "" {
				return usage.Write(env.Out, format, told(made))
			}
			fmt.Fprintln(env.Err, "made a key; make a backup of it with `plumb keys export`. Its public half:")
			_, err = fmt.Fprintln(env.Out, made.Recipient)
			return err
		},
	}
	dataFlag(cmd, env, &data)
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

// told is a key as others may know it.
func told(k secret.OwnKey) status.Key {
	return status.Key{Name: k.Recipient, Kind: string(secret.KindAge), Own: true, Newest: true, Created: k.Created, Exported: k.Exported}
}

// maxBackup bounds a backup.
const maxBackup = 4 << 20

func bounded(from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, maxBackup+1))
	if err == nil && len(content) > maxBackup {
		err = fmt.Errorf("it is larger than %d bytes", maxBackup)
	}
	return content, err
}
