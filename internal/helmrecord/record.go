package helmrecord

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/release/common"
	helm "helm.sh/helm/v4/pkg/release/v1"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/target"
)

// Release is what is recorded: one that went well.
type Release struct {
	App       string // its label, as objects carry it
	Name      string
	Namespace string
	Chart     Chart
	Values    map[string]any
	Objects   []object.Object
	Hidden    redact.Redactor
	Text      string // what Helm shows as the description
	At        time.Time
}

// Chart is what Helm shows of a chart.
type Chart struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion,omitempty"`
}

// The labels by which Helm and we find records.
const (
	labelOwner   = "owner"
	labelName    = "name"
	labelStatus  = "status"
	labelVersion = "version"
	owner        = "helm"
	secretType   = "helm.sh/release.v1"
	entry        = "release"
)

// Of are the labels of all records of a release, ours and Helm's own.
func Of(name string) map[string]string { return map[string]string{labelOwner: owner, labelName: name} }

// maxUnpacked bounds what a record may unpack to.
const maxUnpacked = 32 << 20

// maxRecord is what a Secret may hold, and a little is left for its name and labels.
const maxRecord = 1<<20 - 16<<10

// manifest are objects as Helm prints them, without what is hidden of them.
func (r Release) manifest() (string, error) {
	var out strings.Builder
	for _, o := range r.Objects {
		shown, err := yaml.Marshal(r.Hidden.Of(o.Object).Show(o.Object))
		if err != nil {
			return "", fmt.Errorf("%s: %w", o.Key(), err)
		}
		fmt.Fprintf(&out, "---\n# Source: %s\n%s", o.Origin.File, shown)
	}
	return out.String(), nil
}

// record is a release as Helm has it.
func (r Release) record() (*helm.Release, error) {
	manifest, err := r.manifest()
	if err != nil {
		return nil, err
	}
	return &helm.Release{
		Name: r.Name, Namespace: r.Namespace, Manifest: manifest, Config: r.Values, ApplyMethod: string(helm.ApplyMethodServerSideApply),
		Chart: &chart.Chart{Metadata: &chart.Metadata{APIVersion: chart.APIVersionV2, Name: r.Chart.Name, Version: r.Chart.Version, AppVersion: r.Chart.AppVersion}},
		Info:  &helm.Info{FirstDeployed: r.At, LastDeployed: r.At, Status: common.StatusDeployed, Description: r.Text},
	}, nil
}

// stored is a record as a Secret holds it.
func stored(of *helm.Release, labels map[string]string) (target.Secret, error) {
	content, err := json.Marshal(of)
	if err != nil {
		return target.Secret{}, err
	}
	var packed bytes.Buffer
	to, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = to.Write(content)
	}
	if err == nil {
		err = to.Close()
	}
	if err != nil {
		return target.Secret{}, err
	}
	text := base64.StdEncoding.EncodeToString(packed.Bytes())
	if len(text) > maxRecord {
		return target.Secret{}, fmt.Errorf("the release %s has %d bytes as a record for Helm, above the %d that a Secret can hold: unset spec.render.helm.record", of.Name, len(text), maxRecord)
	}
	all := map[string]string{}
	for k, v := range labels {
		all[k] = v
	}
	all[labelOwner], all[labelName], all[labelStatus], all[labelVersion] = owner, of.Name, of.Info.Status.String(), strconv.Itoa(of.Version)
	return target.Secret{
		Name: fmt.Sprintf("sh.helm.release.v1.%s.v%d", of.Name, of.Version), Type: secretType, Labels: all, Data: map[string][]byte{entry: []byte(text)},
	}, nil
}

// parse reads what a Secret holds.
func parse(s target.Secret) (*helm.Release, error) {
	packed, err := base64.StdEncoding.DecodeString(string(s.Data[entry]))
	if err != nil {
		return nil, fmt.Errorf("%s: is no record of Helm's: %w", s.Name, err)
	}
	from, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%s: is no record of Helm's: %w", s.Name, err)
	}
	content, err := io.ReadAll(io.LimitReader(from, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("%s: is no record of Helm's: %w", s.Name, err)
	}
	var r helm.Release
	if err := json.Unmarshal(content, &r); err != nil || r.Info == nil {
		return nil, fmt.Errorf("%s: is no record of Helm's", s.Name)
	}
	return &r, nil
}
