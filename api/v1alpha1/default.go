package v1alpha1

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Default is the App with all that it leaves out filled in, but for the
// repository, which is known only to who reads the declaration. It shares
// nothing that can be changed with a.
func Default(a App) App {
	a.APIVersion, a.Kind = APIVersion, KindApp
	a.Namespace = cmp.Or(a.Namespace, DefaultNamespace)
	if a.Spec.Source.Git != nil {
		git := *a.Spec.Source.Git
		a.Spec.Source.Git = &git
	}
	a.Spec.Source.Chart = a.Spec.Source.Chart.clone()
	a.Spec.Source.With = slices.Clone(a.Spec.Source.With)
	for i, other := range a.Spec.Source.With {
		if other.Git != nil {
			a.Spec.Source.With[i].Git = new(*other.Git)
		}
		a.Spec.Source.With[i].Chart = other.Chart.clone()
	}
	a.Spec.Source.Path = cleanPath(a.Spec.Source.Path)
	a.Spec.Source.Every = orDuration(a.Spec.Source.Every, DefaultEvery)
	a.Spec.Target.Namespace = cmp.Or(a.Spec.Target.Namespace, a.Namespace)
	a.Spec.Render = defaultRender(a.Spec.Render, Release{Name: a.Name, Namespace: a.Spec.Target.Namespace})
	a.Spec.Target.CreateNamespace = orTrue(a.Spec.Target.CreateNamespace)
	a.Spec.Sync.Mode = cmp.Or(a.Spec.Sync.Mode, SyncAuto)
	a.Spec.Sync.Prune = orTrue(a.Spec.Sync.Prune)
	a.Spec.Sync.Drift = cmp.Or(a.Spec.Sync.Drift, DriftCorrect)
	a.Spec.Sync.Validate = cmp.Or(a.Spec.Sync.Validate, ValidateApply)
	a.Spec.Sync.OnFailure = cmp.Or(a.Spec.Sync.OnFailure, FailureNone)
	a.Spec.Sync.Windows = defaultWindows(a.Spec.Sync.Windows)
	a.Spec.Health.Timeout = orDuration(a.Spec.Health.Timeout, DefaultHealthTimeout)
	a.Spec.DependsOn = slices.Clone(a.Spec.DependsOn)
	for i := range a.Spec.DependsOn {
		a.Spec.DependsOn[i].Namespace = cmp.Or(a.Spec.DependsOn[i].Namespace, a.Namespace)
	}
	a.Spec.Ignore = slices.Clone(a.Spec.Ignore)
	for i := range a.Spec.Ignore {
		a.Spec.Ignore[i].Fields = slices.Clone(a.Spec.Ignore[i].Fields)
	}
	a.Spec.Sensitive = slices.Clone(a.Spec.Sensitive)
	for i := range a.Spec.Sensitive {
		a.Spec.Sensitive[i].Fields = slices.Clone(a.Spec.Sensitive[i].Fields)
	}
	if project := a.Spec.Project; project != "" && !strings.Contains(project, "/") {
		a.Spec.Project = a.Namespace + "/" + project
	}
	return a
}

// DefaultProject is the Project with all that it leaves out filled in.
func DefaultProject(p Project) Project {
	p.APIVersion, p.Kind = APIVersion, KindProject
	p.Namespace = cmp.Or(p.Namespace, DefaultNamespace)
	p.Spec.Windows = defaultWindows(p.Spec.Windows)
	return p
}

func defaultRender(r Render, release Release) Render {
	r.Release = release
	if r.Plain != nil {
		r.Plain = &Plain{Recurse: orTrue(r.Plain.Recurse)}
	}
	if r.Kustomize != nil {
		r.Kustomize = r.Kustomize.clone()
	}
	if r.Substitute != nil {
		sub := *r.Substitute
		sub.Values, sub.From, sub.Strict = maps.Clone(sub.Values), slices.Clone(sub.From), orTrue(sub.Strict)
		r.Substitute = &sub
	}
	if r.Helm != nil {
		helm := *r.Helm
		helm.ReleaseName = cmp.Or(helm.ReleaseName, release.Name)
		helm.ValueFiles, helm.APIVersions = slices.Clone(helm.ValueFiles), slices.Clone(helm.APIVersions)
		helm.Values = runtime.DeepCopyJSON(helm.Values)
		helm.IncludeCRDs, helm.SkipTests = orTrue(helm.IncludeCRDs), orTrue(helm.SkipTests)
		helm.Patches, helm.Images = clonePatches(helm.Patches), slices.Clone(helm.Images)
		r.Helm = &helm
	}
	return r
}

// clone shares nothing that can be changed with c.
func (c *Chart) clone() *Chart {
	if c == nil {
		return nil
	}
	own := *c
	if c.Verify != nil {
		own.Verify = new(*c.Verify)
	}
	return &own
}

// cleanPath is a path in the shortest form; the repository's top is "".
func cleanPath(p string) string {
	if p = path.Clean(p); p == "." {
		return ""
	}
	return p
}

func orDuration(d metav1.Duration, otherwise time.Duration) metav1.Duration {
	return metav1.Duration{Duration: cmp.Or(d.Duration, otherwise)}
}

func orTrue(b *bool) *bool {
	if b == nil {
		return new(true)
	}
	return new(*b)
}
