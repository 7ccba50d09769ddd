package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/private"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/usage"
)

// UnsealCommand is `plumb unseal`.
func UnsealCommand(parts Parts) func(cli.Env) *cobra.Command {
	return func(env cli.Env) *cobra.Command {
		u := unsealing{env: env, parts: parts}
		cmd := &cobra.Command{
			Use:     "unseal FILE|-",
			GroupID: cli.GroupSecret,
			Short:   "Decrypt a file that is encrypted with SOPS, with a key that you hold",
			Long: "Decrypt a file that is encrypted with SOPS, with a key that you hold: to look at it, or to change it and seal it again. On the\n" +
				"daemon's machine, the file age-keys in its data folder has the keys that it made.",
			Args: usage.OneArg("a FILE, or - for the input"),
			RunE: func(_ *cobra.Command, args []string) error {
				if err := u.check(); err != nil {
					return err
				}
				return u.unseal(args[0])
			},
		}
		f := cmd.Flags()
		f.StringVar(&u.to, "to", "", "file to write to, of mode 0600 (default: the output)")
		f.BoolVar(&u.show, "show", false, "show it on a terminal")
		u.keys.SOPSFlags(f)
		return cmd
	}
}

// unsealing is what `plumb unseal` was asked for.
type unsealing struct {
	env   cli.Env
	parts Parts
	keys  cli.KeyFiles
	to    string
	show  bool
}

func (u *unsealing) check() error {
	if _, terminal := u.env.Terminal(); terminal && u.to == "" && !u.show {
		return usage.Errorf("the output is a terminal, where others may read along: give --show, or --to FILE")
	}
	if u.keys.None() {
		return usage.Errorf("plumb unseal needs a key: --age-key-file or --pgp-key-file")
	}
	return nil
}

func (u *unsealing) unseal(name string) error {
	content, err := u.read(name)
	if err != nil {
		return err
	}
	keys, err := secret.Load(u.keys.Files())
	if err != nil {
		return err
	}
	plain, err := u.parts.Unseal(keys, name, content)
	if err != nil {
		return err
	}
	if u.to == "" {
		_, err = u.env.Out.Write(plain)
		return err
	}
	if existing, err := readFile(u.to); err == nil && u.parts.Encrypted(u.to, existing) {
		return fmt.Errorf("%s is encrypted, and isn't replaced by what is plain: give another --to", u.to)
	}
	return private.Write(u.to, plain)
}

func (u *unsealing) read(name string) ([]byte, error) {
	if name == "-" {
		return bounded("the input", u.env.In)
	}
	return readFile(name)
}

// writeWhole writes what anyone may read, so that a crash leaves the old content
// or the new. A file keeps its mode.
func writeWhole(path string, content []byte) error {
	mode := fs.FileMode(0o644)
	info, err := os.Stat(path)
	if err == nil {
		mode = info.Mode().Perm()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if path, err = resolved(path); err != nil {
		return err
	}
	if err := private.Write(path, content); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// resolved is the file that a path leads to by links, so that a link stays one.
func resolved(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return real, err
}
