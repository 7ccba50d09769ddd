package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/status"
)

// endless is a kustomization that takes minutes: each of its patches is tried on each of its objects.
func endless() map[string]string {
	var objects, patches strings.Builder
	for i := range 3_000 {
		objects.WriteString("---\n" + configMap(fmt.Sprint("endless-", i), "a", "b"))
	}
	for i := range 1_000 {
		fmt.Fprintf(&patches, "- target: {name: '.*'}\n  patch: '[{op: add, path: /data/k%d, value: x}]'\n", i)
	}
	return map[string]string{"endless/kustomization.yaml": "resources: [a.yaml]\npatches:\n" + patches.String(), "endless/a.yaml": objects.String()}
}

// An App whose render takes too long is stopped, with an error that names it and the limit, again and again. Others are delivered as if it weren't there, also
// kustomizations. No worker outlives its daemon, however that ends.
func TestRunawayRender(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.more = []string{"--render-time", "3s", "--render-workers", "2"}
	files := endless()
	files["apps/endless.yaml"] = f.app("endless")
	const others = 5
	for i := range others {
		name := fmt.Sprint("other-", i)
		files["apps/"+name+".yaml"] = f.app(name)
		files[name+"/kustomization.yaml"] = "resources: [a.yaml]\n"
		files[name+"/a.yaml"] = configMap(name, "turn", "0")
	}
	f.commit(files)
	f.start()
	for i := range others {
		f.awaitData(fmt.Sprint("other-", i), map[string]string{"turn": "0"})
	}
	want := "the render of endless (App endless) took longer than 3s and was stopped"
	f.awaitStatus("endless", "told that "+want, func(s status.App) bool { return strings.Contains(s.Message, want) })

	var slowest time.Duration
	for turn := 1; turn <= 10; turn++ {
		name := fmt.Sprint("other-", turn%others)
		began := time.Now()
		f.commit(map[string]string{name + "/a.yaml": configMap(name, "turn", strconv.Itoa(turn))})
		f.awaitData(name, map[string]string{"turn": strconv.Itoa(turn)})
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("the slowest of ten commits beside it was live after %s", slowest.Round(time.Millisecond))
	if !strings.Contains(string(readFile(t, f.daemon.log)), "a process that renders ended") {
		t.Error("the log says nothing of it")
	}

	workers := childrenOf(t, f.daemon.cmd.Process.Pid)
	f.daemon.kill()
	for _, pid := range workers {
		until(t, func() string {
			if stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat")); err == nil && !strings.Contains(string(stat), ") Z ") {
				return "the worker " + strconv.Itoa(pid) + " outlives the daemon"
			}
			return ""
		})
	}
}

// childrenOf are the workers that a process started; none where that can't be told.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var workers []int
	for _, list := range lists {
		content, _ := os.ReadFile(list) // a thread may have ended
		for _, field := range strings.Fields(string(content)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); strings.Contains(string(line), "render-worker") {
				workers = append(workers, child)
			}
		}
	}
	return workers
}
