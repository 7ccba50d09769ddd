package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KindApp is the kind of App.
const KindApp = "App"

// App declares one deliverable unit: where its manifests come from, how they
// are rendered, and which target is held in line with them.
type App struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              AppSpec `json:"spec"`
}

// ID is the App's unique name, NAMESPACE/NAME.
func (a App) ID() string { return a.Namespace + "/" + a.Name }

// AppSpec is what an App asks for.
type AppSpec struct {
	Source    Source       `json:"source,omitempty"`
	Render    Render       `json:"render,omitempty"`
	Target    Target       `json:"target,omitempty"`
	Sync      Sync         `json:"sync,omitempty"`
	Health    Health       `json:"health,omitempty"`
	DependsOn []Dependency `json:"dependsOn,omitempty"`
	Ignore    []Ignore     `json:"ignore,omitempty"`
	// Sensitive are fields whose values are never shown, beside those of Secrets.
	Sensitive []Sensitive `json:"sensitive,omitempty"`
	// Project is the NAME, or NAMESPACE/NAME, of the Project that it belongs
	// to. A NAME alone is one of the App's own namespace.
	Project string `json:"project,omitempty"`
}

// Source says where an App's manifests are.
type Source struct {
	// Git is the repository; nil means the one that the App is declared in.
	Git *Git `json:"git,omitempty"`
	// Path is the folder inside the repository, without a leading slash;
	// empty means the repository's top.
	Path string `json:"path,omitempty"`
	// Every is the time between two looks at the repository; a webhook makes
	// a change known at once. Default 1m, at least 1s.
	Every metav1.Duration `json:"every,omitempty"`
	// Chart is rendered in place of what is at Path; Path is where value files
	// are looked up then.
	Chart *Chart `json:"chart,omitempty"`
	// With are further sources, whose files are read as @NAME/PATH.
	With []Other `json:"with,omitempty"`
}

