package verbs

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ends is `ends Pod/NAME PHASE`: a pod that no node runs is made to end so. The test stands in for the kubelet.
func ends(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: ends Pod/NAME PHASE")
	}
	s := of(ts)
	objects, name := s.resource(ts, args[0])
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"phase": args[1], "message": "the script says so"}})
	ts.Check(err)
	s.until(ts, args[0], func() bool {
		_, err := objects.Patch(context.Background(), name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		return err == nil
	})
}

// keep is `keep NAME KIND/NAME`: the uid of a live object is put into $NAME, once it is another than the one there.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: keep NAME KIND/NAME")
	}
	s := of(ts)
	objects, name := s.resource(ts, args[1])
	s.until(ts, "another "+args[1], func() bool {
		o, err := objects.Get(context.Background(), name, metav1.GetOptions{})
		if err != nil || o.GetDeletionTimestamp() != nil || string(o.GetUID()) == ts.Getenv(args[0]) {
			return false
		}
		ts.Setenv(args[0], string(o.GetUID()))
		return true
	})
}

// many is `many N KIND PREFIX`: there are N objects whose names begin so.
func many(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: many N KIND PREFIX")
	}
	objects, _ := of(ts).resource(ts, args[1]+"/x")
	list, err := objects.List(context.Background(), metav1.ListOptions{})
	ts.Check(err)
	names := []string{}
	for _, o := range list.Items {
		if len(o.GetName()) >= len(args[2]) && o.GetName()[:len(args[2])] == args[2] {
			names = append(names, o.GetName())
		}
	}
	slices.Sort(names)
	if want := args[0]; want != string(rune('0'+len(names))) {
		ts.Fatalf("there are %v, want %s", names, want)
	}
}
