package helm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"k8s.io/apimachinery/pkg/runtime"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
)

// capabilities are those of the cluster: as the parameters describe it, and for
// the rest as it is. They are not the library's own, which belong to the whole
// process. The cluster is asked only where the chart looks at them, so that
// other charts don't depend on it.
func (b *build) capabilities(ctx context.Context, c *chart.Chart) (*common.Capabilities, error) {
	seen := render.Capabilities{KubeVersion: v1alpha1.DefaultKubeVersion, APIVersions: common.DefaultVersionSet}
	if b.Live != nil && b.asksCluster(c) {
		var err error
		if seen, err = b.Live.Capabilities(ctx); err != nil {
			return nil, fmt.Errorf("%s: the chart asks what the cluster can do, and that can't be told: %w", b.at(render.ChartFile), err)
		}
	}
	version, err := common.ParseKubeVersion(cmp.Or(b.params.KubeVersion, seen.KubeVersion))
	if err != nil {
		return nil, fmt.Errorf("spec.render.helm.kubeVersion: %q is not a version of Kubernetes; write it like %s", b.params.KubeVersion, v1alpha1.DefaultKubeVersion)
	}
	if wants := c.Metadata.KubeVersion; wants != "" && !chartutil.IsCompatibleRange(wants, version.String()) {
		return nil, fmt.Errorf("%s: the chart wants Kubernetes %s, and is rendered for %s: set spec.render.helm.kubeVersion if it works there all the same",
			b.at(render.ChartFile), wants, version)
	}
	return &common.Capabilities{
		KubeVersion: *version,
		APIVersions: slices.Concat(seen.APIVersions, b.params.APIVersions),
		HelmVersion: common.DefaultCapabilities.HelmVersion,
	}, nil
}

// asksCluster says whether it matters to a chart what the cluster is: it names
// the versions of Kubernetes that it is for, or a word that templates ask with is
// in what templates are made of, or in values, which tpl may be given.
func (b *build) asksCluster(c *chart.Chart) bool {
	given, err := json.Marshal(b.values)
	return err != nil || c.Metadata.KubeVersion != "" || bytes.Contains(given, capabilitiesWord) || asks(c)
}

func asks(c *chart.Chart) bool {
	holds := func(f *common.File) bool {
		return path.Ext(f.Name) != ".md" && bytes.Contains(f.Data, capabilitiesWord)
	}
	return slices.ContainsFunc(c.Raw, holds) || slices.ContainsFunc(c.Dependencies(), asks)
}

// capabilitiesWord is how templates ask what the cluster can do.
var capabilitiesWord = []byte("Capabilities")

// maxLookups bounds how often the templates of one render may ask the cluster.
const maxLookups = 200

// cluster answers lookups of templates.
type cluster struct {
	live  render.Live
	meter *meter
	asked int
}

// lookup is the function of that name: an object, or all of a kind where no name
// is given; nothing where there is none, or nobody to ask. What it yields may be
// changed by templates.
func (c *cluster) lookup(ctx context.Context) func(apiVersion, kind, namespace, name string) (map[string]any, error) {
	return func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		if err := c.meter.spend(1, 0); err != nil || c.live == nil {
			return map[string]any{}, err
		}
		if c.asked++; c.asked > maxLookups {
			return nil, c.meter.stop("templates look up more than %d objects; list them at once", maxLookups)
		}
		found, err := c.find(ctx, apiVersion, kind, namespace, name)
		if err != nil {
			return nil, err
		}
		size, err := c.meter.weigh(reflect.ValueOf(found))
		if err == nil {
			err = c.meter.spend(0, size)
		}
		if err != nil {
			return nil, err
		}
		return runtime.DeepCopyJSON(found), nil
	}
}

func (c *cluster) find(ctx context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	if name != "" {
		o, err := c.live.Object(ctx, apiVersion, kind, namespace, name)
		if o == nil {
			o = map[string]any{}
		}
		return o, err
	}
	list, err := c.live.List(ctx, apiVersion, kind, namespace)
	if list == nil || err != nil {
		return map[string]any{}, err
	}
	items := make([]any, len(list))
	for i, o := range list {
		items[i] = o
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind + "List", "metadata": map[string]any{}, "items": items}, nil
}
