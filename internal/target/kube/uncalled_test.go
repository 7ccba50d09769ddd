package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/target"
)

// converter is a conversion webhook that isn't there until it is ready.
type converter struct {
	*httptest.Server
	ready atomic.Bool
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

// definition is a CRD whose versions it converts: v1 is preferred, v1beta1 stored.
func (c *converter) definition(kindName string) string {
	const version = `served: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}`
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: %[2]s, plural: %[1]ss}
  versions: [{name: v1, storage: false, %[3]s}, {name: v1beta1, storage: true, %[3]s}]
  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {url: '%[4]s/convert', caBundle: %[5]s}}
`, strings.ToLower(kindName), kindName, version, c.URL, base64.StdEncoding.EncodeToString(ca))
}

// A conversion webhook that isn't there yet: what it has to convert waits, all
// else goes on, and a watch that can't even begin holds up nobody.
func TestAConversionWebhookIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := newConverter(t)
	kindName := "Cog" + strings.ReplaceAll(b.namespace, "-", "")
	definition := c.definition(kindName)
	b.install(definition)
	cog := func(version, name string) string {
		return fmt.Sprintf("{apiVersion: example.com/%s, kind: %s, metadata: {name: %s}, spec: {teeth: 12}}", version, kindName, name)
	}
	all := b.mustResolve(definition, cog("v1", "new"), cog("v1beta1", "old"), configMap)
	byName := map[string]plan.Desired{}
	for _, d := range all {
		byName[d.Key.Name] = d
	}
	fresh, old := byName["new"], byName["old"]
	b.applySoon(old) // it is stored as it is declared
	b.until("the new version is refused by the webhook alone", func() bool {
		o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: fresh.Key, Desired: fresh}})[0]
		if o.Err == nil {
			t.Fatal("it is applied though nobody converts it")
		}
		return errors.Is(o.Err, target.ErrSkipped) && strings.Contains(o.Err.Error(), "the conversion webhook for example.com/v1 "+kindName+" can't be called: ")
	})
	b.until("the kind doesn't hold up the rest", func() bool {
		known, err := b.Watch([]schema.GroupKind{fresh.Key.GroupKind()})
		return known && err == nil
	})
	c.ready.Store(true)
	b.applySoon(fresh)
	b.until("both are seen", func() bool {
		_, one := b.Live(old.Key)
		_, two := b.Live(fresh.Key)
		return one && two
	})
}

// An admission webhook whose Service isn't there is told with that Service's
// name, also of what nothing else may be told of; and in a plan it is no refusal.
func TestAnAdmissionWebhookIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hooks := b.dynamic.Resource(schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"})
	if _, err := hooks.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": map[string]any{"name": b.namespace},
		"webhooks": []any{map[string]any{
			"name": "check.example.com", "sideEffects": "None", "admissionReviewVersions": []any{"v1"}, "failurePolicy": "Fail",
			"clientConfig":      map[string]any{"service": map[string]any{"namespace": b.namespace, "name": "hook", "path": "/check"}, "caBundle": ""},
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": b.namespace}},
			"rules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "resources": []any{"secrets", "configmaps"}, "operations": []any{"CREATE", "UPDATE"},
			}},
		}},
	}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hooks.Delete(context.WithoutCancel(t.Context()), b.namespace, metav1.DeleteOptions{}) })
	desired := b.mustResolve(secret, configMap)
	says := fmt.Sprintf("the webhook check.example.com, served by the Service %s/hook, can't be called: service \"hook\" not found", b.namespace)
	asked := func() bool {
		outcomes := b.Apply(t.Context(), b.actor(), []plan.Change{
			{Action: plan.Create, Key: desired[0].Key, Desired: desired[0]}, {Action: plan.Create, Key: desired[1].Key, Desired: desired[1]},
		})
		for _, o := range outcomes {
			if o.Err == nil {
				b.deleteIfThere(desired[0])
				b.deleteIfThere(desired[1])
				return false
			}
			if !errors.Is(o.Err, target.ErrSkipped) || !strings.Contains(o.Err.Error(), says) {
				t.Fatalf("%s: the error is %v, want it to say %q", o.Key, o.Err, says)
			}
		}
		return true
	}
	for deadline := time.Now().Add(2 * time.Minute); !asked(); { // nothing tells when the server has taken a webhook up
		if time.Now().After(deadline) {
			t.Fatal("the webhook is never asked")
		}
	}
	as := b.actor()
	as.Values, as.Redact = true, redact.Redactor{}
	for _, f := range b.Check(t.Context(), as, desired) {
		if f.Err != nil || !strings.HasPrefix(f.Unasked, says) {
			t.Errorf("%s: the plan says %v (%q), want %q", f.Key, f.Err, f.Unasked, says)
		}
	}
}
