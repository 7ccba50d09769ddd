package usage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plumb.dev/plumb/internal/terminal"
)

// Message is what is printed of an error: all of it, once, or nothing.
func Message(err error) string {
	if err == nil {
		return ""
	}
	if coded, ok := errors.AsType[*exitError](err); ok && coded.err == nil {
		return ""
	}
	return strings.TrimSpace(terminal.Printable(err.Error(), "\n\t"))
}

// Group is the RunE of a command that only holds others: alone it shows what
// there is, and with anything behind it that thing is not known.
func Group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		if cmd.HasParent() {
			return Errorf("%s needs one of: %s", cmd.CommandPath(), strings.Join(commandNames(cmd), ", "))
		}
		return cmd.Help()
	}
	if near := terminal.Nearest(args[0], commandNames(cmd)); near != "" {
		return Errorf("%s has no command %q; did you mean `%s %s`?", cmd.CommandPath(), args[0], cmd.CommandPath(), near)
	}
	return Errorf("%s has no command %q; `%s --help` lists what there is", cmd.CommandPath(), args[0], cmd.CommandPath())
}

// NewHelp is `plumb help`, which doesn't pretend to know what isn't there.
func NewHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Show how a command is used",
		GroupID: "other",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return Errorf("%w", err)
			case len(rest) > 0:
				return Group(about, rest)
			}
			return about.Help()
		},
	}
}

// commandNames are the commands below one.
func commandNames(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// FlagError makes an error of the flag parser a usage error, with the flag that
// was perhaps meant.
func FlagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := terminal.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return Errorf("%w; did you mean --%s?", err, near)
		}
	}
	if strings.HasSuffix(err.Error(), "?") { // it says already what was perhaps meant
		return Errorf("%w", err)
	}
	return Errorf("%w; `%s --help` lists the flags", err, cmd.CommandPath())
}

// CheckArgs makes the errors about arguments of a command, and of all below it,
// usage errors.
func CheckArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err == nil || Code(err) == ExitUsage {
				return err
			}
			return Errorf("%w; `%s --help` shows how it is used", err, cmd.CommandPath())
		}
	}
	for _, c := range cmd.Commands() {
		CheckArgs(c)
	}
}

// OneArg asks for exactly one argument, and says what it is.
func OneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return Errorf("%s needs %s", cmd.CommandPath(), what)
		case 1:
			return nil
		}
		return Errorf("%s takes one argument, %s, and got %d: %s", cmd.CommandPath(), what, len(args), strings.Join(args, " "))
	}
}

// choice is a flag's value that must be one of a few.
type choice struct {
	value   *string
	choices []string
}

func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c choice) Type() string { return strings.Join(c.choices, "|") }

func (c choice) Set(s string) error {
	for _, known := range c.choices {
		if s == known {
			*c.value = s
			return nil
		}
	}
	if near := terminal.Nearest(s, c.choices); near != "" {
		return fmt.Errorf("%q is not one of %s; did you mean %s?", s, strings.Join(c.choices, ", "), near)
	}
	return fmt.Errorf("%q is not one of %s", s, strings.Join(c.choices, ", "))
}

// OneOf is a flag's value that must be one of a few.
func OneOf(value *string, choices ...string) choice { return choice{value, choices} }
