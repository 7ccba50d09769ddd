package source

import (
	"encoding/json"

	"plumb.dev/plumb/api/v1alpha1"
)

// RefOf is what a declaration names: a repository, or a chart. The zero Ref is
// neither.
func RefOf(git *v1alpha1.Git, chart *v1alpha1.Chart) Ref {
	switch {
	case chart != nil:
		r := Ref{URL: chart.Repository, Chart: chart.Name, Version: chart.Version, Commit: chart.Digest}
		if v := chart.Verify; v != nil && *v != (v1alpha1.Verify{}) {
			b, err := json.Marshal(v)
			if err == nil { // which texts can't be
				r.Verify = string(b)
			}
		}
		return r
	case git != nil:
		return Ref{URL: git.URL, Branch: git.Branch, Tag: git.Tag, Commit: git.Commit}
	}
	return Ref{}
}

// Followed is what an App's own repository is followed at.
func Followed(app v1alpha1.App) Ref { return RefOf(app.Spec.Source.Git, nil) }

// Name is the Ref for people.
func (r Ref) Name() string {
	if r.Chart == "" {
		return r.URL
	}
	return "the chart " + r.Chart + " of " + r.URL
}
