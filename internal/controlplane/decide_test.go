package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func set(components ...Component) map[Component]bool {
	all := map[Component]bool{}
	for _, c := range components {
		all[c] = true
	}
	return all
}

func TestToStart(t *testing.T) {
	for _, test := range []struct {
		name    string
		alive   map[Component]bool
		serving bool
		want    []Component
	}{
		{"nothing runs", nil, false, Components()},
		{"all is well", set(Components()...), true, nil},
		{"a client died", set(Etcd, APIServer, ControllerManager, Nodes), true, []Component{Scheduler}},
		{"the API server died", set(Etcd, ControllerManager, Scheduler, Nodes), false, []Component{APIServer}},
		{"the API server hangs", set(Components()...), false, []Component{APIServer}},
		{"etcd died, which the API server may not have seen", set(APIServer, ControllerManager, Scheduler, Nodes), true, []Component{Etcd, APIServer}},
		{"only etcd survived", set(Etcd), false, []Component{APIServer, ControllerManager, Scheduler, Nodes}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, toStart(test.alive, test.serving)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNodeTakesPods(t *testing.T) {
	for _, test := range []struct {
		name, node string
		want       bool
	}{
		{"new", `{}`, false},
		{"ready", `{"status":{"conditions":[{"type":"DiskPressure","status":"False"},{"type":"Ready","status":"True"}]}}`, true},
		{"not ready", `{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`, false},
		{"unknown", `{"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}`, false},
		{
			"ready, but still marked as not",
			`{"spec":{"taints":[{"key":"node.kubernetes.io/not-ready"}]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, false,
		},
		{
			"ready, with a mark of the user's",
			`{"spec":{"taints":[{"key":"gpu"}]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var node node
			if err := json.Unmarshal([]byte(test.node), &node); err != nil {
				t.Fatal(err)
			}
			if got := node.takesPods(); got != test.want {
				t.Errorf("takes pods: %t, want %t", got, test.want)
			}
		})
	}
}

func TestFreePortsAreFreeAndDifferent(t *testing.T) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort))
	if err == nil { // or else someone else has it, which serves as well
		defer listener.Close()
	}
	calls := 0
	counting := func(int) int { calls++; return calls / 2 } // 0 1 1 2 2 3 3 …: a taken port, then each twice
	got, err := freePorts(counting)
	if err != nil {
		t.Fatal(err)
	}
	if got.Etcd == firstPort || got.Etcd == got.EtcdPeer || got.EtcdPeer == got.APIServer || got.Etcd == got.APIServer {
		t.Errorf("ports %+v", got)
	}
	if _, err := freePorts(func(int) int { return 7 }); err == nil {
		t.Error("one port was given out three times")
	}
}

func TestEveryConnectionIsVerified(t *testing.T) {
	l := layout{"/plane"}
	for _, c := range Components() {
		line := strings.Join(arguments(c, l, ports{1, 2, 3}), " ")
		for _, never := range []string{"insecure", "http://", "skip"} {
			if strings.Contains(line, never) {
				t.Errorf("%s is started with %q: %s", c, never, line)
			}
		}
	}
	for _, want := range []string{"--client-cert-auth", "--peer-client-cert-auth"} {
		if !strings.Contains(strings.Join(etcdFlags(l, ports{}), " "), want) {
			t.Errorf("etcd is started without %s", want)
		}
	}
	for _, want := range []string{"--authorization-mode=RBAC", "--anonymous-auth=false", "--kubelet-certificate-authority="} {
		if !strings.Contains(strings.Join(apiServerFlags(l, ports{}), " "), want) {
			t.Errorf("the API server is started without %s", want)
		}
	}
}

func TestLogMarkShowsTheLastLinesOfThisRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "component.log")
	if err := os.WriteFile(path, []byte("an earlier run: address already in use\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, mark, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := mark.String(), "its log "+path+" says nothing"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for i := range 20 {
		fmt.Fprintf(log, "line %d %s\n", i, strings.Repeat("x", 2*tailColumn))
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	died := &diedError{component: Etcd, how: "exit status 1", log: mark}
	if died.portTaken() {
		t.Error("it takes the words of an earlier run for its own")
	}
	text := died.Error()
	if strings.Contains(text, "line 11") || !strings.Contains(text, "line 12") || !strings.Contains(text, "line 19") {
		t.Errorf("not the last %d lines:\n%s", tailLines, text)
	}
	if len(text) > tailLines*(tailColumn+20)+200 {
		t.Errorf("%d bytes are no line for people", len(text))
	}
}

func TestLargeLogIsPutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "component.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxLog+1); err != nil {
		t.Fatal(err)
	}
	log, mark, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := os.Stat(path + ".old"); err != nil || mark.from != 0 {
		t.Errorf("put aside: %v; the new log begins at %d", err, mark.from)
	}
}

func TestStatusTellsWhatIsWrong(t *testing.T) {
	me := self()
	all := map[Component]process{}
	for _, c := range Components() {
		all[c] = me
	}
	few := map[Component]process{Etcd: me, APIServer: me, Nodes: me, Scheduler: {PID: me.PID, Started: "before"}}
	for _, test := range []struct {
		name    string
		known   state
		serving error
		running bool
		problem string
	}{
		{"never started", state{}, errors.New("down"), false, "no component runs"},
		{"all of it", state{Processes: all}, nil, true, ""},
		{"not ready", state{Processes: all}, errors.New("etcd is slow"), false, "kube-apiserver is not ready: etcd is slow"},
		{"some of it", state{Processes: few}, nil, false, "not running: kube-controller-manager, kube-scheduler"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.known.status(layout{"/plane"}, test.serving)
			if got.Running != test.running || got.Problem != test.problem {
				t.Errorf("running %t, problem %q; want %t, %q", got.Running, got.Problem, test.running, test.problem)
			}
		})
	}
}
