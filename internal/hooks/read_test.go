package hooks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

func TestRead(t *testing.T) {
	t.Parallel()
	before := []Policy{BeforeCreation}
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		want        *Hook
		notice      string
	}{
		{"nothing", nil, nil, ""},
		{"our own", map[string]string{own: "pre-sync"}, &Hook{Events: []Event{{Phase: PreSync}}, Delete: before}, ""},
		{"several, however they are written", map[string]string{own: " Pre-Sync,, post-sync "}, &Hook{Events: []Event{{Phase: PreSync}, {Phase: PostSync}}, Delete: before}, ""},
		{"weight and policies", map[string]string{own: "sync", ownWeight: "-5", ownDelete: "succeeded,failed"}, &Hook{Events: []Event{{Phase: Sync}}, Weight: -5, Delete: []Policy{OnSuccess, OnFailure}}, ""},
		{"a weight that is none", map[string]string{own: "sync", ownWeight: "heavy"}, &Hook{Events: []Event{{Phase: Sync}}, Delete: before}, `"heavy" is not a number`},
		{"a policy that is none", map[string]string{own: "sync", ownDelete: "sometimes"}, &Hook{Events: []Event{{Phase: Sync}}, Delete: before}, `"sometimes" is no policy`},
		{"a hook that is none", map[string]string{own: "whenever"}, &Hook{Delete: before}, `"whenever" is no hook`},
		{"skipped", map[string]string{own: "skip"}, &Hook{Delete: before}, ""},
		{"empty", map[string]string{own: " "}, nil, ""},
		{"Helm", map[string]string{helm: "pre-install,pre-upgrade", helmWeight: "3", helmDelete: "hook-succeeded,before-hook-creation"}, &Hook{
			Events: []Event{{PreSync, release.Install}, {PreSync, release.Upgrade}}, Weight: 3, Serial: true, Delete: []Policy{OnSuccess, BeforeCreation},
		}, ""},
		{"Helm, after", map[string]string{helm: "post-install, post-upgrade, post-rollback"}, &Hook{
			Events: []Event{{PostSync, release.Install}, {PostSync, release.Upgrade}, {PostSync, release.Rollback}}, Serial: true, Delete: before,
		}, ""},
		{"Helm, a test", map[string]string{helm: "test"}, &Hook{Serial: true, Delete: before}, ""},
		{"Helm, a CRD of long ago", map[string]string{helm: "crd-install"}, nil, ""},
		{"Helm, at the end", map[string]string{helm: "pre-delete,post-delete"}, &Hook{Events: []Event{{Phase: PreDelete}, {Phase: PostDelete}}, Serial: true, Delete: before}, ""},
		{"Argo CD", map[string]string{argo: "PreSync,SyncFail", argoDelete: "HookSucceeded"}, &Hook{Events: []Event{{Phase: PreSync}, {Phase: SyncFail}}, Delete: []Policy{OnSuccess}}, ""},
		{"Argo CD, at the end", map[string]string{argo: "PostDelete"}, &Hook{Events: []Event{{Phase: PostDelete}}, Delete: before}, ""},
		{"Argo CD before Helm", map[string]string{argo: "Skip", helm: "pre-install"}, &Hook{Delete: before}, ""},
		{"ours before all", map[string]string{own: "post-sync", argo: "Skip", helm: "pre-install"}, &Hook{Events: []Event{{Phase: PostSync}}, Delete: before}, ""},
	} {
		got := read(tc.annotations)
		if diff := cmp.Diff(tc.want, got.hook); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if told := strings.Join(got.notices, "; "); (tc.notice == "") != (told == "") || !strings.Contains(told, tc.notice) {
			t.Errorf("%s: people are told %q, want %q", tc.name, told, tc.notice)
		}
	}
}

func TestWave(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		annotations map[string]string
		want        int
		wrong       bool
	}{
		{nil, 0, false},
		{map[string]string{ownWave: "3"}, 3, false},
		{map[string]string{ownWave: " -3 "}, -3, false},
		{map[string]string{argoWave: "5"}, 5, false},
		{map[string]string{ownWave: "1", argoWave: "5"}, 1, false},
		{map[string]string{ownWave: "first"}, 0, true},
		{map[string]string{ownWave: "1.5"}, 0, true},
		{map[string]string{ownWave: ""}, 0, true},
		{map[string]string{ownWave: "99999999999"}, 0, true},
	} {
		if got, err := Wave(tc.annotations); got != tc.want || (err != nil) != tc.wrong {
			t.Errorf("%v: %d (%v)", tc.annotations, got, err)
		}
	}
}

