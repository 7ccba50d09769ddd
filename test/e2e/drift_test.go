package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/object"
)

// hand is a change that someone makes to a live object, past Git.
type hand struct {
	who    string // the field manager
	app    string // whose object it is
	object object.Key
	patch  patch
	field  string // what the history must name
}

// nobody is who removed a field: the server keeps no record of it.
const nobody = "unknown"

// patch is how an object is changed.
type patch struct {
	kind        types.PatchType // none means to replace the object by the one that edit makes
	body        string
	subresource string
	edit        func(o *unstructured.Unstructured)
}

// at makes a JSON patch of one operation.
func at(op, path string, value any) patch {
	operation := map[string]any{"op": op, "path": path}
	if op != "remove" {
		operation["value"] = value
	}
	body, err := json.Marshal([]any{operation})
	if err != nil {
		panic(err)
	}
	return patch{kind: types.JSONPatchType, body: string(body)}
}

func merge(body string) patch     { return patch{kind: types.MergePatchType, body: body} }
func strategic(body string) patch { return patch{kind: types.StrategicMergePatchType, body: body} }
func scale(replicas int) patch {
	return patch{kind: types.MergePatchType, body: fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas), subresource: "scale"}
}
func replace(edit func(o *unstructured.Unstructured)) patch { return patch{edit: edit} }

// hands are changes of different kinds of fields, of different kinds of objects, by different means.
func (f *fleet) hands() []hand {
	dev := func(kind, name string) object.Key {
		key := f.key(kind, name)
		key.Namespace = "dev"
		return key
	}
	const env = "/spec/template/spec/containers/0/env/0"
	return []hand{
		{"hand-image", "dev", dev("Deployment.apps", "frontend"), strategic(`{"spec":{"template":{"spec":{"containers":[{"name":"frontend","image":"evil:1"}]}}}}`), "image"},
		{"hand-scale", "guestbook", f.key("Deployment.apps", "redis-replica"), scale(1), "replicas"},
		{nobody, "dev", dev("Deployment.apps", "backend"), at("remove", env, nil), "env"},
		{nobody, "dev", dev("Deployment.apps", "cache"), at("remove", "/metadata/labels/app.kubernetes.io~1environment", nil), "labels"},
		{"hand-data", "dev", dev("ConfigMap", "backup-script"), merge(`{"data":{"backup.sh":"rm -rf /"}}`), "data"},
		{"hand-type", "pages", f.key("Service", "frontend"), merge(`{"spec":{"type":"ClusterIP"}}`), "type"},
		{nobody, "dev", dev("Service", "backend"), at("remove", "/metadata/labels/plumb.dev~1app", nil), "labels"},
		{"hand-mark", "dev", dev("Service", "cache"), merge(`{"metadata":{"annotations":{"plumb.dev/digest":"0"}}}`), "annotations"},
		{"hand-hpa", "dev", dev("HorizontalPodAutoscaler.autoscaling", "frontend"), merge(`{"spec":{"maxReplicas":9}}`), "maxReplicas"},
		{"hand-cron", "dev", dev("CronJob.batch", "backup-daily"), merge(`{"spec":{"schedule":"* * * * *"}}`), "schedule"},
		{nobody, "dev", dev("Deployment.apps", "database-replica"), at("remove", "/spec/template/spec/containers/0/resources/limits", nil), "limits"},
		{"hand-port", "dev", dev("Service", "frontend"), at("replace", "/spec/ports/0/port", 8080), "ports"},
		{"hand-secret", "extras", f.key("Secret", "login"), merge(`{"data":{"password":"b3BlbiBzZXNhbWU="}}`), "data"},
		{"hand-account", "extras", f.key("ServiceAccount", "robot"), merge(`{"automountServiceAccountToken":true}`), "automountServiceAccountToken"},
		{"hand-role", "extras", f.key("Role.rbac.authorization.k8s.io", "reader"), at("add", "/rules/0/verbs/-", "delete"), "rules"},
		{"hand-policy", "extras", f.key("NetworkPolicy.networking.k8s.io", "closed"), merge(`{"spec":{"ingress":[{}]}}`), "ingress"},
		{"hand-budget", "extras", f.key("PodDisruptionBudget.policy", "frontend"), merge(`{"spec":{"maxUnavailable":"50%"}}`), "maxUnavailable"},
		{nobody, "extras", f.key("Ingress.networking.k8s.io", "board"), merge(`{"metadata":{"annotations":{"example.com/limit":null}}}`), "annotations"},
		{"hand-replace", "guestbook", f.key("ConfigMap", "notes"), replace(func(o *unstructured.Unstructured) {
			o.Object["data"] = map[string]any{"other": "text"}
			o.SetLabels(nil)
			o.SetAnnotations(nil)
		}), "data"},
		{nobody, "guestbook", f.key("Service", "redis-master"), replace(func(o *unstructured.Unstructured) {
			o.SetManagedFields([]metav1.ManagedFieldsEntry{})
			unstructured.RemoveNestedField(o.Object, "metadata", "labels", "app")
		}), "labels"},
	}
}

