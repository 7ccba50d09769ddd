package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// message is what is printed of an error: all of it, once, or nothing.
func message(err error) string {
	if err == nil {
		return ""
	}
	if coded, ok := errors.AsType[*exitError](err); ok && coded.err == nil {
		return ""
	}
	return strings.TrimSpace(err.Error())
}

// group is the RunE of a command that only holds others: alone it shows what
// there is, and with anything behind it that thing is not known.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	near := cmd.SuggestionsFor(args[0])
	if len(near) == 0 {
		return usagef("%s has no command %q; `%s --help` lists what there is", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return usagef("%s has no command %q; did you mean `%s %s`?", cmd.CommandPath(), args[0], cmd.CommandPath(), near[0])
}

// flagError makes an error of the flag parser a usage error.
func flagError(cmd *cobra.Command, err error) error {
	return usagef("%w; `%s --help` lists the flags", err, cmd.CommandPath())
}