// made is an object with annotations.
func made(kind, name string, annotations map[string]string) object.Object {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}}}
	if annotations != nil {
		u.SetAnnotations(annotations)
	}
	return object.Object{Unstructured: u, Origin: object.Origin{File: "a.yaml", Line: 1}}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	job := made("Job", "migrate", map[string]string{argo: "PreSync"})
	job.Object["spec"] = map[string]any{"activeDeadlineSeconds": int64(60)}
	generated := made("Job", "", map[string]string{own: "post-sync"})
	generated.SetName("")
	generated.SetGenerateName("report-")
	Name(generated)
	nameless := made("Job", "", nil)
	nameless.SetGenerateName("report-")
	if Name(nameless); nameless.GetName() != "" {
		t.Error("an object that is no hook got a name")
	}
	objects := []object.Object{
		made("ConfigMap", "plain", nil), job, generated,
		made("Pod", "test", map[string]string{helm: "test"}),
		made("ConfigMap", "left", map[string]string{argo: "Skip"}),
		made("PersistentVolumeClaim", "data", map[string]string{argoSync: "Prune=false,Replace=true"}),
		made("ConfigMap", "kept", map[string]string{helmKeep: "keep"}),
		made("ConfigMap", "odd", map[string]string{argoSync: "Validate=false, Fly=true", argoCompare: "IgnoreExtraneous", ownWave: "soon"}),
	}
	parts := Split(objects)
	var plain, hooks []string
	for _, o := range parts.Objects {
		plain = append(plain, o.GetName()+" "+o.GetAnnotations()[object.AnnotationPrune])
	}
	for _, h := range parts.Hooks {
		hooks = append(hooks, fmt.Sprint(h.Object.GetName()[:7], " ", h.Hook.Events, " ", h.Hook.Limit, " ", h.Hook.Generated))
	}
	if diff := cmp.Diff([]string{"plain ", "data never", "kept never", "odd "}, plain); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	want := []string{"migrate [{pre-sync }] 1m30s false", "report- [{post-sync }] 0s true"}
	if diff := cmp.Diff(want, hooks); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
	told := []string{
		`a.yaml:1: ConfigMap odd: plumb.dev/wave: "soon" is not a whole number; it counts as 0`,
		"a.yaml:1: ConfigMap odd: argocd.argoproj.io/sync-options: validate=false changes nothing: fields that the kind doesn't have are refused",
		"a.yaml:1: ConfigMap odd: argocd.argoproj.io/sync-options: fly=true is not known to Plumb, and changes nothing",
	}
	if diff := cmp.Diff(told, parts.Notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if objects[5].GetAnnotations()[object.AnnotationPrune] != "" {
		t.Error("a rendered object was changed, and they are shared")
	}
	if !ReplaceAsked(objects[5].GetAnnotations()) || ReplaceAsked(objects[7].GetAnnotations()) {
		t.Error("what asks to be made anew isn't told from what doesn't")
	}
}

// Whatever people write in annotations, it is read without harm, an object is
// either ordinary or a hook or left out, and a hook has sound events.
func FuzzAnnotations(f *testing.F) {
	f.Add("pre-sync,post-sync", "5", "succeeded", "3")
	f.Add("pre-install,test,crd-install", "-1", "hook-succeeded", "")
	f.Add("PreSync,Skip", "x", "BeforeHookCreation,", "-0")
	f.Fuzz(func(t *testing.T, hook, weight, policy, wave string) {
		for _, d := range dialects() {
			annotations := map[string]string{d.hook: hook, d.delete: policy, ownWave: wave, argoSync: hook, argoCompare: policy}
			if d.weight != "" {
				annotations[d.weight] = weight
			}
			o := made("Job", "a", annotations)
			parts := Split([]object.Object{o})
			if len(parts.Objects)+len(parts.Hooks) > 1 {
				t.Fatalf("%q is both", hook)
			}
			for _, h := range parts.Hooks {
				if len(h.Hook.Events) == 0 || len(h.Hook.Delete) == 0 || h.Hook.Limit > time.Duration(1<<62) {
					t.Fatalf("%q came to %+v", hook, h.Hook)
				}
				for _, e := range h.Hook.Events {
					if len(Of([]Hook{h.Hook}, e.Phase, e.Only)) == 0 {
						t.Fatalf("%q never runs at %v", hook, e)
					}
				}
			}
		}
	})
}

// What runs to an end may say how long that takes; all else is the App's to say.
func TestLimits(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]time.Duration{"Job": 90 * time.Second, "Pod": 90 * time.Second, "Workflow": 90 * time.Second, "Deployment": 0} {
		o := made(kind, "migrate", map[string]string{argo: "PreSync"})
		o.Object["spec"] = map[string]any{"activeDeadlineSeconds": int64(60)}
		if got := Split([]object.Object{o}).Hooks[0].Hook.Limit; got != want {
			t.Errorf("a %s may take %s, want %s", kind, got, want)
		}
	}
}
