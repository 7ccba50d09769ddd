package v1alpha1

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func document(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

const head = "apiVersion: plumb.dev/v1alpha1\nkind: App\n"

func TestDecode(t *testing.T) {
	t.Parallel()
	a, errs := Decode(document(t, head+`
metadata: {name: shop, namespace: team-a, labels: {a: b}, uid: x, creationTimestamp: null}
spec:
  source:
    git: {url: https://git.example.com/fleet.git, branch: main}
    path: apps/shop
    every: 30s
  render: {kustomize: {images: [{name: shop, newTag: 1.4.2}]}}
  target: {namespace: shop, serviceAccount: deployer, createNamespace: false}
  sync:
    mode: approve
    prune: false
    drift: alert
    allowEmpty: true
    validate: first
    onFailure: hold
    approval: {notAuthor: true}
    windows: [{kind: deny, schedule: 0 22 * * 5, duration: 8h, timeZone: Europe/Berlin, reason: the weekend, corrections: true}]
  health: {timeout: 1m}
  dependsOn: [{name: database}]
  ignore: [{kind: Deployment, fields: [/spec/replicas]}]
  sensitive: [{kind: Account, name: admin, fields: [/spec/password]}]
  project: team
status: {anything: true}
`))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := App{
		TypeMeta:   metav1.TypeMeta{APIVersion: APIVersion, Kind: KindApp},
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "team-a", Labels: map[string]string{"a": "b"}},
		Spec: AppSpec{
			Source: Source{Git: &Git{URL: "https://git.example.com/fleet.git", Branch: "main"}, Path: "apps/shop", Every: metav1.Duration{Duration: 30 * time.Second}},
			Render: Render{Kustomize: &Kustomize{Images: []Image{{Name: "shop", NewTag: "1.4.2"}}}},
			Target: Target{Namespace: "shop", ServiceAccount: "deployer", CreateNamespace: new(false)},
			Sync: Sync{
				Mode: SyncApprove, Prune: new(false), Drift: DriftAlert, AllowEmpty: true, Validate: ValidateFirst,
				OnFailure: FailureHold, Approval: Approval{NotAuthor: true},
				Windows: []Window{{
					Kind: WindowDeny, Schedule: "0 22 * * 5", Duration: metav1.Duration{Duration: 8 * time.Hour},
					TimeZone: "Europe/Berlin", Reason: "the weekend", Corrections: true,
				}},
			},
			Health:    Health{Timeout: metav1.Duration{Duration: time.Minute}},
			DependsOn: []Dependency{{Name: "database"}},
			Ignore:    []Ignore{{Kind: "Deployment", Fields: []string{"/spec/replicas"}}},
			Sensitive: []Sensitive{{Kind: "Account", Name: "admin", Fields: []string{"/spec/password"}}},
			Project:   "team",
		},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	a := App{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: AppSpec{
		Source: Source{Path: "./apps//shop/"}, Render: Render{Plain: &Plain{}}, DependsOn: []Dependency{{Name: "database"}, {Name: "queue", Namespace: "infra"}},
		Sync: Sync{Windows: []Window{{Kind: WindowAllow}, {Kind: WindowDeny, TimeZone: "Asia/Tokyo"}}}, Project: "team",
	}}
	got := Default(a)
	want := App{
		TypeMeta:   metav1.TypeMeta{APIVersion: APIVersion, Kind: KindApp},
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"},
		Spec: AppSpec{
			Source: Source{Path: "apps/shop", Every: metav1.Duration{Duration: time.Minute}},
			Render: Render{Plain: &Plain{Recurse: new(true)}, Release: Release{Name: "shop", Namespace: "default"}},
			Target: Target{Namespace: "default", CreateNamespace: new(true)},
			Sync: Sync{
				Mode: SyncAuto, Prune: new(true), Drift: DriftCorrect, Validate: ValidateApply, OnFailure: FailureNone,
				Windows: []Window{{Kind: WindowAllow, TimeZone: "UTC"}, {Kind: WindowDeny, TimeZone: "Asia/Tokyo"}},
			},
			Health:    Health{Timeout: metav1.Duration{Duration: 5 * time.Minute}},
			DependsOn: []Dependency{{Name: "database", Namespace: "default"}, {Name: "queue", Namespace: "infra"}},
			Project:   "default/team",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if a.Spec.DependsOn[0].Namespace != "" || a.Spec.Sync.Windows[0].TimeZone != "" {
		t.Error("the App that was given was changed")
	}
	if diff := cmp.Diff(got, Default(got)); diff != "" {
		t.Errorf("a second time (-once +twice)\n%s", diff)
	}
}

// Each mistake has a message that says which field, what is wrong and what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	const sound = "metadata: {name: a}\nspec: {}\n"
	for _, test := range []struct{ text, want string }{
		{head + sound, ""},
		{"apiVersion: plumb.dev/v2\nkind: App\n", "apiVersion: there is no plumb.dev/v2; use plumb.dev/v1alpha1"},
		{"apiVersion: plumb.dev/v1alpha1\nkind: Ap\n", "kind: there is no Ap in plumb.dev/v1alpha1; use App or Project"},
		{"apiVersion: plumb.dev/v1alpha1\n", "kind: is missing; use App or Project"},
		{"apiVersion: plumb.dev/v1alpha1\nkind: Project\n", "kind: is Project, not App; use App"},
		{"apiVersion: plumb.dev/v1alpha1\nkind: Cluster\n", "kind: Cluster is not supported yet; remove it: the target is the cluster of the daemon's kubeconfig"},
		{head + "metadata: {name: a}\n", "spec: is missing; say at least which folder to deliver, in spec.source.path"},
		{head + "spec: {}\n", "metadata.name: is missing; give the App a name"},
		{head + "metadata: {name: 5}\nspec: {}\n", "metadata.name: is a number, not text; quote it"},
		{head + "metadata: {name: Shop}\nspec: {}\n", `metadata.name: "Shop" is not a name; use at most 63 lower case letters, digits and -, with a letter or digit at both ends`},
		{head + "metadata: {name: a.b}\nspec: {}\n", `metadata.name: "a.b" is not a name; use at most 63 lower case letters, digits and -, with a letter or digit at both ends`},
		{head + "metadata: {name: a, namespace: -}\nspec: {}\n", `metadata.namespace: "-" is not a name; use at most 63 lower case letters, digits and -, with a letter or digit at both ends`},
		{head + "metadata: {name: a, labels: {b: true}}\nspec: {}\n", "metadata.labels.b: is true or false, not text; quote it"},
		{head + "metadata: {nmae: a}\nspec: {}\n", "metadata.nmae: there is no such field; did you mean name?"},
		{head + sound + "sepc: {}\n", "sepc: there is no such field; did you mean spec?"},
		{head + "metadata: {name: a}\nspec: {soruce: {}}\n", "spec.soruce: there is no such field; did you mean source?"},
		{head + "metadata: {name: a}\nspec: {path: x}\n", "spec.path: there is no such field; did you mean spec.source.path?"},
		{head + "metadata: {name: a}\nspec: {source: {git: {revision: x}}}\n", "spec.source.git.revision: there is no such field; remove it; there are branch, commit, tag, url"},
		{head + "metadata: {name: a}\nspec: []\n", "spec: is a list, not a mapping; make it a mapping"},
		{head + "metadata: {name: a}\nspec: {source: apps/a}\n", "spec.source: is text, not a mapping; make it a mapping"},
		{head + "metadata: {name: a}\nspec: {source: {path: [a]}}\n", "spec.source.path: is a list, not text; make it text"},
		{head + "metadata: {name: a}\nspec: {sync: {prune: 'false'}}\n", "spec.sync.prune: is text, not true or false; make it true or false"},
		{head + "metadata: {name: a}\nspec: {dependsOn: {name: b}}\n", "spec.dependsOn: is a mapping, not a list; make it a list"},
		{head + "metadata: {name: a}\nspec: {dependsOn: [b]}\n", "spec.dependsOn[0]: is text, not a mapping; make it a mapping"},
		{head + "metadata: {name: a}\nspec: {dependsOn: [{name: b}, ~]}\n", "spec.dependsOn[1]: is empty; complete or remove it"},
		{head + "metadata: {name: a}\nspec: {dependsOn: [{}]}\n", "spec.dependsOn[0].name: is missing; give the App a name"},
		{head + "metadata: {name: a}\nspec: {dependsOn: [{name: a}]}\n", "spec.dependsOn[0]: the App depends on itself; remove it"},
		{head + "metadata: {name: a, namespace: b}\nspec: {dependsOn: [{name: a}]}\n", "spec.dependsOn[0]: the App depends on itself; remove it"},
		{head + "metadata: {name: a}\nspec: {source: {every: 60}}\n", "spec.source.every: is a number, not a duration; write it like 30s, 5m or 1h"},
		{head + "metadata: {name: a}\nspec: {source: {every: 5 minutes}}\n", `spec.source.every: "5 minutes" is not a duration; write it like 30s, 5m or 1h`},
		{head + "metadata: {name: a}\nspec: {source: {every: 0s}}\n", `spec.source.every: "0s" is too short; give at least 1s`},
		{head + "metadata: {name: a}\nspec: {source: {every: 10ms}}\n", "spec.source.every: 10ms is too short; give at least 1s"},
		{head + "metadata: {name: a}\nspec: {health: {timeout: -1m}}\n", `spec.health.timeout: "-1m" is too short; give at least 1s`},
		{head + "metadata: {name: a}\nspec: {source: {path: /apps}}\n", `spec.source.path: "/apps" is absolute; name a folder in the repository, from its top, such as apps/shop`},
		{head + "metadata: {name: a}\nspec: {source: {path: a/../b}}\n", `spec.source.path: "a/../b" has .. in it; name a folder in the repository, from its top, such as apps/shop`},
		{head + "metadata: {name: a}\nspec: {source: {path: 'https://x/y'}}\n", `spec.source.path: "https://x/y" is a URL; name a folder in the repository, from its top, such as apps/shop`},
		{head + "metadata: {name: a}\nspec: {source: {git: {branch: a, tag: b}}}\n", "spec.source.git: more than one of branch, tag and commit is given; keep one of them"},
		{head + "metadata: {name: a}\nspec: {source: {git: {commit: abc123}}}\n", `spec.source.git.commit: "abc123" is not a commit's id; give all 40 hexadecimal digits, in lower case (git rev-parse prints them)`},
		{head + "metadata: {name: a}\nspec: {source: {git: {branch: refs/heads/main}}}\n", `spec.source.git.branch: "refs/heads/main" has refs/ before the name; give the branch's name`},
		{head + "metadata: {name: a}\nspec: {source: {git: {tag: -x}}}\n", `spec.source.git.tag: "-x" is not a name that Git takes; give the tag's name`},
		{head + "metadata: {name: a}\nspec: {source: {git: {url: 'https://me:secret@example.com/x'}}}\n", "spec.source.git.url: has a password in it; give a URL such as https://git.example.com/shop.git; credentials are given to the daemon"},
		{head + "metadata: {name: a}\nspec: {source: {git: {url: 'ext::sh -c x'}}}\n", "spec.source.git.url: is not a URL that is fetched from; give a URL such as https://git.example.com/shop.git; credentials are given to the daemon"},
		{head + "metadata: {name: a}\nspec: {render: {plain: {}, kustomize: {}}}\n", "spec.render: more than one way is given; keep one of plain and kustomize"},
		{head + "metadata: {name: a}\nspec: {render: {helm: {releaseName: x, values: {a: [1, {b: null}]}, valueFiles: [a.yaml, ../b/*.yaml, /c.yaml], kubeVersion: v1.30.1-gke.1, apiVersions: [a/v1, a/v1/B], includeCRDs: false}}}\n", ""},
		{head + "metadata: {name: a}\nspec: {render: {helm: {}, kustomize: {}}}\n", "spec.render: more than one way is given; keep one of kustomize and helm"},
		{head + "metadata: {name: a}\nspec: {render: {helm: {releaseName: A_b}}}\n", `spec.render.helm.releaseName: "A_b" is not the name of a release; use at most 53 lower case letters, digits, - and ., with a letter or digit at both ends`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {values: [a]}}}\n", "spec.render.helm.values: is a list, not a mapping; make it a mapping"},
		{head + "metadata: {name: a}\nspec: {render: {helm: {value: {}}}}\n", "spec.render.helm.value: there is no such field; did you mean values?"},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valueFiles: ['@env/a.yaml'], valuesFrom: [{kind: Secret, name: db, key: a.yaml}, {kind: ConfigMap, name: x, at: 'a\\.b.c[0].d', optional: true}], record: true}}}\n", ""},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valueFiles: ['@env/']}}}\n", `spec.render.helm.valueFiles[0]: "@env/" names no file; name a file from the chart's folder, such as values-production.yaml, or with a leading / from the repository's top`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valuesFrom: [{kind: Pod, name: x}]}}}\n", `spec.render.helm.valuesFrom[0].kind: "Pod" holds no values; use ConfigMap or Secret`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valuesFrom: [{kind: Secret, name: x, key: a/b}]}}}\n", `spec.render.helm.valuesFrom[0].key: "a/b" is not a key that one can have; use letters, digits, -, _ and .`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valuesFrom: [{kind: Secret, name: x, at: a..b}]}}}\n", `spec.render.helm.valuesFrom[0].at: "a..b" has an empty name in it; write it like image.tag or hosts[0].name, with \. for a dot in a name`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valuesFrom: [{kind: Secret, name: x, at: 'a=b,c'}]}}}\n", `spec.render.helm.valuesFrom[0].at: "a=b,c" has a character that no path has; write it like image.tag or hosts[0].name, with \. for a dot in a name`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valueFiles: ['https://x/y']}}}\n", `spec.render.helm.valueFiles[0]: "https://x/y" is a URL; name a file from the chart's folder, such as values-production.yaml, or with a leading / from the repository's top`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valueFiles: [/../x]}}}\n", `spec.render.helm.valueFiles[0]: "/../x" has .. in it; name a file from the chart's folder, such as values-production.yaml, or with a leading / from the repository's top`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {valueFiles: ['[a']}}}\n", `spec.render.helm.valueFiles[0]: "[a" is not a pattern; name a file from the chart's folder, such as values-production.yaml, or with a leading / from the repository's top`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {kubeVersion: latest}}}\n", `spec.render.helm.kubeVersion: "latest" is not a version of Kubernetes; write it like 1.36.0 or v1.34.2-gke.100`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {apiVersions: [a b]}}}\n", `spec.render.helm.apiVersions[0]: "a b" is not an API; write it like monitoring.coreos.com/v1, or with the kind behind another slash`},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {images: [{name: x}]}}}\n", "spec.render.kustomize.images[0]: changes nothing; give newName, newTag or digest"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {images: [{newTag: x}]}}}\n", "spec.render.kustomize.images[0].name: is missing; name the image as the manifests do, without its tag"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {images: [{name: x, newTag: 1.2}]}}}\n", "spec.render.kustomize.images[0].newTag: is a number, not text; quote it"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {images: [{name: x, digest: z}]}}}\n", `spec.render.kustomize.images[0].digest: "z" is not a digest; write it like sha256:…`},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {namePrefix: a-, nameSuffix: -b, labels: {a/b: c}, annotations: {A/b: any text}, replicas: [{name: a, count: 0}], components: [../c, c, 'https://x/y//c?ref=v1', '@s/c']}}}\n", ""},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {namePrefix: A-}}}\n", `spec.render.kustomize.namePrefix: "A-" can't begin a name; use lower case letters, digits, - and ., beginning with a letter or digit`},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {nameSuffix: b-}}}\n", `spec.render.kustomize.nameSuffix: "b-" can't end a name; use lower case letters, digits, - and ., ending with a letter or digit`},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {labels: {a: b c}}}}\n", `spec.render.kustomize.labels: "b c" is not the value of a label: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'); shorten it, or make it an annotation`},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {labels: {a: 1}}}}\n", "spec.render.kustomize.labels.a: is a number, not text; quote it"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {replicas: [{count: 1}]}}}\n", "spec.render.kustomize.replicas[0].name: is missing; name the Deployment, StatefulSet or other workload"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {replicas: [{name: a, count: 1.5}]}}}\n", "spec.render.kustomize.replicas[0].count: is a number, not a whole number; make it a whole number"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {replicas: [{name: a, count: -1}]}}}\n", "spec.render.kustomize.replicas[0].count: -1 is no number of replicas; give 0 or more"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {components: [/c]}}}\n", `spec.render.kustomize.components[0]: "/c" is not the path of a folder; name a component's folder from that of the kustomization, such as ../components/monitoring`},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{}]}}}\n", "spec.render.kustomize.patches[0].patch: is missing; give the fields to merge with kind and metadata.name, or a list of operations with a target"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: 'a: b: c'}]}}}\n", "spec.render.kustomize.patches[0].patch: is not valid YAML; correct it; it is a text, so begin it with | and indent it"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: 'kind: Pod'}]}}}\n", "spec.render.kustomize.patches[0].patch: doesn't say which object it is for; give it kind and metadata.name, or a target"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: '{kind: Pod, metadata: {name: a}}'}, {patch: 'spec: {}', target: {kind: Pod}}, {patch: '- {op: remove, path: /a}', target: {name: a.*}}]}}}\n", ""},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: '- {op: remove, path: /a}'}]}}}\n", "spec.render.kustomize.patches[0].patch: is a list of operations, and has no target; give target, such as {kind: Deployment, name: web}"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: '- {op: set, path: /a}', target: {kind: Pod}}]}}}\n", "spec.render.kustomize.patches[0].patch: operation 1 of it is none of JSON patch; write it like {op: replace, path: /spec/replicas, value: 2}"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: '[{op: remove, path: /a}]', target: {kind: Pod}}]}}}\n", "spec.render.kustomize.patches[0].patch: begins like JSON and isn't; write each operation on a line of its own that begins with -"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: word}]}}}\n", "spec.render.kustomize.patches[0].patch: is neither fields nor a list of operations; give the fields to merge, or a list of operations with a target"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: 'a: b', target: {}}]}}}\n", "spec.render.kustomize.patches[0].target: selects every object; name a kind at least, such as Deployment"},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: 'a: b', target: {name: '('}}]}}}\n", `spec.render.kustomize.patches[0].target.name: "(" is not a pattern; give a name, or a regular expression for all of it`},
		{head + "metadata: {name: a}\nspec: {render: {kustomize: {patches: [{patch: 'a: b', target: {labelSelector: '=='}}]}}}\n", `spec.render.kustomize.patches[0].target.labelSelector: "==" selects no labels; write it like app=web,tier!=cache`},
		{head + "metadata: {name: a}\nspec: {render: {helm: {images: [{name: a}], patches: [{patch: word}]}}}\n", "spec.render.helm.images[0]: changes nothing; give newName, newTag or digest\nspec.render.helm.patches[0].patch: is neither fields nor a list of operations; give the fields to merge, or a list of operations with a target"},
		{head + "metadata: {name: a}\nspec: {render: {substitute: {values: {A_1: x}, from: [{kind: Secret, name: a.b, optional: true}], strict: false}}}\n", ""},
		{head + "metadata: {name: a}\nspec: {render: {substitute: {values: {a-b: x}}}}\n", `spec.render.substitute.values: "a-b" is not a name that ${…} can have; use letters, digits and _, beginning with a letter`},
		{head + "metadata: {name: a}\nspec: {render: {substitute: {from: [{kind: Pod, name: a}]}}}\n", `spec.render.substitute.from[0].kind: "Pod" holds no values; use ConfigMap or Secret`},
		{head + "metadata: {name: a}\nspec: {render: {substitute: {from: [{kind: Secret, name: a/b}]}}}\n", `spec.render.substitute.from[0].name: "a/b" is not the name of one; give the name alone; it is looked up in spec.target.namespace`},
		{head + "metadata: {name: a}\nspec: {render: {substitute: {from: [{kind: Secret, name: a, key: b}]}}}\n", "spec.render.substitute.from[0].key: is given, but each key is a value here; leave it out"},
		{head + "metadata: {name: a}\nspec: {render: {substitute: {from: [{kind: Secret, name: a, at: b}]}}}\n", "spec.render.substitute.from[0].at: is given, but each key is a value here; leave it out"},
		{head + "metadata: {name: a}\nspec: {target: {cluster: prod}}\n", "spec.target.cluster: other clusters are not supported yet; leave it out: the target is the cluster of the daemon's kubeconfig"},
		{head + "metadata: {name: a}\nspec: {target: {serviceAccount: a/b}}\n", `spec.target.serviceAccount: "a/b" is not the name of a service account; give the name alone, without its namespace`},
		{head + "metadata: {name: a}\nspec: {sync: {mode: approve, approval: {notAuthor: true}}}\n", ""},
		{head + "metadata: {name: a}\nspec: {sync: {mode: manual}}\n", `spec.sync.mode: "manual" is none of its values; use auto, approve or observe`},
		{head + "metadata: {name: a}\nspec: {sync: {approval: {notAuthor: true}}}\n", "spec.sync.approval.notAuthor: is given, but nothing waits for approval; set spec.sync.mode to approve, or remove it"},
		{head + "metadata: {name: a}\nspec: {sync: {approval: {notauthor: true}}}\n", "spec.sync.approval.notauthor: there is no such field; did you mean notAuthor?"},
		{head + "metadata: {name: a}\nspec: {sync: {onFailure: revert}}\n", `spec.sync.onFailure: "revert" is none of its values; use none, hold or rollback`},
		{head + "metadata: {name: a}\nspec: {sync: {replace: [Job, PersistentVolumeClaim]}}\n", `spec.sync.replace[1]: "PersistentVolumeClaim" is never replaced, as it holds data, which would go with it; remove it`},
		{head + "metadata: {name: a}\nspec: {sync: {replace: [Cluster.postgresql.cnpg.io]}}\n", `spec.sync.replace[0]: "Cluster.postgresql.cnpg.io" is never replaced, as nobody knows whether a Cluster holds data; put the annotation plumb.dev/replace: allowed on the one object instead`},
		{head + "metadata: {name: a}\nspec: {source: {git: {tag: v1}}, sync: {onFailure: rollback}}\n", "spec.sync.onFailure: a rollback is a commit on a branch, and spec.source.git follows none; follow a branch, or use hold"},
		{head + "metadata: {name: a}\nspec: {sync: {windows: {}}}\n", "spec.sync.windows: is a mapping, not a list; make it a list"},
		{head + "metadata: {name: a}\nspec: {windows: []}\n", "spec.windows: there is no such field; did you mean spec.sync.windows?"},
		{head + "metadata: {name: a}\nspec: {project: a/b/c}\n", `spec.project: "a/b/c" is not the name of a Project; give its NAME, or NAMESPACE/NAME where it is declared in another namespace`},
		{head + "metadata: {name: a}\nspec: {project: /b}\n", `spec.project: "/b" is not the name of a Project; give its NAME, or NAMESPACE/NAME where it is declared in another namespace`},
		{head + "metadata: {name: a}\nspec: {project: {name: b}}\n", "spec.project: is a mapping, not text; make it text"},
		{head + "metadata: {name: a}\nspec: {sensitive: [{}]}\n", "spec.sensitive[0].kind: is missing; name the kind whose fields are not shown, such as Deployment\nspec.sensitive[0].fields: is missing; list the fields that are not shown, such as /spec/password"},
		{head + "metadata: {name: a}\nspec: {sensitive: [{kind: X, fields: [password]}]}\n", `spec.sensitive[0].fields[0]: "password" is not a JSON pointer; write it like /spec/password`},
		{head + "metadata: {name: a}\nspec: {sync: {drift: fix}}\n", `spec.sync.drift: "fix" is none of its values; use correct, alert or ignore`},
		{head + "metadata: {name: a}\nspec: {health: {rules: [{healthy: 'true'}, {kind: Gear}]}}\n", "spec.health.rules[0].kind: is missing; name the kind that the rule judges, such as Certificate\n" +
			"spec.health.rules[1]: says nothing; give at least one of suspended, degraded, progressing and healthy"},
		{head + "metadata: {name: a}\nspec: {health: {rules: [{kind: Gear, healthy: 'true'}, {kind: Gear, group: x.io, healthy: 'true'}, {kind: Gear, degraded: 'true'}]}}\n",
			`spec.health.rules[2].kind: "Gear" has a rule already, spec.health.rules[0]; make one of the two`},
		{head + "metadata: {name: a}\nspec: {ignore: [{}]}\n", "spec.ignore[0].kind: is missing; name the kind whose fields are left to others, such as Deployment\nspec.ignore[0].fields: is missing; list the fields that are left to others, such as /spec/replicas"},
		{head + "metadata: {name: a}\nspec: {ignore: [{kind: X, fields: [spec.replicas]}]}\n", `spec.ignore[0].fields[0]: "spec.replicas" is not a JSON pointer; write it like /spec/replicas`},
		{head + "metadata: {name: a}\nspec: {ignore: [{kind: X, fields: [/metadata/name]}]}\n", "spec.ignore[0].fields[0]: /metadata/name is what the object is known by; leave it out, and name a field below /spec or /data"},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			_, errs := Decode(document(t, test.text))
			var got []string
			for _, err := range errs {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("%s(-want +got)\n%s", test.text, diff)
			}
		})
	}
}

