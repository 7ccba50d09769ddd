package v1alpha1

// Chart names a Helm chart in a repository or registry.
type Chart struct {
	// Repository is where the chart is: the URL of a chart repository
	// (https://…), or of the folder in a registry that holds it (oci://…).
	Repository string `json:"repository"`
	// Name is the chart's name.
	Name string `json:"name"`
	// Version is one version, or a range such as 6.x or ">=1.2 <2"; the newest
	// in it is followed. Default: the newest that is no pre-release.
	Version string `json:"version,omitempty"`
	// Digest pins the package: sha256:… of its bytes, or in a registry of its manifest.
	Digest string `json:"digest,omitempty"`
	// Verify says who must have signed it.
	Verify *Verify `json:"verify,omitempty"`
}

// Verify says by whom a chart must be signed. Public keys are no secrets, so
// they stand here. At most one field is set.
type Verify struct {
	// Provenance is an armoured OpenPGP public key; the chart's .prov file must
	// be signed by it.
	Provenance string `json:"provenance,omitempty"`
	// Cosign is a PEM public key; the chart's manifest in its registry must be
	// signed by it.
	Cosign string `json:"cosign,omitempty"`
}

// Other is one more source of an App. Its files are read as @NAME/PATH.
type Other struct {
	// Name is what the App's paths call it.
	Name string `json:"name"`
	// Git is a repository; Chart a chart. One of them is set.
	Git   *Git   `json:"git,omitempty"`
	Chart *Chart `json:"chart,omitempty"`
}

// ReleaseName is the name of the release that the App is, where it is rendered
// as a chart.
func (s AppSpec) ReleaseName() string {
	if s.Render.Helm != nil && s.Render.Helm.ReleaseName != "" {
		return s.Render.Helm.ReleaseName
	}
	return s.Render.Release.Name
}
