package hostile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestS05HugeInputIsBounded commits what would take memory without end, each to
// an App of its own, in one commit. Each says so, the App beside them goes on,
// and the daemon never takes more memory than a few times the limits of what it reads.
func TestS05HugeInputIsBounded(t *testing.T) {
	t.Parallel()
	huge := map[string]struct {
		files map[string]string
		says  []string
	}{
		"file": {
			map[string]string{"big.yaml": "# " + strings.Repeat("x", 100_000_000) + "\n"},
			[]string{"file/big.yaml", "too large", "the limit for one file is 16777216 bytes", "keep it out of the folders that are rendered"},
		},
		"aliases": {
			map[string]string{"bomb.yaml": bomb()},
			[]string{"aliases/bomb.yaml", "alias", "bytes"},
		},
		"kustomized": {
			map[string]string{"kustomization.yaml": "resources: [bomb.yaml]\n", "bomb.yaml": bomb()},
			[]string{"kustomized/bomb.yaml", "alias", "bytes"},
		},
		"nested": {
			map[string]string{"deep.json": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_001)},
			[]string{"nested/deep.json", "max depth"},
		},
		"documents": {
			map[string]string{"many.yaml": many(30_000)},
			[]string{"documents/many.yaml", "more than 20000 documents", "spread them over several files"},
		},
	}
	s := newStand(t, how{}, func(s *stand) map[string]string {
		files := map[string]string{"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red")}
		for name := range huge {
			files["apps/"+name+".yaml"] = s.declare(name)
			files[name+"/map.yaml"] = paint(name, "red")
		}
		return files
	})
	s.synced(t, "good", "")
	for name := range huge {
		s.synced(t, name, "")
	}
	before := s.mostMemory(t)
	files := map[string]string{"good/map.yaml": paint("good", "green")}
	for name, h := range huge {
		for file, content := range h.files {
			files[name+"/"+file] = content
		}
	}
	s.commit(files)
	s.painted(t, "good", "green")
	for name, h := range huge {
		d := s.complains(t, name, h.says...)
		t.Logf("it says: %s", d.Message)
		if color, _ := s.color(name); color != "red" {
			t.Errorf("%s was touched: it is %q", name, color)
		}
	}
	const most = 300 << 20
	if grown := s.mostMemory(t) - before; grown > most {
		t.Errorf("the daemon took %d MB more", grown>>20)
	} else {
		t.Logf("the daemon took %d MB more", grown>>20)
	}
}

// many is a file of many ConfigMaps.
func many(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteString("---\n" + paint(fmt.Sprintf("map-%d", i), "red"))
	}
	return text.String()
}

// bomb is a small text that becomes some 10 GB with its aliases written out.
func bomb() string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\nl0: &l0 [" + strings.Repeat("x, ", 9) + "x]\n"
	for i := 1; i < 9; i++ {
		text += fmt.Sprintf("l%d: &l%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d, ", i-1), 10), ", "))
	}
	return text
}

// mostMemory is the most that the daemon ever had in memory, in bytes.
func (d *daemon) mostMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "status"))
	if err != nil {
		t.Skipf("memory is looked up in /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "\nVmHWM:")
	fields := strings.Fields(rest)
	if len(fields) < 2 || fields[1] != "kB" {
		t.Fatalf("/proc tells memory otherwise:\n%s", status)
	}
	kilobytes, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
