package controlplane_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
)

// callerVariable makes this test binary a program that starts a control plane in the folder it names and then waits to be killed.
const callerVariable = "PLUMB_TEST_CALLER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(callerVariable); dir != "" {
		os.Exit(call(dir, len(os.Args) > 1 && os.Args[1] == "tied"))
	}
	controlplanetest.Main(m)
}

func call(dir string, tied bool) int {
	_, err := controlplane.Up(context.Background(), controlplane.Options{
		Dir: dir, DieWithCaller: tied, Progress: func(step string) { fmt.Println(step) },
	})
	fmt.Println("up:", err)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// caller runs this test binary as such a program, and returns once it has printed a line that begins with until.
func caller(t *testing.T, dir, until string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), callerVariable+"="+dir, controlplane.BinaryVariable+"="+binary(t))
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), until) {
			return command
		}
	}
	t.Fatalf("the caller ended before it said %q: %v", until, command.Wait())
	return nil
}

func kill(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // "signal: killed"
}

func binary(t *testing.T) string {
	t.Helper()
	if told := os.Getenv(controlplane.BinaryVariable); told != "" {
		return told
	}
	checkout, ok := controlplane.Checkout(workingFolder(t))
	if !ok {
		t.Fatal("not in a checkout of Plumb")
	}
	return filepath.Join(checkout, "bin", controlplane.BinaryName)
}

func workingFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// up starts a control plane that outlives its callers.
func up(t *testing.T, dir string) controlplane.Status {
	t.Helper()
	status, err := controlplane.Up(t.Context(), controlplane.Options{Dir: dir, Binary: binary(t)})
	if err != nil {
		t.Fatal(err)
	}
	if !status.Running {
		t.Fatalf("it does not run: %s", status.Problem)
	}
	return status
}

func read(t *testing.T, dir string) controlplane.Status {
	t.Helper()
	status, err := controlplane.Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func pids(status controlplane.Status) map[controlplane.Component]int {
	all := map[controlplane.Component]int{}
	for _, c := range status.Components {
		all[c.Name] = c.PID
	}
	return all
}

// leftovers are the processes that were started for this folder: its name is in their arguments.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	out, err := exec.Command("ps", "-axww", "-o", "pid=,stat=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, dir) && strings.Contains(line, "--") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// awaitNoLeftovers waits for processes that end by themselves.
func awaitNoLeftovers(t *testing.T, dir string) {
	t.Helper()
	if left := leftoversOnce(t, dir, func(found []string) bool { return len(found) == 0 }); len(left) > 0 {
		t.Fatalf("processes are left:\n%s", strings.Join(left, "\n"))
	}
}

// awaitLeftovers waits until a process that was started shows its arguments, which it has a moment later.
func awaitLeftovers(t *testing.T, dir string) {
	t.Helper()
	if len(leftoversOnce(t, dir, func(found []string) bool { return len(found) > 0 })) == 0 {
		t.Fatal("nothing ran: the test proves nothing")
	}
}

// leftoversOnce are the processes once they are as wanted, or after a while.
func leftoversOnce(t *testing.T, dir string, wanted func([]string) bool) []string {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		found := leftovers(t, dir)
		if wanted(found) {
			return found
		}
		select {
		case <-ticker.C:
		case <-deadline:
			return found
		}
	}
}

var (
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

func client(t *testing.T, config *rest.Config) dynamic.Interface {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestDeploymentBecomesAvailable(t *testing.T) {
	objects := client(t, controlplanetest.Config(t)).Resource(deployments).Namespace(controlplanetest.Namespace(t))
	labels := map[string]any{"app": "web"}
	_, err := objects.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{
			"replicas": int64(2),
			"selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": "registry.example/web:1"}}},
			},
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	events, err := objects.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			t.Fatalf("watch: %v", event.Object)
		}
		if available, _, _ := unstructured.NestedInt64(object.Object, "status", "availableReplicas"); available == 2 {
			return
		}
	}
	t.Error("two replicas were not available in time")
}

func TestServerVersionIsThatOfTheRelease(t *testing.T) {
	answer := get(t, trusting(t, controlplanetest.Config(t)), controlplanetest.Config(t).Host+"/version")
	if !strings.Contains(answer, `"gitVersion": "v1.36.`) {
		t.Errorf("version: %s", answer)
	}
}

func trusting(t *testing.T, config *rest.Config) *http.Client {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOnlyTheOwnAuthorityIsTrusted(t *testing.T) {
	config := controlplanetest.Config(t)

	t.Run("a client with another authority refuses the server", func(t *testing.T) {
		stranger := rest.CopyConfig(config)
		stranger.CAData = etcdAuthority(t) // of this folder, and yet not that of the API server
		_, err := trusting(t, stranger).Get(config.Host + "/version")
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
			t.Errorf("error %v, want an unknown authority", err)
		}
	})
	t.Run("a client without a certificate is nobody", func(t *testing.T) {
		nobody := rest.CopyConfig(config)
		nobody.CertData, nobody.KeyData = nil, nil
		answer, err := trusting(t, nobody).Get(config.Host + "/api/v1/namespaces")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", answer.StatusCode)
		}
	})
	t.Run("etcd refuses the administrator of the API server", func(t *testing.T) {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(etcdAuthority(t))
		identity, err := tls.X509KeyPair(config.CertData, config.KeyData)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{identity}}}
		answer, err := (&http.Client{Transport: transport}).Get(etcdURL(t) + "/version")
		if err == nil {
			answer.Body.Close()
			t.Fatal("etcd answered")
		}
		if !strings.Contains(err.Error(), "tls:") {
			t.Errorf("error %v, want a refusal by TLS", err)
		}
	})
}

