package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/server"
)

// An App of 10,000 objects is applied whole, each object once and all by one release, in bounded memory; another App doesn't wait for it; and one
// object of it that changes costs one apply.
func TestTenThousandObjects(t *testing.T) {
	t.Parallel()
	const objects, apart = 10_000, 100
	f := newFleet(t, controlplanetest.Shared(t))
	f.dropAtOnce()
	files := map[string]string{"apps/huge.yaml": f.app("huge"), "apps/small.yaml": f.app("small"), "small/a.yaml": configMap("small", "x", "1")}
	for i := range objects {
		files[fmt.Sprintf("huge/%03d.yaml", i/apart)] += "---\n" + configMap(fmt.Sprintf("huge-%05d", i), "number", strconv.Itoa(i))
	}
	f.commit(files)
	began := time.Now()
	f.start()

	begun := f.getsOn(func(applies int) bool { return applies >= objects/20 })
	changed := time.Now()
	f.commit(map[string]string{"small/a.yaml": configMap("small", "x", "2")})
	until(t, func() string {
		if o := f.cluster.at(t, f.key("ConfigMap", "small")); o == nil || fmt.Sprint(o.Object["data"]) != "map[x:2]" {
			return "the small App's commit is not live"
		}
		return ""
	})
	waited := time.Since(changed)
	if done := f.daemon.applies(); done >= objects {
		t.Errorf("the small App's commit was live after %s, when all of the huge one was", waited)
	}
	f.getsOn(func(applies int) bool { return applies >= objects+2 })
	until(t, func() string { return f.unsettled(f.says()) })
	t.Logf("%d objects (%d when the other commit came) were in line after %s; meanwhile a commit of another App was live after %s", objects, begun,
		time.Since(began).Round(time.Second), waited.Round(time.Millisecond))

	var of []string
	for _, r := range f.releases(0) {
		if r.App == f.namespace+"/huge" {
			of = append(of, fmt.Sprint(r.Trigger, " ", r.Outcome, " of ", len(r.Changes), " changes told, attempts ", len(r.Attempts)))
		}
	}
	if want := fmt.Sprintf("[declaration Succeeded of %d changes told, attempts 1]", release.MaxChanges); fmt.Sprint(of) != want {
		t.Errorf("the releases are %s, want %s", of, want)
	}
	applies := f.daemon.applies()
	if applies != objects+2 {
		t.Errorf("%d objects took %d applies, with 2 of another App", objects, applies)
	}

	f.commit(map[string]string{"huge/042.yaml": strings.Replace(files["huge/042.yaml"], `number: "4242"`, `number: "changed"`, 1)})
	until(t, func() string { return f.unsettled(f.says()) })
	if text := fmt.Sprint(f.live(f.key("ConfigMap", "huge-04242")).Object["data"]); text != "map[number:changed]" {
		t.Errorf("the changed object holds %s", text)
	}
	if more := f.daemon.applies() - applies; more != 1 {
		t.Errorf("one changed object took %d applies", more)
	}
	f.daemon.within(t, objects)
}

// getsOn waits until the daemon has asked for enough applies, for as long as they become more.
func (f *fleet) getsOn(enough func(applies int) bool) int {
	f.t.Helper()
	for applies := -1; ; {
		before := applies
		until(f.t, func() string {
			if applies = f.daemon.applies(); applies > before || enough(applies) {
				return ""
			}
			return fmt.Sprintf("%d applies were asked for, and no more come", applies)
		})
		if enough(applies) {
			return applies
		}
	}
}

// dropAtOnce deletes all ConfigMaps at the end by one request, before the namespace's own clean-up asks for each.
func (f *fleet) dropAtOnce() {
	f.t.Cleanup(func() {
		maps := f.cluster.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(f.namespace)
		_ = maps.DeleteCollection(context.Background(), metav1.DeleteOptions{}, metav1.ListOptions{})
	})
}

// applies counts the applies and dry runs that were asked for.
func (d *daemon) applies() int {
	d.t.Helper()
	token, err := os.ReadFile(filepath.Join(d.data, server.TokenFile))
	if err != nil {
		d.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://"+d.address+"/metrics", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	answer, err := web.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		d.t.Fatalf("read the metrics: %s, %v", answer.Status, err)
	}
	sum := 0.0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "plumb_kubernetes_request_duration_seconds_count{") && strings.Contains(line, `verb="PATCH"`) {
			n, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			if err != nil {
				d.t.Fatal(err)
			}
			sum += n
		}
	}
	return int(sum)
}

// within checks the most memory that the daemon ever had.
func (d *daemon) within(t *testing.T, objects int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Logf("memory is measured on Linux only")
		return
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var peak int
	if _, err := fmt.Sscan(rest, &peak); err != nil {
		t.Fatal(err)
	}
	most := 100<<10 + 25*objects // kB: what the program takes anyway, and 25 KB for each object while all are rendered and applied
	if withRace {
		most *= 6 // the detector's own
	}
	t.Logf("the daemon had %d MB at most, of %d allowed", peak>>10, most>>10)
	if peak > most {
		t.Errorf("the daemon had %d MB at most, above %d", peak>>10, most>>10)
	}
}
