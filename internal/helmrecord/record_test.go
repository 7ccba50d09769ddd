package helmrecord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

func sample(value string) Release {
	made := func(kind, name string, more map[string]any) object.Object {
		o := map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}}
		for k, v := range more {
			o[k] = v
		}
		return object.Object{Unstructured: &unstructured.Unstructured{Object: o}, Origin: object.Origin{File: "c/templates/a.yaml", Line: 3}}
	}
	return Release{
		App: "team.web", Name: "web", Namespace: "shop", Chart: Chart{Name: "shop", Version: "1.2.3", AppVersion: "9"}, Values: map[string]any{"v": value},
		Objects: []object.Object{made("ConfigMap", "a", map[string]any{"data": map[string]any{"v": value}}), made("Secret", "s", map[string]any{"stringData": map[string]any{"p": "hunter2-canary"}})},
		Text:    "applied c0ffee", At: time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC),
	}
}

// kept is a namespace's Secrets in memory.
type kept map[string]target.Secret

func (k kept) SecretsWith(_ context.Context, _ target.Actor, labels map[string]string) (found []target.Secret, _ error) {
	for _, s := range k {
		matches := true
		for name, value := range labels {
			matches = matches && s.Labels[name] == value
		}
		if matches {
			found = append(found, s)
		}
	}
	return found, nil
}

func (k kept) PutSecret(_ context.Context, _ target.Actor, s target.Secret) error {
	k[s.Name] = s
	return nil
}

func (k kept) DropSecret(_ context.Context, _ target.Actor, name string) error {
	delete(k, name)
	return nil
}

func (k kept) statuses(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for v := 1; v < 100; v++ {
		s, has := k[fmt.Sprintf("sh.helm.release.v1.web.v%d", v)]
		if !has {
			continue
		}
		r, err := parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if r.Info.Status.String() != s.Labels["status"] || r.Version != v {
			t.Errorf("%s says %s, and its labels %v", s.Name, r.Info.Status, s.Labels)
		}
		fmt.Fprintf(&out, "%d:%s ", v, r.Info.Status)
	}
	return strings.TrimSpace(out.String())
}

func TestRecords(t *testing.T) {
	t.Parallel()
	k := kept{}
	keeper := Keeper{k}
	write := func(value string) {
		t.Helper()
		if err := keeper.Write(t.Context(), target.Actor{}, sample(value)); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	write("one")
	if got := k.statuses(t); got != "1:deployed" {
		t.Errorf("the same again is recorded again: %s", got)
	}
	write("two")
	if got := k.statuses(t); got != "1:superseded 2:deployed" {
		t.Errorf("after another there are %s", got)
	}
	for i := range 12 {
		write(fmt.Sprint("more ", i))
	}
	if got := k.statuses(t); !strings.HasPrefix(got, "5:superseded 6:") || !strings.HasSuffix(got, "13:superseded 14:deployed") {
		t.Errorf("of many are kept %s", got)
	}
	if err := keeper.Remove(t.Context(), "team.web"); err != nil || len(k) != 0 {
		t.Errorf("of a removed App are left %d, and the error %v", len(k), err)
	}
}

// What Helm recorded by itself goes on being its own.
func TestRecordsOfHelm(t *testing.T) {
	t.Parallel()
	before := sample("by helm")
	before.App = ""
	c, err := Next(nil, before)
	if err != nil {
		t.Fatal(err)
	}
	byHelm := c.Put[0]
	delete(byHelm.Labels, object.LabelRecordOf)
	mimic := target.Secret{Name: "mimic", Type: "Opaque", Labels: map[string]string{"owner": "helm", object.LabelRecordOf: "team.web"}}
	k := kept{byHelm.Name: byHelm, "mimic": mimic, "odd": {Name: "odd", Labels: map[string]string{"owner": "helm", "name": "web", "status": "deployed"}, Data: map[string][]byte{"release": []byte("x")}}}
	keeper := Keeper{k}
	later := sample("by plumb")
	later.At = later.At.Add(time.Hour)
	if err := keeper.Write(t.Context(), target.Actor{}, later); err != nil {
		t.Fatal(err)
	}
	if got := k.statuses(t); got != "1:superseded 2:deployed" {
		t.Errorf("there are %s", got)
	}
	if err := keeper.Remove(t.Context(), "team.web"); err != nil || k.statuses(t) != "1:superseded" || len(k) != 3 {
		t.Errorf("after the App is gone there are %s, and the error %v", k.statuses(t), err)
	}
}

func TestARecordTellsNoSecret(t *testing.T) {
	t.Parallel()
	c, err := Next(nil, sample("one"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := parse(c.Put[0])
	if err != nil {
		t.Fatal(err)
	}
	want := "---\n# Source: c/templates/a.yaml\napiVersion: v1\ndata:\n  v: one\nkind: ConfigMap\nmetadata:\n  name: a\n" +
		"---\n# Source: c/templates/a.yaml\napiVersion: v1\ndata:\n  p: <hidden>\nkind: Secret\nmetadata:\n  name: s\n"
	if diff := cmp.Diff(want, r.Manifest); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(fmt.Sprint(r), "canary") || r.Chart.Metadata.Name != "shop" || r.Config["v"] != "one" {
		t.Errorf("it is %+v", r)
	}
	big := sample("x")
	text := make([]byte, 2<<20) // of which nothing can be packed
	sum := sha256.Sum256(nil)
	for at := 0; at < len(text); at += len(sum) {
		copy(text[at:], sum[:])
		sum = sha256.Sum256(sum[:])
	}
	big.Objects = sample(hex.EncodeToString(text)).Objects
	if _, err := Next(nil, big); err == nil || !strings.Contains(err.Error(), "unset spec.render.helm.record") {
		t.Errorf("a record that is too large: the error is %v", err)
	}
}
