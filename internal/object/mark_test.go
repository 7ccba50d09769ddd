package object

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
)

// spelled makes a name of the letters that Kubernetes allows out of any bytes.
func spelled(bytes, letters string, most int) string {
	var name strings.Builder
	for i := range min(len(bytes), most-1) {
		name.WriteByte(letters[int(bytes[i])%len(letters)])
	}
	return strings.Trim(name.String(), "-.") + "z"
}

// The label of any App that Kubernetes allows is a valid value, names the
// namespace, and tells one App from another.
func FuzzAppLabel(f *testing.F) {
	f.Add("team", "shop")
	f.Add(strings.Repeat("n", 63), strings.Repeat("a", 253))
	f.Add(strings.Repeat("n-", 31), strings.Repeat(".-", 120))
	f.Add("n", strings.Repeat("a", 60)+"-.-.-.-")
	f.Fuzz(func(t *testing.T, namespaceBytes, nameBytes string) {
		const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
		namespace := spelled(namespaceBytes, letters+"-", validation.DNS1123LabelMaxLength)
		name := strings.ReplaceAll(spelled(nameBytes, letters+"-.", validation.DNS1123SubdomainMaxLength), "..", ".")
		label := AppLabel(namespace + "/" + name)
		if errs := validation.IsValidLabelValue(label); len(errs) > 0 {
			t.Errorf("%s/%s has the label %q: %v", namespace, name, label, errs)
		}
		if short := namespace + "." + name; len(short) <= maxLabelValue && label != short {
			t.Errorf("%s/%s has the label %q, which people can't read", namespace, name, label)
		}
		for _, other := range []string{namespace + "/" + name + "a", namespace + "/a" + name, namespace + "a/" + name, "a" + namespace + "/" + name} {
			if AppLabel(other) == label {
				t.Errorf("%s/%s and %s have one label: %s", namespace, name, other, label)
			}
		}
	})
}

func TestLongNamesHaveLabelsOfTheirOwn(t *testing.T) {
	t.Parallel()
	labels := map[string]string{}
	for _, length := range []int{1, 40, 52, 53, 54, 55, 56, 57, 60, 61, 100, 240} {
		for i := range 300 {
			id := fmt.Sprintf("team-a/%s%d", strings.Repeat("n", length), i)
			label := AppLabel(id)
			if other, ok := labels[label]; ok {
				t.Fatalf("%s and %s have one label: %s", id, other, label)
			}
			labels[label] = id
		}
	}
}

func TestAppLabelIsTheSameInEveryRelease(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	want := map[string]string{ // these stand on live objects: another label would orphan them
		"shop/web":                             "shop.web",
		"shop/web.example.com":                 "shop.web.example.com",
		"n/" + strings.Repeat("a", 61):         "n." + strings.Repeat("a", 61),
		"n/" + strings.Repeat("a", 62):         "n." + strings.Repeat("a", 52) + "_08145b18",
		"n/" + strings.Repeat("a-", 100) + "a": "n." + strings.Repeat("a-", 25) + "a_dc8f81fb",
	}
	for id := range want {
		got[id] = AppLabel(id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
