package sops

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const plain = `# The shop's database.
apiVersion: v1
kind: Secret
metadata:
    name: db
    labels:
        tier: "1"
data:
    # was canary before
    password: Y2FuYXJ5
    empty: ""
    nothing: null
stringData:
    url: postgres://canary@db
    key: |
        of several
        lines
    number: "12"
`

// programs are plumb and sops, built, and a key of plumb's making.
type programs struct {
	t              *testing.T
	plumb, sops    string
	keys, receiver string
	folder         string
}

func build(t *testing.T) *programs {
	t.Helper()
	p := &programs{t: t, folder: t.TempDir()}
	p.plumb, p.sops = filepath.Join(p.folder, "plumb"), filepath.Join(p.folder, "sops")
	for program, from := range map[string][]string{p.plumb: {"../..", "./cmd/plumb"}, p.sops: {".", "github.com/getsops/sops/v3/cmd/sops"}} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o="+program, from[1])
		cmd.Dir = from[0]
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", from[1], err, said)
		}
	}
	p.receiver = strings.TrimSpace(p.run("", p.plumb, "keys", "create", "--data", filepath.Join(p.folder, "data")))
	p.keys = filepath.Join(p.folder, "data", "age-keys")
	return p
}

// run gives a command some input, and returns what it prints.
func (p *programs) run(input string, command ...string) string {
	p.t.Helper()
	var errors strings.Builder
	cmd := exec.CommandContext(p.t.Context(), command[0], command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stderr = p.folder, strings.NewReader(input), &errors
	cmd.Env = append(os.Environ(), "SOPS_AGE_KEY_FILE="+p.keys, "VAULT_TOKEN=test", "HOME="+p.folder)
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%v: %v\n%s", command, err, errors.String())
	}
	return string(out)
}

func (p *programs) write(name, content string) string {
	p.t.Helper()
	path := filepath.Join(p.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *programs) same(what, want, got string) {
	p.t.Helper()
	if want != got {
		p.t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

// TestPeers: what the one wrote the other reads, and changes, and the one reads
// again.
func TestPeers(t *testing.T) {
	p := build(t)
	t.Run("plumb seals", func(t *testing.T) {
		path := p.write("ours.yaml", p.run(plain, p.plumb, "seal", "-", "--offline", "--recipient", p.receiver))
		p.same("sops decrypt", plain, p.run("", p.sops, "decrypt", path))
		p.run("", p.sops, "set", path, `["stringData"]["url"]`, `"changed"`)
		changed := strings.ReplaceAll(plain, "postgres://canary@db", "changed")
		p.same("plumb unseal", strings.ReplaceAll(changed, "    ", "  "), p.run("", p.plumb, "unseal", "--age-key-file", p.keys, path))
		p.run("", p.plumb, "seal", "--in-place", path, "--offline", "--recipient", p.receiver, "--age-key-file", p.keys)
		p.same("sops decrypt, again", changed, p.run("", p.sops, "decrypt", path))
	})
	t.Run("plumb seals JSON", func(t *testing.T) {
		const text = `{"apiVersion":"v1","kind":"Secret","metadata":{"generation":1},"stringData":{"a":"canary"}}`
		path := p.write("ours.json", p.run(text, p.plumb, "seal", "-", "--offline", "--recipient", p.receiver))
		p.same("sops decrypt", text, strings.Join(strings.Fields(p.run("", p.sops, "decrypt", path)), ""))
	})
	t.Run("sops encrypts", func(t *testing.T) {
		sealed := p.run("", p.sops, "encrypt", "--age", p.receiver, "--encrypted-regex", "^(data|stringData)$", p.write("plain.yaml", plain))
		path := p.write("theirs.yaml", sealed)
		p.same("plumb unseal", strings.ReplaceAll(plain, "    ", "  "), p.run("", p.plumb, "unseal", "--age-key-file", p.keys, path))
		p.run("", p.plumb, "seal", "--in-place", path, "--offline", "--recipient", p.receiver, "--age-key-file", p.keys)
		for line := range strings.Lines(p.run("", "cat", path)) {
			if strings.Contains(line, "ENC[") && !strings.Contains(sealed, strings.TrimSpace(line)) {
				t.Errorf("nothing changed, but this did: %s", line)
			}
		}
		p.same("sops decrypt", plain, p.run("", p.sops, "decrypt", path))
	})
	t.Run("whatever sops encrypts", p.formats)
	t.Run("a key service", p.keyService)
}

// vault is as much of a Vault as SOPS asks: it "encrypts" by a prefix.
func vault(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Plaintext, Ciphertext string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("X-Vault-Token") != "test" {
		http.Error(w, `{"errors":["no"]}`, http.StatusForbidden)
		return
	}
	const prefix = "vault:v1:"
	data := map[string]string{"ciphertext": prefix + asked.Plaintext}
	if strings.Contains(r.URL.Path, "/decrypt/") {
		data = map[string]string{"plaintext": strings.TrimPrefix(asked.Ciphertext, prefix)}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

// listening waits for a socket, of which its maker says nothing.
func listening(t *testing.T, socket string) {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if _, err := os.Stat(socket); err == nil {
			return
		}
		select {
		case <-late.C:
			t.Fatalf("%s isn't there", socket)
		case <-again.C:
		}
	}
}

// keyService: what only a Vault can open is opened by way of `sops keyservice`.
func (p *programs) keyService(t *testing.T) {
	cloud := httptest.NewServer(http.HandlerFunc(vault))
	defer cloud.Close()
	key := cloud.URL + "/v1/transit/keys/plumb"
	path := p.write("vault.yaml", p.run("", p.sops, "encrypt", "--hc-vault-transit", key, "--encrypted-regex", "^(data|stringData)$", p.write("plain.yaml", plain)))

	socket := filepath.Join(p.folder, "keyservice.sock")
	service := exec.CommandContext(t.Context(), p.sops, "keyservice", "--network", "unix", "--address", socket)
	service.Env = append(os.Environ(), "VAULT_TOKEN=test", "HOME="+p.folder)
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Process.Kill(); _ = service.Wait() }()
	listening(t, socket)
	unseal := []string{p.plumb, "unseal", path, "--sops-keyservice", "unix://" + socket, "--sops-keyservice-key"}
	p.same("plumb unseal", strings.ReplaceAll(plain, "    ", "  "), p.run("", append(unseal, cloud.URL+"/v1/transit/keys/*")...))

	refused, err := exec.CommandContext(t.Context(), unseal[0], append(unseal[1:], "https://vault.example.com/*")...).CombinedOutput()
	if err == nil || !strings.Contains(string(refused), "it is encrypted for Vault "+key) {
		t.Errorf("%v: %s", err, refused)
	}
}
