package hostile_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/clientcmd"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// refused runs a daemon that can't start, and returns what it says.
func refused(t *testing.T, h how) said {
	t.Helper()
	if h.data == "" {
		h.data = filepath.Join(t.TempDir(), "data")
	}
	args := append([]string{"run", "--root", h.root, "--data", h.data, "--listen", "127.0.0.1:0"}, h.args...)
	if h.kubeconfig != "" {
		args = append(args, "--kubeconfig", h.kubeconfig)
	}
	return carryOut(t, plumb(t, args...))
}

// TestDataFolderInUse: the second daemon says which process has it, and touches
// nothing; after the first is killed there is nothing to clean up by hand.
func TestDataFolderInUse(t *testing.T) {
	t.Parallel()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red")}
	})
	s.synced(t, "shop", "")
	second := how{root: s.root.Dir, kubeconfig: controlplanetest.Kubeconfig(t), data: s.data}
	got := refused(t, second)
	if got.code != 1 || got.out != "" {
		t.Errorf("the second daemon: %+v", got)
	}
	wantAll(t, "the second daemon", got.err, "plumb: the data folder "+s.data+" is in use by another plumb (process "+strconv.Itoa(s.cmd.Process.Pid)+")",
		"stop it, or choose another with --data")
	s.commit(map[string]string{"shop/map.yaml": paint("shop", "green")})
	s.painted(t, "shop", "green")

	s.kill()
	s.daemon = run(t, second)
	s.synced(t, "shop", "")
}

