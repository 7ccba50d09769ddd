package keys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/private"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// exporting is what `plumb keys export` was asked for.
type exporting struct {
	env              cli.Env
	data, to         string
	recipients       []string
	passphrase       string // the file with it
	plain, overwrite bool
}

func newExport(env cli.Env) *cobra.Command {
	e := exporting{env: env}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a backup of the daemon's own keys, encrypted by a passphrase or for other keys",
		Long: "Write a backup of the daemon's own keys, encrypted by a passphrase that is asked for, by one in a file, or for age keys\n" +
			"of people; with --plain as it is. It is noted when this was done last.\n\n" +
			"`plumb keys import` takes it back; so does `age -d`.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := e.check(); err != nil {
				return err
			}
			return e.export()
		},
	}
	dataFlag(cmd, env, &e.data)
	f := cmd.Flags()
	f.StringVar(&e.to, "to", "", "file to write to (default: the output)")
	f.BoolVar(&e.overwrite, "overwrite", false, "with --to: replace the file that is there")
	f.StringArrayVar(&e.recipients, "recipient", nil, "age recipient (age1…) who can read it; may be given again")
	f.StringVar(&e.passphrase, "passphrase-file", "", "file with the passphrase (default: it is asked for)")
	f.BoolVar(&e.plain, "plain", false, "write the private keys as they are")
	return cmd
}

func (e *exporting) check() error {
	ways := 0
	for _, given := range []bool{e.plain, e.passphrase != "", len(e.recipients) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case e.data == "":
		return usage.Errorf("plumb keys export needs --data: the data folder of the daemon")
	case ways > 1:
		return usage.Errorf("give one of --recipient, --passphrase-file and --plain")
	}
	return nil
}

func (e *exporting) export() error {
	own := secret.OwnIn(e.data)
	keys, err := own.List()
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return fmt.Errorf("there are no keys in %s; is it the daemon's data folder (--data)?", e.data)
	}
	backup, err := e.locked(secret.Backup(keys))
	if err != nil {
		return err
	}
	if err := e.write(backup); err != nil {
		return err
	}
	if err := own.Exported(keys, e.env.Now()); err != nil {
		return err
	}
	where := "the output"
	if e.to != "" {
		where = e.to
	}
	fmt.Fprintf(e.env.Err, "wrote %s to %s; keep it elsewhere than the data folder\n", terminal.Count(len(keys), "key", "keys"), where)
	return nil
}

// locked is the backup as it is written.
func (e *exporting) locked(backup []byte) ([]byte, error) {
	if e.plain {
		return backup, nil
	}
	if len(e.recipients) > 0 {
		to, err := secret.Recipients(e.recipients)
		if err != nil {
			return nil, usage.Errorf("--recipient: %w", err)
		}
		return secret.Lock(backup, to)
	}
	passphrase, err := e.word()
	if err != nil {
		return nil, err
	}
	return secret.LockWith(backup, passphrase)
}

// leastPassphrase is how many characters a passphrase has at least.
const leastPassphrase = 10

// word is the passphrase.
func (e *exporting) word() (string, error) {
	passphrase, err := passphraseFrom(e.passphrase)
	if e.passphrase == "" {
		passphrase, err = e.env.ReadSecret("passphrase of the backup: ")
		if errors.Is(err, cli.ErrNoTerminal) {
			return "", usage.Errorf("say how the backup is encrypted, by --recipient or --passphrase-file, or give --plain; %w", err)
		}
		if err != nil {
			return "", err
		}
		again, err := e.env.ReadSecret("once more: ")
		if err != nil {
			return "", err
		}
		if passphrase != again {
			return "", errors.New("the two passphrases differ; nothing was written")
		}
	}
	if err == nil && len(passphrase) < leastPassphrase {
		err = fmt.Errorf("the passphrase has fewer than %d characters", leastPassphrase)
	}
	return passphrase, err
}

func (e *exporting) write(backup []byte) error {
	if e.to == "" {
		_, err := e.env.Out.Write(backup)
		return err
	}
	if _, err := os.Lstat(e.to); err == nil && !e.overwrite {
		return fmt.Errorf("%s is there already: give another --to, or --overwrite", e.to)
	}
	return private.Write(e.to, backup)
}

// passphraseFrom is the first line of a file; empty for none.
func passphraseFrom(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := private.Read(path)
	if err != nil {
		return "", fmt.Errorf("--passphrase-file: %w", err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// importing is what `plumb keys import` was asked for.
type importing struct {
	env              cli.Env
	data, passphrase string
	keyFiles         []string
}

func newImport(env cli.Env) *cobra.Command {
	i := importing{env: env}
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Take keys back from a backup, beside those that are there",
		Long: "Take keys back from a backup, or from any file of age identities, beside those that are there. The newest by its age is the\n" +
			"one that secrets are sealed for; all of them open.",
		Args: usage.OneArg("the FILE of a backup, or - for the input"),
		RunE: func(_ *cobra.Command, args []string) error {
			if i.data == "" {
				return usage.Errorf("plumb keys import needs --data: the data folder of the daemon")
			}
			return i.restore(args[0])
		},
	}
	dataFlag(cmd, env, &i.data)
	cmd.Flags().StringVar(&i.passphrase, "passphrase-file", "", "file with the passphrase of the backup (default: it is asked for)")
	cmd.Flags().StringArrayVar(&i.keyFiles, "age-key-file", nil, "file with the age identity that the backup is encrypted for; may be given again")
	return cmd
}

func (i *importing) restore(name string) error {
	backup, err := i.read(name)
	if err != nil {
		return err
	}
	content, err := i.unlocked(backup)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	added, err := secret.OwnIn(i.data).Import(content, i.env.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(i.env.Err, "%s to %s\n", terminal.Count(len(added), "key was added", "keys were added"), i.data)
	for _, k := range added {
		fmt.Fprintln(i.env.Out, k.Recipient)
	}
	return nil
}

func (i *importing) read(name string) ([]byte, error) {
	var from io.Reader = i.env.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	content, err := bounded(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return content, nil
}

func (i *importing) unlocked(backup []byte) ([]byte, error) {
	keys, err := secret.Load(secret.Files{Age: i.keyFiles})
	if err != nil {
		return nil, err
	}
	ring, err := keys.Ring()
	if err != nil {
		return nil, err
	}
	passphrase, err := passphraseFrom(i.passphrase)
	if err != nil {
		return nil, err
	}
	content, err := secret.Unlock(backup, ring, passphrase)
	if errors.Is(err, secret.ErrPassphrase) {
		passphrase, err = i.env.ReadSecret("passphrase of the backup: ")
		if errors.Is(err, cli.ErrNoTerminal) {
			return nil, usage.Errorf("%w: give --passphrase-file, for %w", secret.ErrPassphrase, err)
		}
		if err != nil {
			return nil, err
		}
		content, err = secret.Unlock(backup, ring, passphrase)
	}
	return content, err
}