func etcdAuthority(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(controlplanetest.Shared(t).Dir, "pki", "etcd-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestUpTwiceIsTheSame(t *testing.T) {
	plane := controlplanetest.Shared(t)
	before := plane.Status(t)
	after, err := controlplane.Up(t.Context(), controlplane.Options{Dir: plane.Dir, Binary: binary(t), DieWithCaller: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the second start changed something:\n%s", diff)
	}
}

func TestUpAddsNodes(t *testing.T) {
	plane := controlplanetest.Shared(t)
	status, err := controlplane.Up(t.Context(), controlplane.Options{Dir: plane.Dir, Binary: binary(t), Nodes: 3})
	if err != nil {
		t.Fatal(err)
	}
	if status.Nodes != 3 {
		t.Errorf("%d nodes, want 3", status.Nodes)
	}
}

// One control plane goes through its life here, because each start costs seconds.
func TestLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plane")
	t.Cleanup(func() {
		if err := controlplane.Delete(context.Background(), dir); err != nil {
			t.Error(err)
		}
	})
	first := bothUp(t, dir)
	plane := client(t, configOf(t, first))
	create(t, plane, "kept")

	for _, c := range controlplane.Components() {
		t.Run("up repairs a killed "+string(c), func(t *testing.T) { killAndRepair(t, dir, c) })
	}
	t.Run("the API server comes back on its port", func(t *testing.T) {
		for _, step := range []func(context.Context, string, controlplane.Component) error{controlplane.Stop, controlplane.Start} {
			if err := step(t.Context(), dir, controlplane.APIServer); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(t, dir); !got.Running || got.Server != first.Server {
			t.Errorf("running: %t (%s) at %s, want it at %s", got.Running, got.Problem, got.Server, first.Server)
		}
	})
	t.Run("tied to a caller it is refused while it runs", func(t *testing.T) {
		_, err := controlplane.Up(t.Context(), controlplane.Options{Dir: dir, Binary: binary(t), DieWithCaller: true})
		if err == nil || !strings.Contains(err.Error(), "plumb dev down") {
			t.Errorf("error %v, want one that says how to stop it", err)
		}
	})
	t.Run("down leaves no process, and again is fine", func(t *testing.T) {
		for range 2 {
			if err := controlplane.Down(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			if left := leftovers(t, dir); len(left) > 0 {
				t.Errorf("processes are left:\n%s", strings.Join(left, "\n"))
			}
		}
		if got := read(t, dir); got.Running || got.Problem != "no component runs" {
			t.Errorf("status %+v", got)
		}
	})
	t.Run("up again has kept what was in it, and moves where its port was taken", func(t *testing.T) {
		listener, err := net.Listen("tcp", strings.TrimPrefix(first.Server, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		status := up(t, dir)
		if status.Server == first.Server {
			t.Errorf("it is at %s, where someone else listens", status.Server)
		}
		if _, err := client(t, configOf(t, status)).Resource(namespaces).Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("delete leaves nothing", func(t *testing.T) {
		if err := controlplane.Delete(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder: %v", err)
		}
		awaitNoLeftovers(t, dir)
	})
}

// bothUp has two callers start the same control plane at the same time.
func bothUp(t *testing.T, dir string) controlplane.Status {
	t.Helper()
	var found [2]controlplane.Status
	var wait sync.WaitGroup
	for i := range found {
		wait.Go(func() {
			status, err := controlplane.Up(t.Context(), controlplane.Options{Dir: dir, Binary: binary(t)})
			if err != nil {
				t.Error(err)
			}
			found[i] = status
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	if diff := cmp.Diff(found[0], found[1]); diff != "" {
		t.Fatalf("two starts at once found different things:\n%s", diff)
	}
	return found[0]
}

func configOf(t *testing.T, status controlplane.Status) *rest.Config {
	t.Helper()
	info, err := os.Stat(status.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig has mode %v, want 0600", info.Mode())
	}
	return kubeconfig(t, status.Kubeconfig)
}

func create(t *testing.T, client dynamic.Interface, namespace string) {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace},
	}}
	if _, err := client.Resource(namespaces).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func killAndRepair(t *testing.T, dir string, c controlplane.Component) {
	t.Helper()
	before := pids(read(t, dir))
	if before[c] == 0 {
		t.Fatalf("%s does not run: %s", c, read(t, dir).Problem)
	}
	if err := controlplane.Kill(t.Context(), dir, c); err != nil {
		t.Fatal(err)
	}
	if broken := read(t, dir); !strings.Contains(broken.Problem, string(c)) {
		t.Errorf("problem %q does not name %s", broken.Problem, c)
	}
	after := pids(up(t, dir))
	for _, other := range controlplane.Components() {
		replaced := after[other] != before[other]
		// An API server that lost its etcd is replaced with it.
		want := other == c || c == controlplane.Etcd && other == controlplane.APIServer
		if replaced != want {
			t.Errorf("%s replaced: %t, want %t", other, replaced, want)
		}
	}
}

func TestKilledCallerLeavesNoProcess(t *testing.T) {
	for _, test := range []struct {
		name, until string
		args        []string
	}{
		{"tied to it", "up: <nil>", []string{"tied"}},
		{"while it starts what is to outlive it", "etcd started", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			command := caller(t, dir, test.until, test.args...)
			awaitLeftovers(t, dir)
			kill(t, command)
			awaitNoLeftovers(t, dir)
		})
	}
}
