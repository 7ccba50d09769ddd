package kube

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

// mostNotice is the API's limit for the text of an event.
const mostNotice = 1024

// Tell leaves a notice as an event of the object, where `kubectl describe`
// shows it. Without the right to write events nothing is left.
func (c *Cluster) Tell(ctx context.Context, key object.Key, n target.Notice) {
	namespace := key.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	kindOf := "Normal"
	if n.Warning {
		kindOf = "Warning"
	}
	regarding := map[string]any{"kind": key.Kind, "name": key.Name}
	if key.Namespace != "" {
		regarding["namespace"] = key.Namespace
	}
	if gvk, _, ok, err := c.kinds.Preferred(ctx, key.GroupKind()); err == nil && ok {
		regarding["apiVersion"] = gvk.GroupVersion().String()
	}
	if live, ok := c.view.Live(key); ok {
		regarding["uid"] = live.UID
	}
	event := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "events.k8s.io/v1", "kind": "Event",
		"metadata":            map[string]any{"generateName": "plumb-", "namespace": namespace},
		"eventTime":           c.now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
		"reportingController": "plumb.dev/plumb", "reportingInstance": "plumb",
		"action": "Sync", "reason": n.Reason, "type": kindOf,
		"note":      n.Message[:min(len(n.Message), mostNotice)],
		"regarding": regarding,
	}}
	events := schema.GroupVersionResource{Group: "events.k8s.io", Version: "v1", Resource: "events"}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := c.dynamic.Resource(events).Namespace(namespace).Create(ctx, event, metav1.CreateOptions{FieldManager: object.FieldManager}); err != nil {
		c.log.Debug("an event can't be written", "object", key.String(), "error", err)
	}
}