// tamperAndAwait changes an object by hand, and waits until that is put right.
func (f *fleet) tamperAndAwait(h hand) {
	f.t.Helper()
	want := f.marked(h.object)
	changed := f.change(h)
	if len(differences("", want, changed.Object)) == 0 {
		f.t.Fatalf("%s changed nothing of %s that is declared: this tests nothing", h.who, h.object)
	}
	until(f.t, func() string {
		found := differences("", want, f.live(h.object).Object)
		if len(found) == 0 {
			return ""
		}
		return fmt.Sprintf("%s did this to %s, and it stays so: %s; the App says %q", h.who, h.object, strings.Join(found, "; "), f.status(h.app).Message)
	})
}

// byHand changes an object by hand, which is put right with one release that says who it was and what they changed.
func (f *fleet) byHand(h hand) {
	f.t.Helper()
	f.t.Logf("%s changes %s", h.who, h.object)
	f.tamperAndAwait(h)
	f.inLine()
	news := f.news()
	if len(news) != 1 {
		f.t.Fatalf("%d releases put right what %s did to %s: %v", len(news), h.who, h.object, news)
	}
	r := news[0]
	name := h.object.Kind + "/" + h.object.Name
	if got, want := f.line(r), fmt.Sprintf("%s drift %s by %s: update %s = Succeeded", h.app, f.nameOf(r.Revision.Commit), h.who, name); got != want {
		f.t.Errorf("the history tells\n%s, not\n%s", got, want)
	}
	if c := r.Changes[0]; !slices.ContainsFunc(c.Fields, func(field string) bool { return strings.Contains(field, h.field) }) ||
		h.who != nobody && !strings.Contains(c.Reason, h.who) {
		f.t.Errorf("the history does not tell that %s changed %s of %s: fields %v, reason %q", h.who, h.field, h.object, c.Fields, c.Reason)
	}
}

// marked is what must be live of an object: what is declared, and the marks that it has now.
func (f *fleet) marked(key object.Key) map[string]any {
	f.t.Helper()
	live := f.live(key)
	for _, d := range f.says().objects {
		o := d.withNamespace(key.Namespace != "")
		if (object.Object{Unstructured: o}).Key() != key {
			continue
		}
		o.SetLabels(withMarks(o.GetLabels(), live.GetLabels()))
		o.SetAnnotations(withMarks(o.GetAnnotations(), live.GetAnnotations()))
		return o.Object
	}
	f.t.Fatalf("%s is not declared", key)
	return nil
}

// withMarks are declared labels or annotations, and our own among the live ones.
func withMarks(declared, live map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, declared)
	for name, value := range live {
		if strings.HasPrefix(name, object.Domain+"/") {
			all[name] = value
		}
	}
	return all
}

// change does what a hand does, and returns the object as it then is.
func (f *fleet) change(h hand) *unstructured.Unstructured {
	f.t.Helper()
	objects := f.cluster.of(f.t, h.object.GroupKind().WithVersion(""), h.object.Namespace)
	if h.patch.edit != nil {
		o := f.live(h.object)
		h.patch.edit(o)
		changed, err := objects.Update(f.t.Context(), o, metav1.UpdateOptions{FieldManager: h.who})
		if err != nil {
			f.t.Fatalf("%s: %v", h.who, err)
		}
		return changed
	}
	var subresources []string
	if h.patch.subresource != "" {
		subresources = []string{h.patch.subresource}
	}
	changed, err := objects.Patch(f.t.Context(), h.object.Name, h.patch.kind, []byte(h.patch.body), metav1.PatchOptions{FieldManager: h.who}, subresources...)
	if err != nil {
		f.t.Fatalf("%s: %v", h.who, err)
	}
	return changed
}

// deleteByHand deletes objects of different kinds by hand. They come again.
func (f *fleet) deleteByHand() {
	f.t.Helper()
	for _, d := range []struct {
		app string
		key object.Key
	}{
		{"guestbook", f.key("Deployment.apps", "redis-master")}, {"guestbook", f.key("ConfigMap", "notes")}, {"pages", f.key("Service", "frontend")},
		{"extras", f.key("Secret", "login")}, {"extras", f.key("ServiceAccount", "robot")},
	} {
		f.t.Logf("someone deletes %s", d.key)
		before := f.live(d.key).GetUID()
		objects := f.cluster.of(f.t, d.key.GroupKind().WithVersion(""), d.key.Namespace)
		if err := objects.Delete(f.t.Context(), d.key.Name, metav1.DeleteOptions{}); err != nil {
			f.t.Fatal(err)
		}
		until(f.t, func() string {
			if o := f.cluster.at(f.t, d.key); o == nil || o.GetUID() == before {
				return fmt.Sprintf("%s did not come again", d.key)
			}
			return ""
		})
		f.inLine()
		f.tells(fmt.Sprintf("%s drift %s by unknown: create %s/%s = Succeeded", d.app, f.nameOf(f.repo.Head()), d.key.Kind, d.key.Name))
	}
}
