// Package vet is `plumb vet`: it looks through a folder or repository as the
// daemon would, and says what is wrong, for people, programs and code forges.
//
// It knows how findings are shown; how they are found is handed in.
package vet

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/vet"
)

// Options are what is looked at, and with what.
type Options struct {
	Path string
	Keys cli.KeyFiles
	// Fetch fetches charts and bases from elsewhere.
	Fetch          bool
	GitCredentials string
	// URL is what declarations call the repository that is looked at.
	URL string
}

// Check looks.
type Check func(ctx context.Context, o Options) (vet.Report, error)

// The formats beside those of other commands.
const (
	asText  = "text"
	asSARIF = "sarif"
)

// report is what -o json prints.
type report struct {
	APIVersion string `json:"apiVersion"`
	vet.Report
}

// Version names the shape of what -o json prints.
const Version = "plumb.dev/vet/v1"

// Command is `plumb vet`.
func Command(check Check) func(cli.Env) *cobra.Command {
	return func(env cli.Env) *cobra.Command {
		var o Options
		var strict bool
		format := asText
		cmd := &cobra.Command{
			Use:     "vet [PATH]",
			Short:   "Check a folder or repository, without a cluster",
			GroupID: cli.GroupLook,
			Long: "Checks what a folder or repository declares as the daemon would: declarations, what Apps render to, the schemas of\n" +
				"Kubernetes' kinds and of CRDs found beside them, encrypted files, and what two Apps declare. Where no App is declared,\n" +
				"the folder itself is rendered. Nothing is fetched unless --fetch is given.\n\n" +
				"Exit codes: 0 nothing is wrong, 1 it could not be told, 2 something is wrong, 3 usage.",
			Args: cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				o.Path = "."
				if len(args) > 0 {
					o.Path = args[0]
				}
				if format != asText && format != usage.AsJSON && format != asSARIF {
					return usage.Errorf("-o %s: use text, json or sarif", format)
				}
				r, err := check(cmd.Context(), o)
				if err != nil {
					return err
				}
				if err := show(env, format, r); err != nil {
					return err
				}
				if n := r.Count(vet.Error); n > 0 || strict && len(r.Findings) > 0 {
					return usage.Differs(nil)
				}
				return nil
			},
		}
		f := cmd.Flags()
		f.StringVarP(&format, "output", "o", format, "text, json or sarif")
		f.BoolVar(&strict, "strict", false, "take warnings for errors")
		f.BoolVar(&o.Fetch, "fetch", false, "fetch charts and bases that lie elsewhere")
		f.StringVar(&o.GitCredentials, "git-credentials", "", "file with credentials for what is fetched: docs/git.md")
		f.StringVar(&o.URL, "url", "", "what declarations call this repository, so that Apps which name it are checked")
		o.Keys.Flags(f)
		return cmd
	}
}

func show(env cli.Env, format string, r vet.Report) error {
	switch format {
	case usage.AsJSON:
		if r.Findings == nil {
			r.Findings = []vet.Finding{}
		}
		return usage.Write(env.Out, format, report{Version, r})
	case asSARIF:
		return vet.SARIF(env.Out, r, env.Version)
	}
	return text(env.Out, r)
}

// text is the report for people.
func text(w io.Writer, r vet.Report) error {
	for _, f := range r.Findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s, %s: %s, %s\n", count(r.Apps, "render"), count(r.Objects, "object"),
		count(r.Count(vet.Error), "error"), count(r.Count(vet.Warning), "warning"))
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
