package adopt

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
)

var web = object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}

// live is a Deployment as a real API server showed it, with the managed fields
// that a case gives.
func live(t *testing.T, metadata string, entries ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, `+metadata+`}
spec:
  replicas: 3
  template:
    metadata: {annotations: {kubectl.kubernetes.io/restartedAt: now}}
    spec:
      containers:
      - {name: web, image: nginx, env: [{name: LEVEL, value: info}, {name: DEBUG, value: "1"}], resources: {limits: {cpu: 1}}}
      - {name: side, image: busybox}
`), &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetManagedFields(entries)
	return u
}

func entry(manager string, operation metav1.ManagedFieldsOperationType, fieldsOf string) metav1.ManagedFieldsEntry {
	subresource := ""
	if name, of, ok := strings.Cut(manager, "/"); ok {
		manager, subresource = name, of
	}
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: operation, APIVersion: "apps/v1", FieldsType: "FieldsV1", Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fieldsOf),
	}
}

const (
	update = metav1.ManagedFieldsOperationUpdate
	apply  = metav1.ManagedFieldsOperationApply

	ofSpec = `{"f:metadata":{"f:labels":{".":{},"f:team":{}}},"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{` +
		`"k:{\"name\":\"side\"}":{".":{},"f:image":{},"f:name":{}},` +
		`"k:{\"name\":\"web\"}":{".":{},"f:env":{".":{},"k:{\"name\":\"DEBUG\"}":{".":{},"f:name":{},"f:value":{}},"k:{\"name\":\"LEVEL\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{},"f:resources":{}}}}}}}`
	ofRestart = `{"f:spec":{"f:template":{"f:metadata":{"f:annotations":{".":{},"f:kubectl.kubernetes.io/restartedAt":{}}}}}}`
)

func TestHolderOf(t *testing.T) {
	t.Parallel()
	argo := entry("argocd-controller", apply, `{}`)
	for name, tc := range map[string]struct {
		metadata string
		entries  []metav1.ManagedFieldsEntry
		want     string
	}{
		"Helm":                       {`annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: shop}`, nil, "the Helm release shop/web"},
		"a label of a chart alone":   {`labels: {app.kubernetes.io/managed-by: Helm}`, nil, ""},
		"Flux":                       {`labels: {kustomize.toolkit.fluxcd.io/name: shop, kustomize.toolkit.fluxcd.io/namespace: flux}`, nil, "the Flux Kustomization flux/shop"},
		"Flux by Helm":               {`labels: {helm.toolkit.fluxcd.io/name: web}, annotations: {meta.helm.sh/release-name: web}`, nil, "the Flux HelmRelease web"},
		"Argo CD":                    {`annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}`, nil, "the Argo CD application shop"},
		"a copied mark of Argo CD":   {`annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/other"}`, nil, ""},
		"Argo CD by its label":       {`labels: {app.kubernetes.io/instance: shop}`, []metav1.ManagedFieldsEntry{argo}, "the Argo CD application shop"},
		"the label that charts have": {`labels: {app.kubernetes.io/instance: shop}`, nil, ""},
		"nobody":                     {``, nil, ""},
	} {
		h := HolderOf(web, live(t, tc.metadata, tc.entries...))
		if got := h.String(); !h.IsZero() && got != tc.want || h.IsZero() && tc.want != "" {
			t.Errorf("%s: it is held by %q, want %q", name, got, tc.want)
		}
	}
}

// wanted is the live object as our apply of some fields leaves it.
func wanted(u *unstructured.Unstructured, ours string) *unstructured.Unstructured {
	u = u.DeepCopy()
	u.SetManagedFields(append(u.GetManagedFields(), entry("plumb", apply, ours)))
	return u
}

const declared = `{"f:metadata":{"f:labels":{"f:tier":{}}},"f:spec":{"f:template":{"f:spec":{"f:containers":{` +
	`"k:{\"name\":\"web\"}":{".":{},"f:env":{"k:{\"name\":\"LEVEL\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{},"f:resources":{"f:limits":{"f:cpu":{}}}}}}}}}`

