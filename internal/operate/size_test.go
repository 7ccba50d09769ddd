package operate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
)

// A ConfigMap of thousands of keys among thousands of objects is blamed, and a
// key of it kept, in a time that people wait.
func TestLargeApps(t *testing.T) {
	t.Parallel()
	const keys, objects = 3000, 3000
	var big, many, owned strings.Builder
	big.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata:\n")
	for i := range keys {
		fmt.Fprintf(&big, "  key-%d: value %d\n", i, i)
		fmt.Fprintf(&owned, `"f:key-%d":{},`, i)
	}
	for i := range objects {
		fmt.Fprintf(&many, "---\napiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {ports: [{port: 80}]}\n", i)
	}
	b := newBench(t, map[string]string{"app/big.yaml": big.String(), "app/many.yaml": many.String()}, "app")
	key := object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "big"}
	b.known.Differ = []object.Key{key}
	own(b.live[key], managed("plumb", metav1.ManagedFieldsOperationApply, "", `{"f:data":{`+strings.TrimSuffix(owned.String(), ",")+`}}`, 1))

	start := time.Now()
	got, err := b.operator().Blame(t.Context(), key)
	if err != nil || len(got.Fields) != keys || got.Fields[keys-1].Line == nil || !got.Fields[keys-1].Line.Exact {
		t.Fatalf("told of %d fields, %v", len(got.Fields), err)
	}
	t.Logf("blame: %s", time.Since(start))
	start = time.Now()
	b.live[key].SetManagedFields(nil)
	b.change(t, "ConfigMap", "/data/key-1500", "other")
	if kept, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"}); err != nil || kept.Kept[0].Origin.Line != 1505 {
		t.Fatalf("got %+v, %v", kept, err)
	}
	t.Logf("keep: %s", time.Since(start))
}
