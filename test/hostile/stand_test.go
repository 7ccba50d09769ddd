package hostile_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// stand is a daemon that follows a root on this machine and holds a namespace
// of its own in line. Apps are declared in that namespace, so that those of
// other tests can't have the same name.
type stand struct {
	*daemon
	namespace string
	cluster   dynamic.Interface
	root      *gittest.Repo
	mu        sync.Mutex // held by who commits
}

// newStand makes a root with some files and starts a daemon for it.
func newStand(t *testing.T, h how, files func(*stand) map[string]string) *stand {
	t.Helper()
	s := &stand{namespace: controlplanetest.Namespace(t), cluster: connect(t), root: gittest.NewRepo(t)}
	s.commit(maps.Clone(files(s)))
	if h.root == "" {
		h.root = s.root.Dir
	}
	if h.kubeconfig == "" {
		h.kubeconfig = controlplanetest.Kubeconfig(t)
	}
	s.daemon = run(t, h)
	return s
}

func connect(t *testing.T) dynamic.Interface {
	t.Helper()
	cluster, err := dynamic.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// commit commits files to the root and returns the commit.
func (s *stand) commit(files map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root.Commit(files)
}

// id is an App's NAMESPACE/NAME.
func (s *stand) id(name string) string { return s.namespace + "/" + name }

// declare is the declaration of an App whose manifests are in the folder of
// its name. More fields of its spec may follow, each a line.
func (s *stand) declare(name string, spec ...string) string {
	text := fmt.Sprintf("apiVersion: plumb.dev/v1alpha1\nkind: App\nmetadata: {name: %s, namespace: %s}\nspec:\n", name, s.namespace)
	if !slices.ContainsFunc(spec, func(l string) bool { return strings.HasPrefix(l, "source:") }) {
		spec = append([]string{"source: {path: " + name + "}"}, spec...)
	}
	for _, l := range spec {
		text += "  " + l + "\n"
	}
	return text
}

// paint is a ConfigMap with a color.
func paint(name, color string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {color: %s}\n", name, color)
}

// app is how an App stands; ok is false when there is none, or no answer.
func (s *stand) app(name string) (status.Detail, bool) {
	d, err := s.App(context.Background(), s.id(name))
	return d, err == nil
}

// synced waits until an App is in line and healthy at a commit; any will do
// where it is empty.
func (s *stand) synced(t *testing.T, name, commit string) status.Detail {
	t.Helper()
	var d status.Detail
	until(t, s.id(name)+" to be in line at "+commit, func() string {
		d, _ = s.app(name)
		if d.Sync == status.Synced && d.Health == status.Healthy && (commit == "" || d.Revision == commit) {
			return ""
		}
		return fmt.Sprintf("%+v", d.App)
	})
	if d.Message != "" {
		t.Errorf("%s is well, and says %q", d.ID(), d.Message)
	}
	return d
}

// complains waits until an App's message has all of some texts.
func (s *stand) complains(t *testing.T, name string, texts ...string) status.Detail {
	t.Helper()
	var d status.Detail
	until(t, fmt.Sprintf("%s to say %q", s.id(name), texts), func() string {
		d, _ = s.app(name)
		for _, text := range texts {
			if !strings.Contains(d.Message, text) {
				return fmt.Sprintf("it doesn't say %q:\n%s\n%+v", text, d.Message, d.App)
			}
		}
		return ""
	})
	return d
}

// painted waits until a ConfigMap has a color.
func (s *stand) painted(t *testing.T, name, color string) {
	t.Helper()
	until(t, name+" to be "+color, func() string {
		got, _ := s.color(name)
		if got == color {
			return ""
		}
		return fmt.Sprintf("it is %q", got)
	})
}

// color is a ConfigMap's color and uid; both are empty when it isn't there.
func (s *stand) color(name string) (color, uid string) {
	u, err := s.maps().Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		return "", ""
	}
	color, _, _ = unstructured.NestedString(u.Object, "data", "color")
	return color, string(u.GetUID())
}

func (s *stand) maps() dynamic.ResourceInterface {
	return s.cluster.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(s.namespace)
}

// wantAll holds a text to having all of some others in it.
func wantAll(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q:\n%s", what, want, text)
		}
	}
}

// join puts sets of files together.
func join(sets ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, files := range sets {
		maps.Copy(all, files)
	}
	return all
}
