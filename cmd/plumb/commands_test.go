package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plumb.dev/plumb/internal/cli"
)

// everywhere are the flags that docs/cli.md describes once for all commands.
var everywhere = []string{"server", "token-file", "plain-http", "help"}

// TestEveryCommandIsDocumented holds docs/cli.md to the commands: each that
// does something has a section, and its table names each flag and no other.
func TestEveryCommandIsDocumented(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sections, _ := strings.Cut(string(content), "\n## Commands\n")
	var want []string
	for _, cmd := range leaves(cli.Tree(cli.Env{More: commands()})) {
		want = append(want, cmd.CommandPath())
		if diff := cmp.Diff(flagsOf(cmd), documentedFlags(sections, cmd.CommandPath())); diff != "" {
			t.Errorf("docs/cli.md, section %s (-has +documented):\n%s", cmd.CommandPath(), diff)
		}
	}
	var got []string
	for _, found := range regexp.MustCompile("(?m)^### `([^`]+)`$").FindAllStringSubmatch(sections, -1) {
		got = append(got, found[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/cli.md (-commands +sections):\n%s", diff)
	}
	for _, name := range everywhere[:3] {
		if !strings.Contains(string(content), "`--"+name+"`") {
			t.Errorf("docs/cli.md doesn't describe --%s", name)
		}
	}
}

// leaves are the commands that do something.
func leaves(cmd *cobra.Command) (found []*cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.HasSubCommands() {
			found = append(found, leaves(c)...)
		} else {
			found = append(found, c)
		}
	}
	return found
}

// flagsOf are the names of a command's flags, sorted, without those described
// for all.
func flagsOf(cmd *cobra.Command) []string {
	names := []string{}
	add := func(f *pflag.Flag) {
		if !slices.Contains(everywhere, f.Name) && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	slices.Sort(names)
	return names
}

var flagRow = regexp.MustCompile("(?m)^\\| (?:`-[a-z]`, )?`--([a-z-]+)` \\|")

// documentedFlags are the flags in a section's table, sorted.
func documentedFlags(content, command string) []string {
	_, rest, _ := strings.Cut(content, "\n### `"+command+"`\n")
	section, _, _ := strings.Cut(rest, "\n### ")
	names := []string{}
	for _, found := range flagRow.FindAllStringSubmatch(section, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return names
}