// FuzzDecode holds that no document breaks the decoder, and that one it takes
// can be written, read again and defaulted, with the same result.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		head + "metadata: {name: a}\nspec: {source: {git: {url: x, branch: y}, path: z, every: 1m}}\n",
		head + "metadata: {name: a, namespace: b}\nspec: {sync: {mode: auto, prune: false}, dependsOn: [{name: c}], ignore: [{kind: K, fields: [/a]}]}\n",
		head + "metadata: {name: a}\nspec: {render: {plain: {recurse: false}}, target: {namespace: x}, health: {timeout: 1h}}\n",
		head + "metadata: {name: a}\nspec: {project: b/c, sync: {mode: approve, onFailure: hold, approval: {notAuthor: true}, windows: [{kind: allow, schedule: 0 9-17 * * mon-fri, duration: 1h}]}}\n",
		head + "metadata: {name: a}\nspec: {sensitive: [{kind: K, fields: [/a]}]}\n",
	} {
		var m map[string]any
		if err := yaml.Unmarshal([]byte(seed), &m); err != nil {
			f.Fatal(err)
		}
		j, _ := json.Marshal(m)
		f.Add(j)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m map[string]any
		if json.Unmarshal(data, &m) != nil {
			return
		}
		a, errs := Decode(m)
		for _, err := range errs {
			if err.Field() == "" || err.What == "" || err.Do == "" {
				t.Fatalf("%s: %#v", data, err)
			}
		}
		if len(errs) > 0 {
			return
		}
		full := Default(a)
		if errs := Validate(full); len(errs) > 0 {
			t.Fatalf("%s: defaulted: %v", data, errs)
		}
		j, err := json.Marshal(full)
		if err != nil {
			t.Fatal(err)
		}
		var again map[string]any
		if err := json.Unmarshal(j, &again); err != nil {
			t.Fatal(err)
		}
		b, errs := Decode(again)
		if diff := cmp.Diff(full, Default(b)); len(errs) > 0 || diff != "" {
			t.Fatalf("%s: %v (-once +twice)\n%s", data, errs, diff)
		}
	})
}
