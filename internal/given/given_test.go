package given_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/object"
)

// app asks for values in both ways, of one Secret twice.
func app() v1alpha1.App {
	a := v1alpha1.App{}
	a.Spec.Target.Namespace = "shop"
	a.Spec.Render.Helm = &v1alpha1.Helm{ValuesFrom: []v1alpha1.Given{
		{Kind: "Secret", Name: "db"}, {Kind: "Secret", Name: "db", Key: "password", At: "db.password"}, {Kind: "ConfigMap", Name: "more", Optional: true},
	}}
	a.Spec.Render.Substitute = &v1alpha1.Substitute{From: []v1alpha1.Given{{Kind: "ConfigMap", Name: "cluster"}}}
	return a
}

func TestAsked(t *testing.T) {
	t.Parallel()
	asks := given.Asked(app())
	db, more, cluster := object.Key{Kind: "Secret", Namespace: "shop", Name: "db"}, object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "more"}, object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "cluster"}
	want := []given.Ask{
		{Field: "spec.render.helm.valuesFrom[0]", Key: db, Entry: "values.yaml"},
		{Field: "spec.render.helm.valuesFrom[1]", Key: db, Entry: "password"},
		{Field: "spec.render.helm.valuesFrom[2]", Key: more, Entry: "values.yaml", Optional: true},
		{Field: "spec.render.substitute.from[0]", Key: cluster},
	}
	if diff := cmp.Diff(want, asks); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]object.Key{db, more, cluster}, given.Keys(asks)); diff != "" {
		t.Error(diff)
	}
	if none := given.Asked(v1alpha1.App{}); none != nil {
		t.Errorf("who asks for nothing gets %v", none)
	}
}

// live is an object of the API.
func live(data, binary map[string]any) map[string]any {
	return map[string]any{"metadata": map[string]any{"resourceVersion": "7"}, "data": data, "binaryData": binary}
}

func TestTake(t *testing.T) {
	t.Parallel()
	asks := given.Asked(app())
	db, cluster := asks[0].Key, asks[3].Key
	for name, test := range map[string]struct {
		key  object.Key
		live map[string]any
		want given.Object
		err  string
	}{
		"a Secret, what is asked for": {key: db, live: live(map[string]any{"values.yaml": "YTogMQ==", "password": "aHVudGVyMg==", "other": "eA=="}, nil),
			want: given.Object{Kind: "Secret", Name: "db", Version: "7", Data: map[string][]byte{"values.yaml": []byte("a: 1"), "password": []byte("hunter2")}}},
		"a ConfigMap, all of it": {key: cluster, live: live(map[string]any{"region": "eu"}, map[string]any{"bin": "AAE="}),
			want: given.Object{Kind: "ConfigMap", Name: "cluster", Version: "7", Data: map[string][]byte{"region": []byte("eu"), "bin": {0, 1}}}},
		"none":       {key: db, want: given.Object{Kind: "Secret", Name: "db", Data: map[string][]byte{}}},
		"no base64":  {key: db, live: live(map[string]any{"password": "hunter2-canary!"}, nil), err: "Secret/shop/db: the key password of it is not valid base64"},
		"too large":  {key: cluster, live: live(map[string]any{"x": strings.Repeat("x", given.MaxBytes+1)}, nil), err: "ConfigMap/shop/cluster: has more than 1048576 bytes"},
		"odd fields": {key: cluster, live: map[string]any{"data": "canary"}, want: given.Object{Kind: "ConfigMap", Name: "cluster", Data: map[string][]byte{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := given.Take(test.key, test.live, asks)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "canary") {
					t.Errorf("got the error %v, want %s", err, test.err)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	asks := given.Asked(app())
	db := given.Object{Kind: "Secret", Name: "db", Version: "1", Data: map[string][]byte{"values.yaml": nil, "password": nil}}
	cluster := given.Object{Kind: "ConfigMap", Name: "cluster", Version: "1"}
	for want, v := range map[string]given.Values{
		"": {db, cluster},
		"spec.render.helm.valuesFrom[0]: there is no Secret db in the namespace shop; make it":    {{Kind: "Secret", Name: "db"}, cluster},
		"spec.render.helm.valuesFrom[1]: the Secret db in the namespace shop has no key password": {{Kind: "Secret", Name: "db", Version: "1", Data: map[string][]byte{"values.yaml": nil}}, cluster},
		"spec.render.substitute.from[0]: there is no ConfigMap cluster in the namespace shop":     {db},
	} {
		if err := v.Missing(asks); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got the error %v, want %s", err, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	v := given.Values{
		{Kind: "ConfigMap", Name: "c", Data: map[string][]byte{"a": []byte("open")}},
		{Kind: "Secret", Name: "s", Data: map[string][]byte{
			"values.yaml": []byte("db: {password: &p hunter2, port: 5432, pin: 123456, on: true, again: *p}\nlist: [deep]\n"), "raw": []byte("plain text"), "odd": []byte("{ not: yaml"),
		}},
	}
	if diff := cmp.Diff([]string{"123456", "deep", "hunter2", "plain text", "{ not: yaml"}, v.Secrets()); diff != "" {
		t.Error(diff)
	}
	if !v.Confidential() || v[:1].Confidential() {
		t.Error("what came from a Secret is confidential, and nothing else")
	}
}
