package deliver_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// converter is a conversion webhook that isn't there until it is ready.
type converter struct {
	*httptest.Server
	ready atomic.Bool
	asked atomic.Int64
}

func newConverter(t *testing.T) *converter {
	t.Helper()
	c := &converter{}
	c.Server = httptest.NewTLSServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP gives each object the version that is asked for.
func (c *converter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked.Add(1)
	if !c.ready.Load() {
		http.Error(w, "no endpoints", http.StatusServiceUnavailable)
		return
	}
	var review struct {
		Request struct {
			UID               string           `json:"uid"`
			DesiredAPIVersion string           `json:"desiredAPIVersion"`
			Objects           []map[string]any `json:"objects"`
		} `json:"request"`
	}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, o := range review.Request.Objects {
		o["apiVersion"] = review.Request.DesiredAPIVersion
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
		"response": map[string]any{"uid": review.Request.UID, "convertedObjects": review.Request.Objects, "result": map[string]any{"status": "Success"}},
	})
}

func (c *converter) conversion() string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	return fmt.Sprintf("  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {url: '%s/convert', caBundle: %s}}}\n",
		c.URL, base64.StdEncoding.EncodeToString(ca))
}

// gearVersion is a version of a CRD.
type gearVersion struct {
	name           string
	served, stored bool
}

// gears is a CRD of a group of the test's own.
func (f *fleet) gears(versions ...gearVersion) string {
	var list strings.Builder
	for _, v := range versions {
		fmt.Fprintf(&list, "  - {name: %s, served: %v, storage: %v, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}, subresources: {status: {}}}\n", v.name, v.served, v.stored)
	}
	return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gears." + f.group() + "}\nspec:\n  group: " + f.group() +
		"\n  scope: Namespaced\n  names: {kind: Gear, plural: gears}\n  versions:\n" + list.String()
}

func (f *fleet) group() string { return f.namespace + ".example.com" }

func (f *fleet) gear(version, name string) string {
	return fmt.Sprintf("apiVersion: %s/%s\nkind: Gear\nmetadata: {name: %s}\nspec: {teeth: 12}\n", f.group(), version, name)
}

func (f *fleet) liveGears(version string) dynamic.ResourceInterface {
	return f.live.Resource(schema.GroupVersionResource{Group: f.group(), Version: version, Resource: "gears"}).Namespace(f.namespace)
}

func (f *fleet) definitions() dynamic.ResourceInterface {
	return f.live.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
}

