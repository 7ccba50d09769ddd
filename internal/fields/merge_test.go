package fields

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func objectOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

// owned are managed fields that know what the elements of two lists are known by.
func owned(manager, json string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(json)}
}

func TestMerged(t *testing.T) {
	t.Parallel()
	live := objectOf(t, `{metadata: {name: a, finalizers: [x]}, spec: {replicas: 1, size: 2, args: [a, b],
		ports: [{name: http, port: 80, protocol: TCP, targetPort: 80}, {name: dns, port: 53, protocol: UDP}], env: [{name: A, value: x, more: y}]}}`)
	live.SetManagedFields([]metav1.ManagedFieldsEntry{owned("x", `{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:name":{}}},"f:env":{"k:{\"name\":\"A\"}":{"f:value":{}}}}}`)})
	declared := objectOf(t, `{metadata: {name: a, finalizers: [y, x]}, spec: {replicas: 3, args: [c],
		ports: [{name: http, port: 80, targetPort: 8000}, {name: http, port: 8000}], env: [{name: A, value: z}, {name: B, value: b}]}}`).Object
	got := Merged(live, declared)
	want := objectOf(t, `{metadata: {name: a, finalizers: [x, y]}, spec: {replicas: 3, size: 2, args: [c],
		ports: [{name: http, port: 80, protocol: TCP, targetPort: 8000}, {name: dns, port: 53, protocol: UDP}, {name: http, port: 8000}],
		env: [{name: A, value: z, more: y}, {name: B, value: b}]}}`)
	got.SetManagedFields(nil)
	if diff := cmp.Diff(want.Object, got.Object); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if replicas, _, _ := unstructured.NestedFieldNoCopy(live.Object, "spec", "replicas"); replicas == int64(3) {
		t.Error("the live object was changed")
	}
}

func TestStrays(t *testing.T) {
	t.Parallel()
	live := objectOf(t, `{spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}, template: {spec: {
		volumes: [{name: data, emptyDir: {}}, {name: other, emptyDir: {}}], containers: [{name: web, probe: {httpGet: {port: 80}, period: 10}}]}}}}`)
	declared := objectOf(t, `{spec: {strategy: {type: Recreate}, template: {spec: {
		volumes: [{name: data, configMap: {name: c}}, {name: other, emptyDir: {}}], containers: [{name: web, probe: {tcpSocket: {port: 80}}}]}}}}`).Object
	forbidden, invalid := metav1.CauseTypeForbidden, metav1.CauseTypeFieldValueInvalid
	for _, tc := range []struct {
		name, field string
		kind        metav1.CauseType
		owner       string // owns rollingUpdate
		want        string
	}{
		{"the field that is named", "spec.strategy.rollingUpdate", forbidden, "", ".spec.strategy.rollingUpdate"},
		{"it, whatever the cause is called", "spec.strategy.rollingUpdate", invalid, "", ".spec.strategy.rollingUpdate"},
		{"it is somebody's", "spec.strategy.rollingUpdate", forbidden, "scaler", ""},
		{"what stands beside it", "spec.template.spec.volumes[0].configMap", forbidden, "", `.spec.template.spec.volumes[name="data"].emptyDir`},
		{"what stands beside it, inside an element", "spec.template.spec.containers[0].probe.tcpSocket", forbidden, "", `.spec.template.spec.containers[name="web"].probe.httpGet`},
		{"a value that is wrong", "spec.template.spec.volumes[0].configMap", invalid, "", ""},
		{"a declared field", "spec.strategy.type", invalid, "", ""},
		{"what isn't in the spec", "metadata.name", forbidden, "", ""},
		{"the spec as such", "spec", forbidden, "", ""},
		{"what isn't there", "spec.more.less", forbidden, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var owners []metav1.ManagedFieldsEntry
			if tc.owner != "" {
				owners = append(owners, owned(tc.owner, `{"f:spec":{"f:strategy":{"f:rollingUpdate":{"f:maxSurge":{}}}}}`))
			}
			var got []string
			for _, p := range Strays(live, declared, []metav1.StatusCause{{Type: tc.kind, Field: tc.field}}, owners) {
				got = append(got, p.String())
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("there are %q, want %q", got, tc.want)
			}
		})
	}
}