func TestMoves(t *testing.T) {
	t.Parallel()
	const debug, side = `.spec.template.spec.containers[name="web"].env[name="DEBUG"]`, `.spec.template.spec.containers[name="side"]`
	last := `annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox"}]}}}}'}`
	for name, tc := range map[string]struct {
		metadata string
		entries  []metav1.ManagedFieldsEntry
		from     string   // who hands over
		stay     string   // whose entries stay, beside ours
		gone     []string // what goes with it
	}{
		"kubectl apply": {`labels: {team: web, tier: x}`, []metav1.ManagedFieldsEntry{entry("kubectl-client-side-apply", update, ofSpec), entry("kube-controller-manager/status", update, `{"f:status":{}}`)},
			"kubectl-client-side-apply", "kube-controller-manager", []string{".metadata.labels.team", ".spec.replicas", side, debug}},
		"Helm 4 and a hand edit": {`labels: {team: web}`, []metav1.ManagedFieldsEntry{entry("helm", apply, ofSpec), entry("kubectl-edit", update, `{"f:spec":{"f:replicas":{}}}`)},
			"helm, kubectl-edit", "", []string{".metadata.labels.team", ".spec.replicas", side, debug}},
		"an autoscaler's replicas": {`labels: {team: web}`, []metav1.ManagedFieldsEntry{entry("helm", update, ofSpec), entry("kube-controller-manager/scale", update, `{"f:spec":{"f:replicas":{}}}`)},
			"helm", "kube-controller-manager", []string{".metadata.labels.team", side, debug}},
		"an operator's": {`labels: {team: web}`, []metav1.ManagedFieldsEntry{entry("istiod", update, ofSpec)}, "", "istiod", nil},
		"a restart":     {``, []metav1.ManagedFieldsEntry{entry("kubectl-rollout", update, ofRestart)}, "kubectl-rollout", "", nil},
		"before there were owners": {last, []metav1.ManagedFieldsEntry{entry("before-first-apply", update, ofSpec)}, "before-first-apply", "",
			[]string{`.metadata.annotations.kubectl.kubernetes.io/last-applied-configuration`, side}},
		"a mark that an unknown tool wrote": {`annotations: {meta.helm.sh/release-name: web}`,
			[]metav1.ManagedFieldsEntry{entry("spinnaker", update, `{"f:metadata":{"f:annotations":{"f:meta.helm.sh/release-name":{},"f:x":{}}}}`)},
			"spinnaker", "spinnaker", []string{".metadata.annotations.meta.helm.sh/release-name"}},
		"nobody": {``, nil, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := live(t, tc.metadata, tc.entries...)
			move, any := MoveOf(u, web, "apps/v1", time.Unix(1, 0))
			if got := strings.Join(move.From, ", "); got != tc.from || any != (tc.from != "") {
				t.Errorf("handed over by %q, want %q", got, tc.from)
			}
			var stay []string
			for _, e := range move.Entries() {
				if !fields.IsOurs(e) {
					stay = append(stay, e.Manager)
				}
			}
			if got := strings.Join(stay, ", "); got != tc.stay {
				t.Errorf("there stay %q, want %q", got, tc.stay)
			}
			if !any {
				return
			}
			var gone []string
			g := move.Gone(u, wanted(u, declared))
			for _, p := range g.Paths {
				gone = append(gone, p.String())
			}
			slices.Sort(gone)
			slices.Sort(tc.gone)
			if fmt.Sprint(gone) != fmt.Sprint(tc.gone) {
				t.Errorf("there go\n%q, want\n%q", gone, tc.gone)
			}
			left := Without(u, g.Paths)
			for _, p := range g.Paths {
				if fields.Node(left.Object, p) != nil {
					t.Errorf("%s is still there", p)
				}
			}
			ours := fields.Set(move.Leave(g).Entries()[len(move.Entries())-1])
			for _, p := range g.Paths {
				if ours.Has(p) {
					t.Errorf("%s is ours though it is to be left", p)
				}
			}
		})
	}
}

// Where the server can't say what an apply comes to, what is declared stays, and
// what others own; what was ours and isn't declared any more goes, too.
func TestGoneFromWhatIsDeclared(t *testing.T) {
	t.Parallel()
	u := live(t, `labels: {team: web, tier: x}`, entry("helm", update, ofSpec), entry("plumb", apply, `{"f:metadata":{"f:labels":{"f:tier":{}}}}`),
		entry("scaler", update, `{"f:spec":{"f:replicas":{}}}`))
	var declared map[string]any
	if err := yaml.Unmarshal([]byte(`{spec: {template: {spec: {containers: [{name: web, image: nginx, env: [{name: LEVEL, value: info}], resources: {limits: {cpu: 1}}}]}}}}`), &declared); err != nil {
		t.Fatal(err)
	}
	handed, _ := MoveOf(u, web, "apps/v1", time.Unix(1, 0))
	for name, tc := range map[string]struct {
		move Move
		want string
	}{
		"it is taken over": {handed, `.metadata.labels.team .metadata.labels.tier .spec.template.spec.containers[name="side"] .spec.template.spec.containers[name="web"].env[name="DEBUG"]`},
		"it stays":         {Stay(u), `.metadata.labels.tier`},
	} {
		var gone []string
		for _, p := range tc.move.GoneFrom(u, declared).Paths {
			gone = append(gone, p.String())
		}
		slices.Sort(gone)
		if got := strings.Join(gone, " "); got != tc.want {
			t.Errorf("%s: there go\n%s, want\n%s", name, got, tc.want)
		}
	}
}

// What we owned before stays ours.
func TestAMoveKeepsWhatIsOurs(t *testing.T) {
	t.Parallel()
	u := live(t, ``, entry("plumb", apply, `{"f:spec":{"f:replicas":{}}}`), entry("kubectl", apply, `{"f:metadata":{"f:labels":{"f:team":{}}}}`))
	move, _ := MoveOf(u, web, "apps/v1", time.Unix(1, 0))
	entries := move.Entries()
	if len(entries) != 1 {
		t.Fatalf("there are %d entries", len(entries))
	}
	for _, p := range []fieldpath.Path{fieldpath.MakePathOrDie("spec", "replicas"), fieldpath.MakePathOrDie("metadata", "labels", "team")} {
		if !fields.Set(entries[0]).Has(p) {
			t.Errorf("%s isn't ours", p)
		}
	}
}

func FuzzMoveOf(f *testing.F) {
	for _, seed := range []string{ofSpec, ofRestart, declared, `{"f:spec":{"v:1":{},"i:0":{}}}`, `{`} {
		f.Add("kubectl", seed)
	}
	f.Fuzz(func(t *testing.T, manager, of string) {
		u := live(t, ``, entry(manager, update, of))
		move, any := MoveOf(u, web, "apps/v1", time.Unix(1, 0))
		if any {
			Without(u, move.Gone(u, wanted(u, declared)).Paths)
		}
	})
}
