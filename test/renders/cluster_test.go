package renders

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/helmrecord"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/target/kube"
	"plumb.dev/plumb/internal/tree/treetest"
)

// cluster is a real one, and an App that is for a namespace of it.
type cluster struct {
	*kube.Cluster
	t   *testing.T
	app v1alpha1.App
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c, err := kube.New(controlplanetest.Config(t), kube.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.Run(ctx)
	t.Cleanup(func() { cancel(); c.Wait() })
	app := v1alpha1.App{}
	app.Name, app.Namespace = "web", controlplanetest.Namespace(t)
	app.Spec.Source.Path = "c"
	return &cluster{Cluster: c, t: t, app: v1alpha1.Default(app)}
}

// helm is what helm prints about the cluster.
func (c *cluster) helm(arguments ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), program(c.t, "helm"), append(arguments, "--namespace", c.app.Namespace, "--kubeconfig", controlplanetest.Kubeconfig(c.t))...)
	cmd.Env = []string{"HOME=" + c.t.TempDir(), "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("helm %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	return string(out)
}

// What a chart asks of the cluster is answered as helm is answered.
func TestAsksTheClusterAsHelmDoes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	live, err := dynamic.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "there"}, "stringData": map[string]any{"password": "hunter2"},
	}}
	secrets := live.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(c.app.Namespace)
	if _, err := secrets.Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s := scene{files: map[string]string{
		"c/Chart.yaml": "apiVersion: v2\nname: asks\nversion: 1.0.0\nkubeVersion: '>=1.30.0-0'\n",
		"c/templates/a.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  version: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }}
  apis: {{ range list "v1" "v1/Secret" "apps/v1/Deployment" "policy/v1beta1" "apiextensions.k8s.io/v1/CustomResourceDefinition" "none/v1" }}{{ $.Capabilities.APIVersions.Has . }} {{ end }}
  password: {{ (lookup "v1" "Secret" .Release.Namespace "there").data.password | quote }}
  none: {{ lookup "v1" "Secret" .Release.Namespace "none" | toJson | quote }}
  of-none: {{ (lookup "v1" "Secret" "no-such-namespace" "").items | len | quote }}
  names: {{ range (lookup "v1" "Secret" .Release.Namespace "").items }}{{ .metadata.name }} {{ end }}
  list: {{ $l := lookup "v1" "Secret" .Release.Namespace "" }}{{ $l.kind }} {{ $l.apiVersion }}
  namespace: {{ (lookup "v1" "Namespace" "" .Release.Namespace).metadata.name }}
  default: {{ (lookup "v1" "Namespace" "" "default").status.phase }}
`}}
	printed := c.helm("template", "web", filepath.Join(s.onDisk(t), "c"), "--dry-run=server")
	asking := pipeline.Asking{Renderer: inWorkers(t, helm.New()), At: c, App: c.app}
	result, err := asking.Render(t.Context(), render.Work{Files: treetest.New(s.files), Path: "c", Params: c.app.Spec.Render})
	if err != nil || !result.Asked || !result.Opened {
		t.Fatalf("it asked: %t, has secrets: %t, and the error is %v", result.Asked, result.Opened, err)
	}
	for _, o := range result.Objects {
		if mark := o.GetAnnotations()[object.AnnotationSensitive]; mark != "/data/password" {
			t.Errorf("what came from a Secret is marked as %q", mark)
		}
		o.SetAnnotations(nil)
	}
	same(t, objects(t, printed), result.Objects, nil)
	c.app.Spec.Target.ServiceAccount = "default"
	asking.App = c.app
	if _, err := asking.Render(t.Context(), render.Work{Files: treetest.New(s.files), Path: "c"}); err == nil || !strings.Contains(err.Error(), "system:serviceaccount:"+c.app.Namespace+":default") {
		t.Errorf("what the App's service account may not read is told: %v", err)
	}
}

// Helm itself shows what Plumb recorded.
func TestHelmShowsRecords(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	result, err := render.Set{helm.New()}.Render(t.Context(), render.Work{Path: "c", Files: treetest.New(map[string]string{
		"c/Chart.yaml":       "apiVersion: v2\nname: shop\nversion: 1.2.3\n",
		"c/templates/a.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: hunter2-canary}}\n",
	})})
	if err != nil {
		t.Fatal(err)
	}
	keeper := helmrecord.Keeper{Secrets: c}
	r := helmrecord.Release{
		App: object.AppLabel(c.app.ID()), Name: "web", Namespace: c.app.Namespace, Chart: helmrecord.Chart{Name: "shop", Version: "1.2.3", AppVersion: "9"},
		Values: map[string]any{"replicas": int64(3)}, Objects: result.Objects, At: time.Now(),
	}
	for i := range 2 {
		r.Text = fmt.Sprintf("Plumb applied %d", i+1)
		r.Chart.AppVersion = fmt.Sprint(9 + i)
		if err := keeper.Write(t.Context(), target.ActorOf(c.app), r); err != nil {
			t.Fatal(err)
		}
	}
	for command, want := range map[string][]string{
		"ls":               {"web", c.app.Namespace, "deployed", "shop-1.2.3", "10"},
		"history web":      {"superseded", "deployed", "Plumb applied 1", "Plumb applied 2"},
		"get manifest web": {"# Source: c/templates/a.yaml", "name: a", "password: <hidden>"},
		"get values web":   {"replicas: 3"},
		"status web":       {"STATUS: deployed", "REVISION: 2"},
	} {
		got := c.helm(strings.Fields(command)...)
		for _, part := range want {
			if !strings.Contains(got, part) || strings.Contains(got, "canary") {
				t.Errorf("helm %s lacks %q:\n%s", command, part, got)
			}
		}
	}
	if err := keeper.Remove(t.Context(), object.AppLabel(c.app.ID())); err != nil {
		t.Fatal(err)
	}
	if got := c.helm("ls", "--short"); strings.TrimSpace(got) != "" {
		t.Errorf("after the App is gone helm still shows %s", got)
	}
}