// TestDaemonThatCantStart: each reason is told on one line, with the code that
// docs/cli.md promises.
func TestDaemonThatCantStart(t *testing.T) {
	t.Parallel()
	folder, config := t.TempDir(), controlplanetest.Kubeconfig(t)
	root := gittest.NewRepo(t).Dir
	plain := secretFile(t, filepath.Join(folder, "plain"), "not a folder")
	open := filepath.Join(folder, "open")
	secretFile(t, filepath.Join(open, "token"), "a-token-that-is-long-enough")
	if err := os.Chmod(filepath.Join(open, "token"), 0o644); err != nil {
		t.Fatal(err)
	}
	credentials := secretFile(t, filepath.Join(folder, "credentials.yaml"), "- url: https://git.example.com\n  pasword: hunter2\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for _, c := range []struct {
		name string
		how  how
		code int
		says []string
	}{
		{"no root", how{kubeconfig: config}, 3, []string{"plumb run needs --root"}},
		{"a root that is nowhere", how{root: "nowhere", kubeconfig: config}, 1, []string{"--root nowhere", "nor a folder of this machine"}},
		{"a root with a password", how{root: "https://ada:hunter2@git.example.com/x", kubeconfig: config}, 1, []string{"holds credentials", "give them in the credentials file"}},
		{"a root that starts a program", how{root: "ext::sh -c date", kubeconfig: config}, 1, []string{"--root ext::sh"}},
		{"a kubeconfig that isn't there", how{root: root, kubeconfig: filepath.Join(folder, "none")}, 1, []string{filepath.Join(folder, "none"), "no such file", "--kubeconfig"}},
		{"a kubeconfig that is none", how{root: root, kubeconfig: plain}, 1, []string{plain, "--kubeconfig"}},
		{"a context that there is not", how{root: root, kubeconfig: config, args: []string{"--context", "prod"}}, 1, []string{`context "prod" does not exist`}},
		{"a data folder that is a file", how{root: root, kubeconfig: config, data: plain}, 1, []string{plain, "choose another with --data"}},
		{"a token that others can read", how{root: root, kubeconfig: config, data: open}, 1, []string{filepath.Join(open, "token"), "can be read by others", "remove it"}},
		{"an address that is taken", how{root: root, kubeconfig: config, args: []string{"--listen", taken.Addr().String()}}, 1,
			[]string{taken.Addr().String(), "choose another address with --listen"}},
		{"credentials with a mistake", how{root: root, kubeconfig: config, args: []string{"--git-credentials", credentials}}, 1,
			[]string{credentials + ":2", "unknown or repeated field pasword"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, c.how)
			t.Logf("code %d: %s", got.code, got.err)
			if got.code != c.code || got.out != "" {
				t.Errorf("code %d, want %d; it prints %q", got.code, c.code, got.out)
			}
			wantAll(t, "it", got.err, c.says...)
			if last := lastLine(got.err); !strings.HasPrefix(last, "plumb: ") || strings.Contains(got.err, "hunter2") || strings.Contains(got.err, "goroutine ") {
				t.Errorf("the last line should be the one error:\n%s", got.err)
			}
		})
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestKubeconfigThatPointsNowhere: the daemon starts, says that it can't reach
// the API server and what of that follows, and begins by itself when there is one.
func TestKubeconfigThatPointsNowhere(t *testing.T) {
	t.Parallel()
	nowhere, appear := elsewhere(t)
	s := newStand(t, how{kubeconfig: nowhere.kubeconfig}, func(s *stand) map[string]string {
		return map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red")}
	})
	d := s.complains(t, "shop", "can't reach the API server", nowhere.address, "it is tried again")
	t.Logf("it says: %s", d.Message)
	if d.Sync != status.Unknown {
		t.Errorf("the App stands as %s", d.Sync)
	}
	until(t, "the daemon to say that it isn't ready", func() string {
		ready := s.readiness(t)
		for _, c := range ready.Checks {
			if c.Name == "cluster" && !c.OK && strings.Contains(c.Reason, nowhere.address) && !ready.Ready {
				return ""
			}
		}
		return fmt.Sprintf("%+v", ready)
	})
	s.log.wait(t, "the log to tell of it", func(l line) bool { return l.Level == "WARN" && strings.Contains(l.raw, nowhere.address) })
	if got := s.says("get", "apps"); got.code != 0 || !strings.Contains(got.out, "Unknown") {
		t.Errorf("plumb get apps: %+v", got)
	}
	appear()
	s.painted(t, "shop", "red")
	s.synced(t, "shop", "")
	until(t, "the daemon to be ready", func() string {
		if ready := s.readiness(t); !ready.Ready {
			return fmt.Sprintf("%+v", ready)
		}
		return ""
	})
}

// place is an address, and a kubeconfig for what is there.
type place struct{ address, kubeconfig string }

// elsewhere is a place where no API server listens, until it is made to appear:
// the shared one then, behind a relay. The address is kept from the beginning,
// so that nobody else comes to listen there.
func elsewhere(t *testing.T) (there place, appear func()) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(controlplanetest.Kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	address, listen := reserve(t)
	there = place{address: address, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	cluster := config.Clusters[config.Contexts[config.CurrentContext].Cluster]
	server, err := url.Parse(cluster.Server)
	if err != nil {
		t.Fatal(err)
	}
	cluster.Server = "https://" + there.address
	if err := clientcmd.WriteToFile(*config, there.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return there, func() { serve(t, listen(), server.Host, func() {}) }
}

// reserve takes an address where nobody listens: connections to it are refused,
// until its owner does.
func reserve(t *testing.T) (address string, listen func() net.Listener) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	must(err)
	unix.CloseOnExec(fd)
	socket := os.NewFile(uintptr(fd), "reserved")
	t.Cleanup(func() { _ = socket.Close() })
	must(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	at, err := unix.Getsockname(fd)
	must(err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(at.(*unix.SockaddrInet4).Port)), func() net.Listener {
		must(unix.Listen(fd, unix.SOMAXCONN))
		listener, err := net.FileListener(socket)
		must(err)
		return listener
	}
}

// serve hands the connections of a listener on to another address, each after
// what is to come before.
func serve(t *testing.T, listener net.Listener, to string, before func()) {
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				defer in.Close()
				before()
				out, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer out.Close()
				var both sync.WaitGroup
				both.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
				both.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
				both.Wait()
			}()
		}
	}()
}
