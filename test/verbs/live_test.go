package verbs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/status"
)

// live is `live KIND/NAME FIELD VALUE`: it waits until the live object's field has the value; "absent" means that the object is not there. With ! it
// checks at once that the field doesn't have the value.
func live(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: live KIND/NAME FIELD VALUE | live KIND/NAME absent")
	}
	s := of(ts)
	objects, name := s.resource(ts, args[0])
	got := "nothing"
	holds := func() bool {
		o, err := objects.Get(context.Background(), name, metav1.GetOptions{})
		if len(args) == 2 {
			return err != nil
		}
		if err != nil {
			got = err.Error()
			return false
		}
		got = field(o.Object, strings.Split(args[1], "."))
		return got == args[2]
	}
	if neg {
		if holds() {
			ts.Fatalf("%s is as it must not be", strings.Join(args, " "))
		}
		return
	}
	s.until(ts, strings.Join(args, " "), holds)
}

// field is a field as text; a list's element is named by its place.
func field(value any, path []string) string {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return ""
			}
			value = v[i]
		default:
			return ""
		}
	}
	return fmt.Sprint(value)
}

// edit is `edit KIND/NAME PATCH`: a hand edit, as kubectl does it.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: edit KIND/NAME PATCH")
	}
	objects, name := of(ts).resource(ts, args[0])
	_, err := objects.Patch(context.Background(), name, types.MergePatchType, []byte(args[1]), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	ts.Check(err)
}

// put is `put FILE`: the object in a file is made in the script's namespace, by hand.
func put(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: put FILE")
	}
	o := &unstructured.Unstructured{}
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &o.Object))
	objects, name := of(ts).resource(ts, o.GetKind()+"/"+o.GetName())
	_, err := objects.Apply(context.Background(), name, o, metav1.ApplyOptions{FieldManager: "kubectl", Force: true})
	ts.Check(err)
}

// remove is `remove KIND/NAME`: a deletion by hand.
func remove(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: remove KIND/NAME")
	}
	objects, name := of(ts).resource(ts, args[0])
	ts.Check(objects.Delete(context.Background(), name, metav1.DeleteOptions{}))
}

// askHelm is `helm ARGUMENTS`: the real one, in the script's namespace. What it is told by Plumb it may be told a moment later.
func askHelm(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	checkout, _ := controlplane.Checkout(filepath.Dir(s.plumb))
	helm := filepath.Join(checkout, "bin", "helm")
	if _, err := os.Stat(helm); err != nil {
		ts.Fatalf("%v; build it: make renderers", err)
	}
	s.until(ts, "helm "+strings.Join(args, " "), func() bool {
		return ts.Exec(helm, append(args, "--namespace", s.namespace)...) == nil
	})
}

// status is how the script's App stands.
func (s *stage) status(ts *testscript.TestScript) status.App {
	found, err := client.Find(client.Flags{}, ts.Getenv)
	ts.Check(err)
	c, err := client.New(found)
	ts.Check(err)
	app, err := c.App(context.Background(), s.namespace+"/shop")
	if err != nil {
		return status.App{} // it isn't declared yet
	}
	return app.App
}

// pending is `pending NAME`: it waits for a plan of the script's App and puts its hash into $NAME.
func pending(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	s.until(ts, "a plan", func() bool {
		p := s.status(ts).Plan
		if p != nil {
			ts.Setenv(args[0], p.Hash)
		}
		return p != nil
	})
}

// moved is `moved HASH`: it waits for another plan to take the place of one.
func moved(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	s.until(ts, "another plan", func() bool {
		p := s.status(ts).Plan
		return p != nil && p.Hash != args[0]
	})
}

// approve is `approve`: it approves the plan that waits, as a person would.
func approve(ts *testscript.TestScript, neg bool, _ []string) {
	pending(ts, false, []string{"PLAN"})
	runPlumb(ts, neg, []string{"approve", of(ts).namespace + "/shop", ts.Getenv("PLAN")[:12]})
}

// happened is `happened KIND`: it waits for an event of the script's App.
func happened(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	found, err := client.Find(client.Flags{}, ts.Getenv)
	ts.Check(err)
	c, err := client.New(found)
	ts.Check(err)
	s.until(ts, args[0], func() bool {
		list, err := c.Events(context.Background(), event.Query{App: s.namespace + "/shop"})
		return err == nil && slices.ContainsFunc(list, func(e event.Event) bool { return string(e.Kind) == args[0] })
	})
}
