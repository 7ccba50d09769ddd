package main

import (
	"context"
	"path"
	"slices"

	"plumb.dev/plumb/internal/cli"
	vetting "plumb.dev/plumb/internal/cli/vet"
	"plumb.dev/plumb/internal/declare"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sealed"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/folder"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/vet"
)

// here stands for the repository that is looked at, in the Apps that it declares
// without naming one.
const here = "here"

// check is `plumb vet`.
func check(ctx context.Context, o vetting.Options) (vet.Report, error) {
	files, below, err := folder.Open(o.Path)
	if err != nil {
		return vet.Report{}, err
	}
	if d, err := declaredIn(ctx, files, below, o.URL); err == nil && len(d.Apps)+len(d.Problems) == 0 { // it is no repository, but a folder of one
		if files, below, err = folder.Beside(o.Path); err != nil {
			return vet.Report{}, err
		}
	}
	keys, err := secret.Load(o.Keys.Files())
	if err != nil {
		return vet.Report{}, err
	}
	c := vet.Checker{
		Renderer: renderers(anywhere), Opener: sops.Opener{Keys: keys}, Keys: !o.Keys.None(), Unsealer: sealed.Opener{Keys: keys},
		Declares: func(ctx context.Context, files tree.Tree, below string) (vet.Declared, error) {
			return declaredIn(ctx, files, below, o.URL)
		},
	}
	if o.Fetch {
		fetch := &once{options: cli.RunOptions{GitCredentials: o.GitCredentials}}
		defer fetch.Close()
		c.Open, c.Look = fetch, fetch
	}
	return c.Check(ctx, files, below)
}

// declaredIn is what a folder declares, read as a root is.
func declaredIn(ctx context.Context, files tree.Tree, below, own string) (vet.Declared, error) {
	folder, file := below, ""
	if e, err := files.Stat(below); err == nil && e.Mode != tree.Folder {
		folder, file = path.Dir(below), path.Clean(below)
	}
	scan, err := declare.NewScanner(declare.Root{Ref: source.Ref{URL: here}, Path: folder}).All(ctx, files)
	if err != nil {
		return vet.Declared{}, err
	}
	if file != "" {
		scan.Apps = slices.DeleteFunc(scan.Apps, func(a declare.Declaration) bool { return a.Origin.File != file })
		scan.Broken = slices.DeleteFunc(scan.Broken, func(b declare.Broken) bool { return b.Origin.File != file })
	}
	state := declare.Next(declare.State{}, scan, declare.Policy{})
	var d vet.Declared
	for _, b := range scan.Broken {
		d.Problems = append(d.Problems, vet.Problem{Origin: b.Origin, Message: b.Err.Error()})
	}
	for _, one := range state.Apps {
		if one.Held == nil {
			url := one.App.Spec.Source.Git.URL
			d.Apps = append(d.Apps, vet.App{App: one.App, Origin: one.Origin, Here: url == here || same(url, own)})
		}
	}
	d.Problems = append(d.Problems, twice(scan)...)
	return d, nil
}

// twice are the declarations of what is declared before.
func twice(scan declare.Scan) (problems []vet.Problem) {
	first := map[string]object.Origin{}
	for _, a := range scan.Apps {
		if at, is := first[a.App.ID()]; is {
			problems = append(problems, vet.Problem{Origin: a.Origin, Message: "the App " + a.App.ID() + " is declared twice, first at " + at.String() + "; remove one of the two"})
			continue
		}
		first[a.App.ID()] = a.Origin
	}
	return problems
}

// same says whether two URLs are of one repository.
func same(a, b string) bool {
	if a == b || b == "" {
		return a == b
	}
	x, err := git.ParseURL(a)
	y, err2 := git.ParseURL(b)
	return err == nil && err2 == nil && git.SameRepository(x, y)
}
