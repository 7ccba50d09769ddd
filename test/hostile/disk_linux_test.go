package hostile_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// TestFullDisk takes the room for the data folder away while the daemon runs.
// It says so; it puts drift right all the same; and when there is room again it
// goes on by itself, and the history lacks nothing of what happened meanwhile.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	t.Run("a disk without room", func(t *testing.T) {
		t.Parallel()
		data := smallDisk(t)
		s := diskStand(t, how{data: data, prepare: onSmallDisk(data), seenFrom: "/proc/%d/root"})
		ballast := filepath.Join(s.data, "ballast")
		s.tryFullDisk(t, func() { fill(t, ballast) }, func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
	})
	// The same where a small disk can't be had: a limit on the size of files.
	t.Run("a limit on files", func(t *testing.T) {
		t.Parallel()
		s := diskStand(t, how{})
		var before unix.Rlimit
		s.tryFullDisk(t, func() {
			if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &before); err != nil {
				t.Fatal(err)
			}
			limit(t, s.daemon, unix.Rlimit{Cur: 0, Max: before.Max})
		}, func() { limit(t, s.daemon, before) })
	})
	t.Run("none from the start", func(t *testing.T) {
		t.Parallel()
		data := smallDisk(t)
		cmd := plumb(t, "run", "--root", t.TempDir(), "--kubeconfig", controlplanetest.Kubeconfig(t), "--data", data, "--listen", "127.0.0.1:0")
		onSmallDisk(data, "head -c 25m /dev/zero >"+data+"/ballast 2>/dev/null;")(cmd)
		got := carryOut(t, cmd)
		t.Logf("code %d: %s", got.code, got.err)
		if got.code != 1 {
			t.Errorf("code %d", got.code)
		}
		wantAll(t, "it", lastLine(got.err), "plumb: ", data, "no room left on its disk", "free some")
	})
}

func diskStand(t *testing.T, h how) *stand {
	t.Helper()
	s := newStand(t, h, func(s *stand) map[string]string {
		return map[string]string{
			"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red"),
			"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red"),
		}
	})
	s.synced(t, "shop", "")
	s.synced(t, "good", "")
	return s
}

func (s *stand) tryFullDisk(t *testing.T, full, free func()) {
	t.Helper()
	says := []string{"the disk is full", "free space in Plumb's data folder; it is tried again"}
	_, uid := s.color("shop")
	full()
	commit := s.commit(map[string]string{"shop/map.yaml": paint("shop", "green")})
	d := s.complains(t, "shop", append(says, s.root.Dir)...)
	t.Logf("it says: %s", d.Message)
	s.troubled(t, s.root.Dir, says...)
	if color, now := s.color("shop"); color != "red" || now != uid {
		t.Errorf("the ConfigMap was touched: it is %q, uid %q, then %q", color, uid, now)
	}
	byHand := []byte(`{"data":{"color":"by hand"}}`)
	if _, err := s.maps().Patch(t.Context(), "good", types.MergePatchType, byHand, metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	s.painted(t, "good", "red")
	s.log.wait(t, "the log to tell that the history can't be written", func(l line) bool {
		return l.Level == "ERROR" && strings.Contains(l.Msg, "the history can't be written")
	})

	free()
	s.painted(t, "shop", "green")
	s.synced(t, "shop", commit)
	s.synced(t, "good", "")
	until(t, "the history to hold all", func() string {
		releases, err := s.Releases(t.Context(), history.Query{App: s.id("good")})
		if err == nil && len(releases) == 2 && releases[0].Trigger == release.TriggerDrift && releases[0].Outcome == release.Succeeded {
			return ""
		}
		return fmt.Sprintf("%+v %v", releases, err)
	})
}

// smallDisk is a folder for a small disk, if one can be had here.
func smallDisk(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("true")
	cmd.Env = os.Environ()
	onSmallDisk(data)(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no small disk can be had here (%v), so a limit on files has to do: %s", err, out)
	}
	return data
}

// onSmallDisk makes a process live in a mount namespace of its own, where its
// data folder is a disk of 24 MB. It goes with the process. More commands may
// come before the program's.
func onSmallDisk(data string, first ...string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		script := "mount -t tmpfs -o size=24m,mode=700 plumb \"$0\" && " + strings.Join(first, " ") + " exec \"$@\""
		cmd.Args = append([]string{"sh", "-c", script, data, cmd.Path}, cmd.Args[1:]...)
		cmd.Path, cmd.Err = "/bin/sh", nil
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		if os.Geteuid() == 0 {
			cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
			return
		}
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
}

// fill takes all the room that there is.
func fill(t *testing.T, ballast string) {
	t.Helper()
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 1<<16))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	_ = f.Close()
}

// limit bounds the size of every file that the daemon, or what it starts, writes.
func limit(t *testing.T, d *daemon, to unix.Rlimit) {
	t.Helper()
	if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &to, nil); err != nil {
		t.Fatal(err)
	}
}
