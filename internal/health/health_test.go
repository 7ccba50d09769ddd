package health

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/status"
)

const (
	deployment = "apiVersion: apps/v1\nkind: Deployment\n"
	stateful   = "apiVersion: apps/v1\nkind: StatefulSet\n"
	daemons    = "apiVersion: apps/v1\nkind: DaemonSet\n"
	job        = "apiVersion: batch/v1\nkind: Job\n"
	cronJob    = "apiVersion: batch/v1\nkind: CronJob\n"
	claim      = "apiVersion: v1\nkind: PersistentVolumeClaim\n"
	pod        = "apiVersion: v1\nkind: Pod\n"
	definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
	gear       = "apiVersion: example.com/v1\nkind: Gear\n"

	first    = "metadata: {name: a, generation: 1}\n"
	second   = "metadata: {name: a, generation: 2}\n"
	deleting = "metadata: {name: a, generation: 1, deletionTimestamp: '2026-01-02T03:04:05Z'}\n"
	rolled   = "status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, " +
		"conditions: [{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}, {type: Available, status: 'True'}]}\n"
)

// A verdict's message is for people: only what must be in it is asked for.
func TestOf(t *testing.T) {
	t.Parallel()
	judge := NewJudge()
	for _, tc := range []struct {
		name, object string
		want         status.Health
		says         string
	}{
		{"a Deployment that is rolled out", deployment + first + "spec: {replicas: 2, progressDeadlineSeconds: 600}\n" + rolled, status.Healthy, ""},
		{"a Deployment that nobody has seen yet", deployment + first + "spec: {replicas: 2}\n", status.Progressing, "Replicas: 0/2"},
		{"a Deployment that was changed and not seen since", deployment + second + "spec: {replicas: 2, progressDeadlineSeconds: 600}\n" + rolled,
			status.Progressing, "has seen generation 1, and not yet 2"},
		{"a Deployment with pods to come", deployment + first + "spec: {replicas: 3, progressDeadlineSeconds: 600}\n" + rolled, status.Progressing, "Replicas: 2/3"},
		{"a Deployment with old pods to go", deployment + first + "spec: {replicas: 1, progressDeadlineSeconds: 600}\n" + rolled, status.Progressing, "termination"},
		{"a Deployment past its deadline", deployment + first + "spec: {replicas: 3, progressDeadlineSeconds: 1}\n" +
			"status: {observedGeneration: 1, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}\n",
			status.Degraded, "ProgressDeadlineExceeded (available: 0/3)"},
		{"a Deployment that is paused", deployment + second + "spec: {replicas: 2, paused: true}\n" + rolled, status.Suspended, ""},
		{"a Deployment that was paused", deployment + first + "spec: {replicas: 2, progressDeadlineSeconds: 600, paused: false}\n" + rolled, status.Healthy, ""},
		{"a Deployment of no pods", deployment + first + "spec: {replicas: 0, progressDeadlineSeconds: 600}\n" +
			"status: {observedGeneration: 1, conditions: [{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}, {type: Available, status: 'True'}]}\n",
			status.Healthy, ""},

		{"a StatefulSet that is rolled out", stateful + first + "spec: {replicas: 2}\n" +
			"status: {observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2, currentRevision: x, updateRevision: x}\n",
			status.Healthy, ""},
		{"a StatefulSet in the middle of a roll-out", stateful + first + "spec: {replicas: 2}\n" +
			"status: {observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 1, currentRevision: x, updateRevision: y}\n",
			status.Progressing, "revision"},
		{"a StatefulSet with a pod that isn't ready", stateful + first + "spec: {replicas: 2}\nstatus: {observedGeneration: 1, replicas: 2, readyReplicas: 1}\n",
			status.Progressing, "Ready: 1/2"},

		{"a DaemonSet on every node", daemons + first + "status: {observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, " +
			"updatedNumberScheduled: 2, numberAvailable: 2, numberReady: 2}\n", status.Healthy, ""},
		{"a DaemonSet that nobody has seen yet", daemons + first, status.Progressing, "observedGeneration"},

		{"a Job that waits", job + first, status.Progressing, "not started"},
		{"a Job that is done", job + first + "status: {startTime: '2026-01-02T03:04:05Z', succeeded: 1, conditions: [{type: Complete, status: 'True'}]}\n",
			status.Healthy, ""},
		{"a Job that failed", job + first + "status: {startTime: '2026-01-02T03:04:05Z', failed: 6, conditions: [{type: Failed, status: 'True'}]}\n",
			status.Degraded, "Job Failed"},
		{"a Job that is suspended", job + first + "spec: {suspend: true}\n", status.Suspended, ""},
		{"a CronJob", cronJob + first + "spec: {suspend: false}\n", status.Healthy, ""},
		{"a CronJob that is suspended", cronJob + first + "spec: {suspend: true}\n", status.Suspended, ""},

		{"a claim that is bound", claim + first + "status: {phase: Bound}\n", status.Healthy, ""},
		{"a claim that is not, and may wait for a pod", claim + first + "status: {phase: Pending}\n", status.HealthUnset, "Pending"},
		{"a claim that nobody has seen yet", claim + first, status.Progressing, "not Bound"},

		{"a Pod whose container crashes again and again", pod + first +
			"status: {phase: Running, containerStatuses: [{name: web, state: {waiting: {reason: CrashLoopBackOff}}}]}\n", status.Degraded, "web"},
		{"a Pod in a phase that nobody has heard of", pod + first + "status: {phase: Dreaming}\n", status.HealthUnset, "Dreaming"},

		{"a CRD that is established", definition + first + "status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'True'}]}\n",
			status.Healthy, ""},
		{"a CRD that is being installed", definition + first + "status: {conditions: [{type: Established, status: 'False', reason: Installing}]}\n",
			status.Progressing, "progress"},
		{"a CRD whose names are taken", definition + first + "status: {conditions: [{type: NamesAccepted, status: 'False', reason: C, message: gears is taken}]}\n",
			status.Degraded, "gears is taken"},

		{"a custom resource that is ready", gear + first + "status: {conditions: [{type: Ready, status: 'True'}]}\n", status.Healthy, ""},
		{"a custom resource that isn't ready", gear + first + "status: {conditions: [{type: Ready, status: 'False', reason: R, message: oil is missing}]}\n",
			status.Progressing, "oil is missing"},
		{"a custom resource that doesn't know", gear + first + "status: {conditions: [{type: Ready, status: Unknown, message: who knows}]}\n",
			status.Progressing, "who knows"},
		{"a custom resource that is stalled", gear + first + "status: {conditions: [{type: Ready, status: 'False'}, {type: Stalled, status: 'True', message: jammed}]}\n",
			status.Degraded, "jammed"},
		{"a custom resource that reconciles, though it is ready", gear + first +
			"status: {conditions: [{type: Reconciling, status: 'True', message: turning}, {type: Ready, status: 'True'}]}\n", status.Progressing, "turning"},
		{"a custom resource that is ready for an older generation", gear + second +
			"status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]}\n", status.Progressing, "generation is 2"},
		{"a custom resource without a status", gear + first, status.HealthUnset, "nothing in its status"},
		{"a custom resource that is suspended", gear + first + "spec: {suspend: true}\nstatus: {conditions: [{type: Ready, status: 'False'}]}\n", status.Suspended, ""},
		{"a composite resource that is paused", "apiVersion: example.com/v1\nkind: XGear\nmetadata: {name: a, annotations: {crossplane.io/paused: 'true'}}\n" +
			"status: {conditions: [{type: Synced, status: 'False', reason: ReconcilePaused}]}\n", status.Suspended, ""},
		{"a custom resource whose suspend is no switch", gear + first + "spec: {suspend: 'yes'}\n", status.HealthUnset, "nothing in its status"},
		{"a custom resource whose spec is a text", gear + first + "spec: text\n", status.HealthUnset, "nothing in its status"},

		{"what is being deleted", gear + deleting + "status: {conditions: [{type: Ready, status: 'True'}]}\n", status.Progressing, "is being deleted"},
		{"what is suspended and being deleted", cronJob + deleting + "spec: {suspend: true}\n", status.Progressing, "is being deleted"},

		{"a status that is a text", gear + first + "status: ready\n", status.HealthUnset, "can't be read"},
		{"a status that is a list", gear + first + "status: [ready]\n", status.HealthUnset, "can't be read"},
		{"conditions that are no list", gear + first + "status: {conditions: {Ready: 'True'}}\n", status.HealthUnset, "can't be read"},
		{"a condition whose status is no text", gear + first + "status: {conditions: [{type: Ready, status: {is: true}}]}\n", status.HealthUnset, "can't be read"},
		{"a generation that is no number", gear + first + "status: {observedGeneration: one}\n", status.HealthUnset, "can't be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := judge.Of("", parse(t, tc.object))
			if got.Health != tc.want || !strings.Contains(got.Message, tc.says) {
				t.Errorf("the verdict is %s (%q), want %s and to say %q", got.Health, got.Message, tc.want, tc.says)
			}
			if good := got.Health == status.Healthy || got.Health == status.Suspended; good != (got.Message == "") {
				t.Errorf("%s says %q: what isn't healthy says why, and what is says nothing", got.Health, got.Message)
			}
		})
	}
}

