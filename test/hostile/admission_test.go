package hostile_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// refuse serves an admission webhook that refuses objects labelled evil in the
// stand's namespace, and has the API server ask it.
func refuse(t *testing.T, s *stand, resource string, message func(object string) string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			Request struct {
				UID    string
				Object json.RawMessage
			}
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &review)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"response": map[string]any{"uid": review.Request.UID, "allowed": false, "status": map[string]any{"message": message(string(review.Request.Object))}},
		})
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	webhooks := s.cluster.Resource(schema.GroupVersionResource{
		Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations",
	})
	configuration := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
		"metadata": map[string]any{"name": s.namespace},
		"webhooks": []any{map[string]any{
			"name": "refuses.example.com", "sideEffects": "None", "admissionReviewVersions": []any{"v1"}, "failurePolicy": "Fail",
			"clientConfig":      map[string]any{"url": server.URL, "caBundle": base64.StdEncoding.EncodeToString(ca)},
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": s.namespace}},
			"objectSelector":    map[string]any{"matchLabels": map[string]any{"evil": "yes"}},
			"rules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "resources": []any{resource}, "operations": []any{"CREATE", "UPDATE"},
			}},
		}},
	}}
	if _, err := webhooks.Create(t.Context(), configuration, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = webhooks.Delete(t.Context(), s.namespace, metav1.DeleteOptions{}) })
}

// noDisks lets no volume be claimed in the stand's namespace, and waits until
// that is enforced: a quota is refused by when a controller has counted.
func noDisks(t *testing.T, s *stand) {
	t.Helper()
	quotas := s.cluster.Resource(schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}).Namespace(s.namespace)
	_, err := quotas.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "no-disks"},
		"spec": map[string]any{"hard": map[string]any{"persistentvolumeclaims": "0"}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the quota to be enforced", func() string {
		quota, err := quotas.Get(t.Context(), "no-disks", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if hard, found, _ := unstructured.NestedMap(quota.Object, "status", "hard"); !found || len(hard) == 0 {
			return "it has no status"
		}
		return ""
	})
}
