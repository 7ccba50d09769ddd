package server

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestS33_TokenIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := Token(dir)
	if err != nil || len(first) != 43 {
		t.Fatalf("got %q, %v; want 32 random bytes", first, err)
	}
	if info, err := os.Stat(filepath.Join(dir, TokenFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file has the mode %v, %v; want 0600", info.Mode().Perm(), err)
	}
	if again, err := Token(dir); err != nil || again != first {
		t.Errorf("the second start got %q, %v; want the same", again, err)
	}
	if hook, err := HookSecret(dir); err != nil || hook == first {
		t.Errorf("the hook's secret is %q, %v; want one of its own", hook, err)
	}
	if err := os.Remove(filepath.Join(dir, TokenFile)); err != nil {
		t.Fatal(err)
	}
	if rotated, err := Token(dir); err != nil || rotated == first {
		t.Errorf("after its file was removed: %q, %v; want another", rotated, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestTokenThatIsNoSecretIsRefused(t *testing.T) {
	t.Parallel()
	sound := strings.Repeat("s", minSecret) + "\n"
	for name, prepare := range map[string]func(path string) error{
		"readable by others": func(path string) error { return os.WriteFile(path, []byte(sound), 0o644) },
		"empty":              func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"short":              func(path string) error { return os.WriteFile(path, []byte("hello\n"), 0o600) },
		"two words":          func(path string) error { return os.WriteFile(path, []byte("two words and some more\n"), 0o600) },
		"a folder":           func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":             func(path string) error { return os.Symlink("/etc/hostname", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), TokenFile)
			if err := prepare(path); err != nil {
				t.Fatal(err)
			}
			got, err := Token(filepath.Dir(path))
			if err == nil || got != "" || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
				t.Errorf("got %q, %v; want an error that says what to do about %s", got, err, path)
			}
			if err != nil && strings.Contains(err.Error(), strings.TrimSpace(sound)) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestTokenNeedsAFolder(t *testing.T) {
	t.Parallel()
	if _, err := Token(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a token without a file was given")
	}
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ listening, want string }{
		{"127.0.0.1:7586", "127.0.0.1:7586"},
		{"0.0.0.0:80", "127.0.0.1:80"},
		{"[::]:80", "[::1]:80"},
		{"192.168.1.2:80", "192.168.1.2:80"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", test.listening)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		withdraw, err := Announce(dir, addr)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, AddressFile)); err != nil || string(got) != test.want+"\n" {
			t.Errorf("%s is announced as %q, %v; want %s", test.listening, got, err, test.want)
		}
		if err := withdraw(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("left over: %v", left)
		}
	}
}