// Git names a repository and what to follow in it. At most one of Branch, Tag
// and Commit is set; none means the repository's default branch.
type Git struct {
	URL    string `json:"url,omitempty"`
	Branch string `json:"branch,omitempty"`
	Tag    string `json:"tag,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// Render says how manifests become objects. At most one of Plain, Kustomize and
// Helm is set; none means that the way is found from the files.
type Render struct {
	Plain     *Plain     `json:"plain,omitempty"`
	Kustomize *Kustomize `json:"kustomize,omitempty"`
	Helm      *Helm      `json:"helm,omitempty"`
	// Substitute replaces ${NAME} in what was rendered; it goes with each way.
	Substitute *Substitute `json:"substitute,omitempty"`
	// Release is what the App gives to a renderer that wants to know it. It
	// isn't declared: Default takes it from the App.
	Release Release `json:"-"`
	// ValuesBase is the App's folder in its repository, where value files are
	// looked up when the chart comes from elsewhere. It isn't declared either.
	ValuesBase string `json:"-"`
}

// Release is what a chart is installed as when nothing else is said.
type Release struct {
	Name      string
	Namespace string
}

// The names of the renderers.
const (
	RendererPlain     = "plain"
	RendererKustomize = "kustomize"
	RendererHelm      = "helm"
)

// Plain reads a folder of YAML and JSON files.
type Plain struct {
	// Recurse reads the folders below as well. Default true.
	Recurse *bool `json:"recurse,omitempty"`
}

// Kustomize builds a folder that has a kustomization file.
type Kustomize struct {
	// Images replaces names, tags or digests of images, as in a kustomization file.
	Images []Image `json:"images,omitempty"`
	// NamePrefix and NameSuffix are put around the names of all objects.
	NamePrefix string `json:"namePrefix,omitempty"`
	NameSuffix string `json:"nameSuffix,omitempty"`
	// Labels and Annotations are set on all objects; no selector is changed.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	// Patches and Replicas change objects, as in a kustomization file.
	Patches  []Patch    `json:"patches,omitempty"`
	Replicas []Replicas `json:"replicas,omitempty"`
	// Components are folders of components, from the kustomization's folder.
	Components []string `json:"components,omitempty"`
}

// Image is one replacement of an image's name, tag or digest.
type Image struct {
	Name    string `json:"name"`
	NewName string `json:"newName,omitempty"`
	NewTag  string `json:"newTag,omitempty"`
	Digest  string `json:"digest,omitempty"`
}

// Helm renders a folder that has a Chart.yaml.
type Helm struct {
	// ReleaseName is what the chart takes for its release's name. Default: the
	// App's name.
	ReleaseName string `json:"releaseName,omitempty"`
	// ValueFiles are files of values, each over those before it: paths or glob
	// patterns, from the chart's folder, or with a leading slash from the
	// repository's top.
	ValueFiles []string `json:"valueFiles,omitempty"`
	// ValuesFrom are values in the target, over all files, each over those before it.
	ValuesFrom []Given `json:"valuesFrom,omitempty"`
	// Values are over all others.
	Values map[string]any `json:"values,omitempty"`
	// KubeVersion is what the chart takes for the cluster's version. Default: the
	// target's, and 1.36.0 where there is no target.
	KubeVersion string `json:"kubeVersion,omitempty"`
	// APIVersions are what the chart finds in the cluster, beside the APIs that
	// it has: GROUP/VERSION or GROUP/VERSION/KIND.
	APIVersions []string `json:"apiVersions,omitempty"`
	// Patches and Images change what the chart came to, as in a kustomization file.
	Patches []Patch `json:"patches,omitempty"`
	Images  []Image `json:"images,omitempty"`
	// Record writes a release record for Helm, so that helm ls shows it.
	Record bool `json:"record,omitempty"`
	// IncludeCRDs takes what is in the chart's folder crds. Default true.
	IncludeCRDs *bool `json:"includeCRDs,omitempty"`
	// SkipTests leaves out test hooks without a word. Default true.
	SkipTests *bool `json:"skipTests,omitempty"`
}

// Target says what is held in line.
type Target struct {
	// Namespace is given to namespaced objects that name none. Default: the
	// App's own namespace.
	Namespace string `json:"namespace,omitempty"`
	// CreateNamespace makes Namespace where it is missing. It is never pruned.
	// Default true.
	CreateNamespace *bool `json:"createNamespace,omitempty"`
	// ServiceAccount in Namespace is impersonated for every write; empty means
	// the daemon's own rights.
	ServiceAccount string `json:"serviceAccount,omitempty"`
}

// Sync says when and how changes reach the target.
type Sync struct {
	// Mode is auto (apply by itself), approve (apply a plan once someone
	// approved it) or observe (never apply, only show). Default auto.
	Mode SyncMode `json:"mode,omitempty"`
	// Prune deletes objects that are no longer declared. Default true.
	Prune *bool `json:"prune,omitempty"`
	// Drift says what follows a change made outside Git. Default correct.
	Drift DriftMode `json:"drift,omitempty"`
	// AllowEmpty lets a render that yields no object prune all the App's objects.
	AllowEmpty bool `json:"allowEmpty,omitempty"`
	// Validate is apply (each object is checked as it is applied) or first
	// (all are checked before any is applied). Default apply.
	Validate ValidateMode `json:"validate,omitempty"`
	// OnFailure says what follows a release that isn't healthy in time. Default none.
	OnFailure FailureMode `json:"onFailure,omitempty"`
	// Approval bounds who may approve; it is for the mode approve.
	Approval Approval `json:"approval,omitempty"`
	// Adopt takes over objects that another tool holds, and clears away what
	// that tool's field managers left behind.
	Adopt bool `json:"adopt,omitempty"`
	// Replace are kinds (KIND, or KIND.GROUP) whose objects are deleted and made
	// anew where a change of a field that can't be changed asks for it.
	Replace []string `json:"replace,omitempty"`
	// Windows are the times at which intended changes may be made, or may not.
	Windows []Window `json:"windows,omitempty"`
}

// SyncMode is how changes reach the target.
type SyncMode string

// The sync modes.
const (
	SyncAuto    SyncMode = "auto"
	SyncApprove SyncMode = "approve"
	SyncObserve SyncMode = "observe"
)

// DriftMode is what follows a change made outside Git.
type DriftMode string

// The drift modes.
const (
	DriftCorrect DriftMode = "correct"
	DriftAlert   DriftMode = "alert"
	DriftIgnore  DriftMode = "ignore"
)

// ValidateMode is when objects are checked by the server.
type ValidateMode string

// The validate modes.
const (
	ValidateApply ValidateMode = "apply"
	ValidateFirst ValidateMode = "first"
)

// FailureMode is what follows a release that isn't healthy in time.
type FailureMode string

// The failure modes.
const (
	FailureNone     FailureMode = "none"     // nothing: the next commit is applied as any other
	FailureHold     FailureMode = "hold"     // nothing more is applied until something changes
	FailureRollback FailureMode = "rollback" // a commit restores what was healthy last
)

// Approval says whose approval counts.
type Approval struct {
	// NotAuthor asks for a second person: who approves isn't the author of the commit.
	NotAuthor bool `json:"notAuthor,omitempty"`
}

// Health says how long a release may take to become healthy.
type Health struct {
	// Timeout is counted from the apply. Default 5m, at least 1s.
	Timeout metav1.Duration `json:"timeout,omitempty"`
	// Rules judge kinds in place of the built-in rules.
	Rules []HealthRule `json:"rules,omitempty"`
}

// Dependency names an App that must be in line and healthy first.
type Dependency struct {
	Name string `json:"name"`
	// Namespace defaults to that of the App that depends.
	Namespace string `json:"namespace,omitempty"`
}

// ID is the dependency's NAMESPACE/NAME.
func (d Dependency) ID() string { return d.Namespace + "/" + d.Name }

// Ignore leaves fields to others: they are neither compared nor applied.
type Ignore struct {
	// Kind and Name select objects; an empty Name means every object of the kind.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Fields are JSON pointers, such as /spec/replicas.
	Fields []string `json:"fields"`
}

// Sensitive names fields whose values are never shown, only whether they differ.
type Sensitive struct {
	// Kind and Name select objects; an empty Name means every object of the kind.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Fields are JSON pointers, such as /spec/password.
	Fields []string `json:"fields"`
}

// Defaults of an App; docs/app.md lists them.
const (
	DefaultNamespace     = "default"
	DefaultEvery         = time.Minute
	DefaultHealthTimeout = 5 * time.Minute
	DefaultKubeVersion   = "1.36.0"
)
