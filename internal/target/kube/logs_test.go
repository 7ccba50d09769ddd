package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// kubelet has what the containers of these tests printed.
func kubelet(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/containerLogs/"), "/") // NAMESPACE/POD/CONTAINER
	switch parts[len(parts)-1] {
	case "init":
		io.WriteString(w, "waited for the database\n")
	case "main":
		io.WriteString(w, "\x1b[31mred\x1b[0m \xff\xfe\r\n")
		for i := range 100_000 { // two megabytes in two lines, though so few are asked for
			fmt.Fprintf(w, "%019d ", i)
			if i == 10 {
				io.WriteString(w, "\n")
			}
		}
		io.WriteString(w, "the last word\n")
	case "side":
		io.WriteString(w, "no migration today\n")
	default:
		http.Error(w, "there is no log of that any more", http.StatusNotFound)
	}
}

// onNode is a Job whose pod runs on a node.
func onNode(node string, containers ...string) string {
	var list []string
	for _, name := range containers {
		list = append(list, fmt.Sprintf("{name: %s, image: example.com/x}", name))
	}
	return fmt.Sprintf(`{apiVersion: batch/v1, kind: Job, metadata: {name: %s}, spec: {backoffLimit: 0, template: {spec: {nodeName: %s, restartPolicy: Never,
		initContainers: [{name: init, image: example.com/x}], containers: [%s]}}}}`, containers[0], node, strings.Join(list, ", "))
}

// The logs of a Job come from the kubelet of its pod's node, through the API server.
func TestLogsOfAKubelet(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	node := controlplanetest.Shared(t).Kubelet(t, http.HandlerFunc(kubelet))
	b.watch([]plan.Desired{{Key: object.Key{Group: "batch", Kind: "Job"}}, {Key: object.Key{Kind: "Pod"}}})
	print := func(containers ...string) ([]hooks.Printed, string) {
		t.Helper()
		d := b.mustResolve(onNode(node, containers...))[0]
		o := b.Make(t.Context(), b.actor(), d)
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		b.untilPods(d.Key)
		printed, err := b.Log(t.Context(), b.actor(), o.Live)
		if err != nil {
			t.Fatal(err)
		}
		return printed, hooks.Log(printed, 8<<10)
	}
	printed, text := print("main", "side")
	if len(printed) != 3 || printed[1].Container != "main" || len(printed[1].Text) > mostPrinted || printed[1].Err != nil {
		t.Fatalf("there are %d containers", len(printed))
	}
	if !strings.HasPrefix(text, "[init]\nwaited for the database\n[main]\n…\n") || !strings.HasSuffix(text, "the last word\n[side]\nno migration today\n") || len(text) > 8<<10+64 {
		t.Errorf("it printed %d bytes: %.100q … %q", len(text), text, text[max(0, len(text)-100):])
	}
	if _, text := print("gone"); text != "[init]\nwaited for the database\n[gone]\n(what it printed can't be read: there is no log of that any more)\n" &&
		!strings.Contains(text, "[gone]\n(what it printed can't be read: ") {
		t.Errorf("of a log that isn't there it says %q", text)
	}
}

// untilPods waits for a Job to have a pod that runs, or ran.
func (b *bench) untilPods(job object.Key) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	cs, err := b.as(b.actor())
	if err != nil {
		b.t.Fatal(err)
	}
	live, err := b.Object(ctx, b.actor(), job, "")
	for err == nil && ctx.Err() == nil {
		pod, failed := b.podOf(ctx, cs, plan.Live{Key: job, UID: string(live.GetUID())})
		if err = failed; pod != nil && pod.Object["status"].(map[string]any)["phase"] != "Pending" {
			return
		}
	}
	b.t.Fatalf("%s has no pod that runs: %v", job, err)
}
