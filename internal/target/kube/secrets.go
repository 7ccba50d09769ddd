package kube

import (
	"context"
	"encoding/base64"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

var _ target.Secrets = (*Cluster)(nil)

// secretsOf are the Secrets of an actor's namespace, in its name.
func (c *Cluster) secretsOf(as target.Actor) (dynamic.ResourceInterface, error) {
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	return cs.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(as.Namespace), nil
}

func secretKey(as target.Actor, name string) object.Key {
	return object.Key{Kind: "Secret", Namespace: as.Namespace, Name: name}
}

// SecretsWith implements target.Secrets.
func (c *Cluster) SecretsWith(ctx context.Context, as target.Actor, with map[string]string) ([]target.Secret, error) {
	const most = 500
	list, err := c.List(ctx, as, target.Query{APIVersion: "v1", Kind: "Secret", Namespace: as.Namespace, Labels: labels.SelectorFromSet(with).String(), Most: most})
	if err != nil {
		return nil, err
	}
	found := make([]target.Secret, len(list))
	for i, o := range list {
		u := unstructured.Unstructured{Object: o}
		kind, _, _ := unstructured.NestedString(o, "type")
		data, _, _ := unstructured.NestedStringMap(o, "data")
		found[i] = target.Secret{Namespace: u.GetNamespace(), Name: u.GetName(), Type: kind, Labels: u.GetLabels(), Data: map[string][]byte{}}
		for name, text := range data {
			if content, err := base64.StdEncoding.DecodeString(text); err == nil {
				found[i].Data[name] = content
			}
		}
	}
	return found, nil
}

// PutSecret implements target.Secrets.
func (c *Cluster) PutSecret(ctx context.Context, as target.Actor, s target.Secret) error {
	secrets, err := c.secretsOf(as)
	if err != nil {
		return err
	}
	data := map[string]any{}
	for name, content := range s.Data {
		data[name] = base64.StdEncoding.EncodeToString(content)
	}
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": s.Name, "namespace": as.Namespace}, "type": s.Type, "data": data,
	}}
	o.SetLabels(s.Labels)
	err = c.limited(ctx, func(ctx context.Context) error {
		_, err := secrets.Apply(ctx, s.Name, o, metav1.ApplyOptions{FieldManager: object.FieldManager, Force: true})
		return err
	})
	if err != nil {
		return explainMasked(secretKey(as, s.Name), err, as.Redact.Of(o.Object))
	}
	return nil
}

// DropSecret implements target.Secrets.
func (c *Cluster) DropSecret(ctx context.Context, as target.Actor, name string) error {
	secrets, err := c.secretsOf(as)
	if err != nil {
		return err
	}
	err = c.limited(ctx, func(ctx context.Context) error { return secrets.Delete(ctx, name, metav1.DeleteOptions{}) })
	if err != nil && !apierrors.IsNotFound(err) {
		return explain(secretKey(as, name), err)
	}
	return nil
}
