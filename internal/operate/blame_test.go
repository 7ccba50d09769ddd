package operate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
)

// past has each line written by another commit, later lines later.
type past struct{ source.Past }

func (past) Blame(_ context.Context, url string, p source.Place) ([]source.Line, error) {
	if url != repository || p.Commit != "c0ffee" || p.First != 1 || p.Last != 0 {
		return nil, fmt.Errorf("asked for %s %+v", url, p)
	}
	var lines []source.Line
	for n := range 40 {
		lines = append(lines, source.Line{Number: n + 1, Revision: release.Revision{
			Commit: fmt.Sprintf("%s@%d", p.Path, n+1), Author: "Ada <ada@example.com>", Message: "why\n\nbecause", Time: day(n + 1),
		}})
	}
	return lines, nil
}

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// own gives a live object managed fields.
func own(u *unstructured.Unstructured, entries ...metav1.ManagedFieldsEntry) {
	u.SetManagedFields(entries)
}

func managed(manager string, operation metav1.ManagedFieldsOperationType, subresource, fields string, n int) metav1.ManagedFieldsEntry {
	at := metav1.NewTime(day(n))
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: operation, Subresource: subresource, APIVersion: "apps/v1", Time: &at,
		FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}
}

// told is a blame as text, a line for each field.
func told(b plan.Blame) []string {
	var lines []string
	for _, f := range b.Fields {
		value := "-"
		if f.Value != nil {
			value = fmt.Sprint(f.Value.Content, f.Value.Hidden)
		}
		who := strings.Trim(fmt.Sprintf("%s %s %s %d", f.Manager, f.Operation, f.Subresource, f.Time.Day()), " ")
		if f.Line != nil {
			who = fmt.Sprintf("%s %v %s %s", f.Line.Origin, f.Line.Exact, f.Line.Commit, f.Line.Subject)
		}
		lines = append(lines, f.Path+" = "+value+" by "+who)
	}
	return lines
}

func TestBlame(t *testing.T) {
	t.Parallel()
	b := newBench(t, overlay(), "prod")
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "prod-web"}
	u := b.live[web]
	b.change(t, "Deployment", "/spec/replicas", int64(8))
	own(u,
		managed("plumb", metav1.ManagedFieldsOperationApply, "", `{"f:metadata":{"f:annotations":{"f:example.com/owner":{},"f:plumb.dev/id":{}}},"f:spec":{"f:selector":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:args":{},"f:image":{},"f:env":{"k:{\"name\":\"LEVEL\"}":{".":{},"f:name":{},"f:value":{}}}}}}}}}`, 1),
		managed("kubectl", metav1.ManagedFieldsOperationUpdate, "scale", `{"f:spec":{"f:replicas":{}}}`, 2),
		managed("kube-controller-manager", metav1.ManagedFieldsOperationUpdate, "status", `{"f:status":{"f:replicas":{},"f:conditions":{}}}`, 3),
	)
	op := b.operator()
	got, err := op.Blame(t.Context(), object.Key{Kind: "Deployment", Name: web.Name})
	if err != nil {
		t.Fatal(err)
	}
	if got.App != "shop/web" || got.Revision != "c0ffee" || got.Key != web {
		t.Errorf("told %+v", got)
	}
	want := []string{
		"metadata.annotations.example.com/owner = team-a by base/all.yaml:8 true base/all.yaml@8 why",
		"spec.replicas = 8 by kubectl Update scale 2",
		"spec.selector = map[matchLabels:map[app:web]] by base/all.yaml:11 true base/all.yaml@11 why",
		`spec.template.spec.containers[name="web"].args = [--fast --port=80] by base/all.yaml:19 true base/all.yaml@21 why`,
		`spec.template.spec.containers[name="web"].env[name="LEVEL"].value = warn by prod/level.yaml:10 true prod/level.yaml@10 why`,
		`spec.template.spec.containers[name="web"].image = shop:1.4 by prod/kustomization.yaml:5 true prod/kustomization.yaml@5 why`,
		"status = - by kube-controller-manager Update status 3",
	}
	if diff := cmp.Diff(want, told(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBlameOfASecretTellsNoValue(t *testing.T) {
	t.Parallel()
	b := plainBench(t)
	key := b.known.Desired[1].Key
	u := b.live[key]
	u.Object["data"] = map[string]any{"token": "aHVudGVyMg=="}
	delete(u.Object, "stringData")
	b.known.Desired[1].Body = []byte(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"keys","namespace":"shop"},"data":{"token":"aHVudGVyMg=="}}`)
	own(u, managed("plumb", metav1.ManagedFieldsOperationApply, "", `{"f:data":{"f:token":{}}}`, 1))
	op := b.operator()
	got, err := op.Blame(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Fields) != 1 || got.Fields[0].Value.Hidden == "" || got.Fields[0].Value.Content != nil {
		t.Fatalf("told %+v", got.Fields)
	}
	if line := got.Fields[0].Line; line == nil || line.Origin != (object.Origin{File: "web/all.yaml", Line: 30}) || !line.Exact {
		t.Errorf("it comes from %+v", line)
	}
}

func TestBlameOfWhatNobodyDeclares(t *testing.T) {
	t.Parallel()
	b := plainBench(t)
	key := object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "stray"}
	b.live[key] = &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "stray", "namespace": "shop"}, "data": map[string]any{"a": "b"},
	}}
	own(b.live[key], managed("helm", metav1.ManagedFieldsOperationUpdate, "", `{"f:data":{"f:a":{}}}`, 4))
	got, err := b.operator().Blame(t.Context(), key)
	if err != nil || got.App != "" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"data.a = b by helm Update  4"}, told(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var refusal *status.Refusal
	if _, err := b.operator().Blame(t.Context(), object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "none"}); !errors.As(err, &refusal) || refusal.Kind != status.NotThere {
		t.Errorf("got %v", err)
	}
}