func parse(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	b, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestOfChangesNothing(t *testing.T) {
	t.Parallel()
	text := deployment + first + "spec: {replicas: 2, paused: true}\n" + rolled
	u := parse(t, text)
	NewJudge().Of("", u)
	if diff := cmp.Diff(parse(t, text).Object, u.Object); diff != "" {
		t.Errorf("judging changed the object (-want +got)\n%s", diff)
	}
}

// Anyone may write anything into the status of a custom resource; a verdict
// comes all the same, and never the word healthy for what can't be read.
func FuzzOf(f *testing.F) {
	for _, status := range []string{
		`{"conditions":[{"type":"Ready","status":"True"}]}`, `{"conditions":[null]}`, `{"conditions":[[]]}`, `null`, `"x"`, `3`, `{"observedGeneration":1e99}`, `{"conditions":[{"type":7}]}`,
	} {
		f.Add(status)
	}
	judge := NewJudge()
	f.Fuzz(func(t *testing.T, text string) {
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON([]byte(`{"apiVersion":"example.com/v1","kind":"Gear","metadata":{"name":"a","generation":1},"spec":` + text + `,"status":` + text + `}`)); err != nil {
			t.Skip()
		}
		v := judge.Of("", u)
		if rank(v.Health) == rank(status.HealthUnset) && (v.Health != status.HealthUnset || v.Message == "") {
			t.Errorf("%q is no verdict", v)
		}
	})
}

func TestTheWorstHealthCounts(t *testing.T) {
	t.Parallel()
	all := []status.Health{status.Healthy, status.Suspended, status.HealthUnset, status.Progressing, status.Degraded} // from best to worst
	for i, worst := range all {
		var c Count
		for _, h := range all[:i+1] {
			c.Add(h, 3)
		}
		if got := c.Worst(); got != worst {
			t.Errorf("the worst of %v is %s, want %s", all[:i+1], got, worst)
		}
		c.Add(worst, -2)
		if got, n := c.Worst(), c.Of(worst); got != worst || n != 1 {
			t.Errorf("with one %s of three left the worst is %s and there are %d of it", worst, got, n)
		}
		c.Add(worst, -1)
		if got := c.Worst(); got != all[max(0, i-1)] {
			t.Errorf("with no %s left the worst is %s, want %s", worst, got, all[max(0, i-1)])
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	var c Count
	if got := c.Worst(); got != status.Healthy {
		t.Errorf("no object is %s, want Healthy", got)
	}
	c.Add(status.Degraded, 1)
	copied := c // an App's tally is copied with its count
	c.Add(status.Degraded, -1)
	if c.Worst() != status.Healthy || copied.Worst() != status.Degraded {
		t.Errorf("after one was taken back there is %s; in the copy, %s", c.Worst(), copied.Worst())
	}
	c.Add("", 1) // of an object that was never judged
	c.Add("Splendid", 1)
	if got := c.Of(status.HealthUnset); got != 2 || c.Worst() != status.HealthUnset {
		t.Errorf("what nobody has heard of counts %d times as unknown, the worst is %s", got, c.Worst())
	}
	c.Add("", -1)
	c.Add("Splendid", -1)
	if diff := cmp.Diff(Count{}, c, cmp.AllowUnexported(Count{})); diff != "" {
		t.Errorf("what was added and taken back is left (-want +got)\n%s", diff)
	}
}

func TestWhatIsSecretIsNeverWatchedWhole(t *testing.T) {
	t.Parallel()
	for kind, want := range map[schema.GroupKind]bool{
		{Kind: "Secret"}:    true,
		{Kind: "ConfigMap"}: true,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:                       true,
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:                             true,
		{Group: "networking.k8s.io", Kind: "Ingress"}:                                   false,
		{Group: "apps", Kind: "Deployment"}:                                             false,
		{Kind: "PersistentVolumeClaim"}:                                                 false,
		{Group: "example.com", Kind: "Gear"}:                                            false,
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:               false,
		{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}: true,
		{Group: "coordination.k8s.io", Kind: "Lease"}:                                   true,
	} {
		if got := ByPresence(kind); got != want {
			t.Errorf("%s is watched as metadata only: %v, want %v", kind, got, want)
		}
	}
}

func TestDeletingSaysWhatHoldsItUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, object, want string }{
		{"nothing does", `{"kind":"Pod","metadata":{"name":"a","deletionTimestamp":"2026-01-02T03:04:05Z"}}`, "is being deleted"},
		{"finalizers", `{"kind":"PersistentVolumeClaim","metadata":{"deletionTimestamp":"2026-01-02T03:04:05Z","finalizers":["kubernetes.io/pvc-protection","example.com/x"]}}`,
			"is being deleted; held by the finalizer kubernetes.io/pvc-protection, example.com/x"},
		{"what a namespace has", `{"kind":"Namespace","metadata":{"deletionTimestamp":"2026-01-02T03:04:05Z"},"status":{"phase":"Terminating","conditions":[
			{"type":"NamespaceDeletionContentFailure","status":"False","message":"All content successfully deleted, may be waiting on finalization"},
			{"type":"NamespaceFinalizersRemaining","status":"True","message":"Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances"}]}}`,
			"is being deleted; Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := &unstructured.Unstructured{Object: map[string]any{}}
			if err := json.Unmarshal([]byte(tc.object), &o.Object); err != nil {
				t.Fatal(err)
			}
			o.SetAPIVersion("v1")
			if got := NewJudge().Of("", o); got.Health != status.Progressing || got.Message != tc.want {
				t.Errorf("the verdict is %s (%q), want %q", got.Health, got.Message, tc.want)
			}
		})
	}
}