// dropGears takes the test's CRD away with the test.
func (f *fleet) dropGears() {
	f.t.Cleanup(func() {
		live := f.definitions()
		f.stop() // or else it comes back
		if err := live.Delete(context.WithoutCancel(f.t.Context()), "gears."+f.group(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			f.t.Error(err)
		}
	})
}

// inLine waits for an App whose objects nobody can judge.
func (f *fleet) inLine(name, commit string) status.App {
	f.t.Helper()
	return f.until(name, "in line at "+commit, func(s status.App) bool { return s.Sync == status.Synced && s.Revision == commit })
}

// A CRD, its resource and what serves its conversion come with one App. The
// resource waits for the webhook, the release is no failure meanwhile, and it is
// tried at once when an object of the App becomes healthy.
func TestAWebhookThatComesWithTheApp(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := newConverter(t)
	f.dropGears()
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{
		"one/a-gear.yaml": f.gear("v1", "a"), "one/b-paint.yaml": paint("b", "blue"),
		"one/crd.yaml":     f.gears(gearVersion{"v1", true, false}, gearVersion{"v1beta1", true, true}) + c.conversion(),
		"one/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: hook}\nspec: {type: LoadBalancer, ports: [{port: 443}]}\n",
	})
	f.untilColor("b", "blue")
	waiting := f.until("one", "waiting for the webhook", func(s status.App) bool {
		return strings.Contains(s.Message, "a-gear.yaml:1: Gear/"+f.namespace+"/a: waits for what it relies on: the conversion webhook for "+f.group()+"/v1") &&
			time.Until(s.RetryAt) > brief // of which the event needs a moment
	})
	if list := f.releases("one"); len(list) != 1 || list[0].Outcome != release.Running || len(list[0].Attempts) != 1 || list[0].Attempts[0].Error != "" {
		t.Errorf("while it waits the releases are %+v", list)
	}
	c.ready.Store(true)
	services := f.live.Resource(schema.GroupVersionResource{Version: "v1", Resource: "services"}).Namespace(f.namespace)
	if _, err := services.Patch(t.Context(), "hook", types.MergePatchType, []byte(`{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	f.inLine("one", commit)
	if !time.Now().Before(waiting.RetryAt) {
		t.Error("it was tried by the clock, not when the Service became healthy")
	}
	f.settledReleases("one", 1)
}

// What waits for longer than the App's health may take is a failure, and is
// tried again all the same.
func TestAWebhookThatNeverComes(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := newConverter(t)
	f.dropGears()
	f.declare(true, f.app("one", func(a *v1alpha1.App) { a.Spec.Health.Timeout.Duration = brief }))
	commit := f.commit(map[string]string{
		"one/gear.yaml": f.gear("v1", "a"), "one/crd.yaml": f.gears(gearVersion{"v1", true, false}, gearVersion{"v1beta1", true, true}) + c.conversion(),
	})
	deadline := time.Now().Add(patience)
	for {
		if list := f.releases("one"); len(list) == 1 && list[0].Outcome == release.Failed && strings.Contains(list[0].Reason, "can't be called") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the release never failed: %+v", f.releases("one"))
		}
		f.tick()
	}
	c.ready.Store(true)
	f.inLine("one", commit)
	f.settledReleases("one", 1)
}

// A CRD that is no longer declared stays while there is an object of it, whoever
// made that, and goes when the last one does: nobody has to ask.
func TestACRDIsKeptForItsObjects(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.dropGears()
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/crd.yaml": f.gears(gearVersion{"v1", true, true})}))
	for _, name := range []string{"hers", "his"} {
		if _, err := f.liveGears("v1").Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": f.group() + "/v1", "kind": "Gear", "metadata": map[string]any{"name": name},
		}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	commit := f.commit(map[string]string{"one/crd.yaml": ""})
	f.until("one", "told what is kept", func(s status.App) bool {
		return s.Revision == commit && strings.Contains(s.Message, "there are still objects of kind Gear, such as "+f.namespace+"/hers, and deleting the CRD would delete them all")
	})
	if err := f.liveGears("v1").Delete(t.Context(), "hers", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.until("one", "kept for the other", func(s status.App) bool { return strings.Contains(s.Message, "such as "+f.namespace+"/h") })
	if _, err := f.definitions().Get(t.Context(), "gears."+f.group(), metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := f.liveGears("v1").Delete(t.Context(), "his", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.until("one", "rid of the CRD", func(s status.App) bool {
		_, err := f.definitions().Get(t.Context(), "gears."+f.group(), metav1.GetOptions{})
		return err != nil && s.Message == ""
	})
}

// Somebody deletes a CRD, which takes its objects along: both come back.
func TestACRDThatSomebodyDeletes(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.dropGears()
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{"one/gear.yaml": f.gear("v1", "a"), "one/crd.yaml": f.gears(gearVersion{"v1", true, true})})
	f.inLine("one", commit)
	f.settledReleases("one", 1)
	before, err := f.liveGears("v1").Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.definitions().Delete(t.Context(), "gears."+f.group(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.until("one", "whole again", func(s status.App) bool {
		now, err := f.liveGears("v1").Get(t.Context(), "a", metav1.GetOptions{})
		return err == nil && now.GetUID() != before.GetUID() && s.Sync == status.Synced
	})
	for _, r := range f.releases("one")[1:] {
		if !r.Corrective() {
			t.Errorf("a release that nobody intended: %+v", r)
		}
	}
}

// A CRD moves on from one version to the next: what is declared in the new one
// is applied, and what is declared in one that isn't served any more is told. A
// change of scope is refused, with no advice to delete anything.
func TestACRDMovesOnToAnotherVersion(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.dropGears()
	f.declare(true, f.app("one"))
	f.inLine("one", f.commit(map[string]string{
		"one/a.yaml": f.gear("v1alpha1", "a"), "one/b.yaml": f.gear("v1alpha1", "b"), "one/crd.yaml": f.gears(gearVersion{"v1alpha1", true, true}),
	}))
	before, err := f.liveGears("v1alpha1").Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	moved := f.gears(gearVersion{"v1beta1", true, true}, gearVersion{"v1alpha1", false, false})
	commit := f.commit(map[string]string{"one/a.yaml": f.gear("v1beta1", "a"), "one/crd.yaml": moved})
	f.until("one", "moved on, but for b", func(s status.App) bool {
		return s.Revision == commit && strings.Contains(s.Message, "one/b.yaml:1") && strings.Contains(s.Message, "its CRD (one/crd.yaml:1) serves Gear as v1beta1, not as v1alpha1; change its apiVersion")
	})
	commit = f.commit(map[string]string{"one/b.yaml": f.gear("v1beta1", "b")})
	f.inLine("one", commit)
	after, err := f.liveGears("v1beta1").Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if before.GetUID() != after.GetUID() {
		t.Error("the object was made anew")
	}
	f.commit(map[string]string{"one/crd.yaml": strings.Replace(moved, "scope: Namespaced", "scope: Cluster", 1)})
	f.until("one", "refused", func(s status.App) bool {
		return strings.Contains(s.Message, "spec.scope") && strings.Contains(s.Message, "undo the change, or give the kind another name")
	})
	commit = f.commit(map[string]string{"one/crd.yaml": f.gears(gearVersion{"v1beta1", true, true})})
	f.until("one", "refused for what is stored", func(s status.App) bool {
		return s.Revision == commit && strings.Contains(s.Message, "status.storedVersions") && strings.Contains(s.Message, "with served: false")
	})
}

// A CRD of 800 KB is applied, found in line, and put right like any other object.
func TestALargeCRD(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.dropGears()
	var properties strings.Builder
	for i := range 800 {
		fmt.Fprintf(&properties, "            field%04d: {type: object, description: '%s', properties: {a: {type: string}, b: {type: integer}}}\n", i, strings.Repeat("word ", 200))
	}
	crd := strings.Replace(f.gears(gearVersion{"v1", true, true}), "{type: object, x-kubernetes-preserve-unknown-fields: true}}", "LARGE}", 1)
	crd = strings.Replace(crd, "  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: LARGE}, subresources: {status: {}}}\n",
		"  - name: v1\n    served: true\n    storage: true\n    subresources: {status: {}}\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            properties:\n"+
			strings.ReplaceAll(properties.String(), "            field", "              field"), 1)
	if len(crd) < 800<<10 {
		t.Fatalf("the CRD has only %d bytes", len(crd))
	}
	f.declare(true, f.app("one"))
	start := time.Now()
	commit := f.commit(map[string]string{"one/gear.yaml": strings.Replace(f.gear("v1", "a"), "teeth: 12", "field0001: {a: x}", 1), "one/crd.yaml": crd})
	f.inLine("one", commit)
	t.Logf("%d KB are in line after %s", len(crd)>>10, time.Since(start).Round(time.Millisecond))
	f.settledReleases("one", 1)
	start = time.Now()
	if _, err := f.definitions().Patch(t.Context(), "gears."+f.group(), types.JSONPatchType,
		[]byte(`[{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/field0001/description", "value": "y"}]`), metav1.PatchOptions{FieldManager: "ada"}); err != nil {
		t.Fatal(err)
	}
	f.settledReleases("one", 2)
	list := f.releases("one")
	t.Logf("a hand edit is put right after %s", time.Since(start).Round(time.Millisecond))
	if r := list[1]; !r.Corrective() || !strings.Contains(r.Changes[0].Reason, "spec.versions was changed by ada") {
		t.Errorf("the corrective release is %+v", r)
	}
}

// An App's own rule holds its release until it says that the object works; when
// the rule goes, the object is judged as before.
func TestAnAppsOwnRuleForHealth(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.dropGears()
	ruled := func(a *v1alpha1.App) {
		a.Spec.Health.Rules = []v1alpha1.HealthRule{{
			Kind: "Gear", Group: f.group(), Progressing: "!has(object.status.phase)", Healthy: `object.status.phase == "Fine"`, Message: `"nobody has looked at it"`,
		}}
	}
	f.declare(true, f.app("one", ruled))
	commit := f.commit(map[string]string{"one/gear.yaml": f.gear("v1", "a"), "one/crd.yaml": f.gears(gearVersion{"v1", true, true})})
	f.until("one", "waiting for its gear", func(s status.App) bool {
		return s.Sync == status.Synced && s.Health == status.Progressing && strings.Contains(s.Message, "nobody has looked at it")
	})
	if _, err := f.liveGears("v1").Patch(t.Context(), "a", types.MergePatchType, []byte(`{"status":{"phase":"Fine"}}`), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	f.synced("one", commit)
	f.settledReleases("one", 1)
	f.declare(true, f.app("one"))
	f.until("one", "judged without the rule", func(s status.App) bool { return s.Health == status.HealthUnset && s.Sync == status.Synced })
}
