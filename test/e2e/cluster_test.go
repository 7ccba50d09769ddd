package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
)

// cluster asks the API server itself.
type cluster struct {
	plane   *controlplanetest.Plane
	dynamic dynamic.Interface
	marks   metadata.Interface
	kinds   discovery.CachedDiscoveryInterface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func newCluster(t testing.TB, plane *controlplanetest.Plane) *cluster {
	t.Helper()
	config := plane.Config(t)
	config.WarningHandlerWithContext = rest.NoWarnings{} // it lists every kind there is, the outdated among them
	c := &cluster{plane: plane}
	var problems [3]error
	c.dynamic, problems[0] = dynamic.NewForConfig(config)
	c.marks, problems[1] = metadata.NewForConfig(config)
	var kinds *discovery.DiscoveryClient
	kinds, problems[2] = discovery.NewDiscoveryClientForConfig(config)
	if err := errors.Join(problems[:]...); err != nil {
		t.Fatal(err)
	}
	c.kinds = memory.NewMemCacheClient(kinds)
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(c.kinds)
	return c
}

// of addresses an object's collection. The kind may name its version (Deployment.v1.apps) or not (Deployment.apps).
func (c *cluster) of(t testing.TB, gvk schema.GroupVersionKind, namespace string) dynamic.ResourceInterface {
	t.Helper()
	mapping := c.mapping(t, gvk)
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.dynamic.Resource(mapping.Resource)
	}
	return c.dynamic.Resource(mapping.Resource).Namespace(namespace)
}

func (c *cluster) mapping(t testing.TB, gvk schema.GroupVersionKind) *meta.RESTMapping {
	t.Helper()
	var versions []string
	if gvk.Version != "" {
		versions = []string{gvk.Version}
	}
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), versions...)
	if err != nil {
		t.Fatal(err)
	}
	return mapping
}

// at reads one object; nil when it isn't there.
func (c *cluster) at(t testing.TB, key object.Key) *unstructured.Unstructured {
	t.Helper()
	o, err := c.of(t, key.GroupKind().WithVersion(""), key.Namespace).Get(t.Context(), key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// applied lists what field manager plumb has applied for the Apps of a namespace, of every kind that the cluster serves, with the Apps' labels.
// It takes in what labels and annotations of ours a controller copied only if plumb wrote that too.
func (c *cluster) applied(t testing.TB, appNamespace string) map[object.Key]metav1.PartialObjectMetadata {
	t.Helper()
	c.kinds.Invalidate() // a kind may be new
	lists, err := c.kinds.ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	found := map[object.Key]metav1.PartialObjectMetadata{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || !slices.Contains(r.Verbs, "patch") {
				continue
			}
			for _, o := range c.ours(t.Context(), t, gv.WithResource(r.Name)) {
				if strings.HasPrefix(o.Labels[object.LabelApp], appNamespace+".") {
					found[object.Key{Group: gv.Group, Kind: r.Kind, Namespace: o.Namespace, Name: o.Name}] = o
				}
			}
		}
	}
	return found
}

func (c *cluster) ours(ctx context.Context, t testing.TB, r schema.GroupVersionResource) []metav1.PartialObjectMetadata {
	t.Helper()
	list, err := c.marks.Resource(r).List(ctx, metav1.ListOptions{LabelSelector: object.LabelApp})
	if apierrors.IsNotFound(err) {
		return nil // another test's kind, that went meanwhile
	}
	if err != nil {
		t.Fatalf("list %s: %v", r.Resource, err)
	}
	return slices.DeleteFunc(list.Items, func(o metav1.PartialObjectMetadata) bool {
		return !slices.ContainsFunc(o.ManagedFields, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == object.FieldManager })
	})
}

// differs says in what the cluster is not exactly what Git says: an object that is missing, belongs to another App or is not as declared, in
// each field; or one that should not be there.
func (c *cluster) differs(t testing.TB, d declared, appNamespace string) []string {
	t.Helper()
	var found []string
	extra := c.applied(t, appNamespace)
	for _, want := range d.objects {
		gvk := want.content.GroupVersionKind()
		o := want.withNamespace(c.mapping(t, gvk).Scope.Name() == meta.RESTScopeNameNamespace)
		key := object.Object{Unstructured: o}.Key()
		delete(extra, key)
		live, err := c.of(t, gvk, key.Namespace).Get(t.Context(), key.Name, metav1.GetOptions{})
		if err != nil {
			found = append(found, fmt.Sprintf("%s: %v", key, err))
			continue
		}
		if label := want.app.Namespace + "." + want.app.Name; live.GetLabels()[object.LabelApp] != label {
			found = append(found, fmt.Sprintf("%s: belongs to %q, not to %q", key, live.GetLabels()[object.LabelApp], label))
		}
		for _, difference := range differences("", o.Object, live.Object) {
			found = append(found, fmt.Sprintf("%s%s", key, difference))
		}
	}
	for key := range extra {
		found = append(found, fmt.Sprintf("%s: is there, and Git does not say so", key))
	}
	slices.Sort(found)
	return found
}

// differences lists the declared fields that are not live with the same value. Fields that are live and not declared are the server's defaults,
// except in lists, where there is no more than was declared.
func differences(path string, declared, live any) []string {
	switch d := declared.(type) {
	case nil: // means that nothing is declared
		return nil
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return []string{differ(path, d, live)}
		}
		var found []string
		for _, name := range slices.Sorted(maps.Keys(d)) {
			found = append(found, differences(path+"."+name, d[name], l[name])...)
		}
		return found
	case []any:
		l, ok := live.([]any)
		if !ok || len(l) != len(d) {
			return []string{differ(path, d, live)}
		}
		var found []string
		for i := range d {
			found = append(found, differences(path+"["+strconv.Itoa(i)+"]", d[i], l[i])...)
		}
		return found
	}
	if declared == live || sameQuantity(path, declared, live) {
		return nil
	}
	return []string{differ(path, declared, live)}
}

func differ(path string, declared, live any) string {
	return fmt.Sprintf("%s: Git says %s, live is %s", path, brief(declared), brief(live))
}

// brief is a value, cut where it is long.
func brief(v any) string {
	const most = 200
	text := fmt.Sprintf("%#v", v)
	return text[:min(len(text), most)]
}

var quantities = regexp.MustCompile(`\.(requests|limits|capacity|hard|averageValue)\b`)

// sameQuantity says whether two values are the same amount: the server writes 1000m as 1.
func sameQuantity(path string, declared, live any) bool {
	if !quantities.MatchString(path) {
		return false
	}
	d, errDeclared := resource.ParseQuantity(fmt.Sprint(declared))
	l, errLive := resource.ParseQuantity(fmt.Sprint(live))
	return errDeclared == nil && errLive == nil && d.Cmp(l) == 0
}
