package registry_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
)

// helm runs the real helm in a folder, with nothing of this machine's.
func helm(t *testing.T, dir string, args ...string) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("..", "..", "bin", "helm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v; build it: make renderers", err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "HELM_CACHE_HOME=" + dir + "/cache", "HELM_CONFIG_HOME=" + dir + "/config", "HELM_DATA_HOME=" + dir + "/data"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("helm %v: %v\n%s", args, err, out)
	}
}

// TestWhatHelmMakes: packages, indexes, provenance files and pushes of the real
// helm are what this package reads.
func TestWhatHelmMakes(t *testing.T) {
	t.Parallel()
	key, err := openpgp.NewEntity("Ada", "", "ada@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var public, private bytes.Buffer
	w, err := armor.Encode(&public, "PGP PUBLIC KEY BLOCK", nil)
	if err == nil {
		err = errors.Join(key.SerializePrivate(&private, nil), key.Serialize(w), w.Close(), os.WriteFile(filepath.Join(dir, "ring"), private.Bytes(), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	helm(t, dir, "create", "shop")
	for _, version := range []string{"1.0.0", "1.1.0-rc.1", "1.0.1+build.2"} {
		helm(t, dir, "package", "shop", "--version", version, "--destination", "served", "--sign", "--key", "Ada", "--keyring", "ring")
	}
	helm(t, dir, "repo", "index", "served")
	files := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "served"))))
	t.Cleanup(files.Close)
	server := registrytest.NewRegistry(t)
	packages, err := filepath.Glob(filepath.Join(dir, "served", "*.tgz"))
	if err != nil || len(packages) != 3 {
		t.Fatal(packages, err)
	}
	for _, p := range packages {
		helm(t, dir, "push", p, server.Folder("charts"), "--plain-http")
	}
	verify := wants(t, v1alpha1.Verify{Provenance: public.String()})
	for _, url := range []string{files.URL, server.Folder("charts")} {
		r := at(t, newRegistry(t, registry.Options{}), url)
		for asked, version := range map[string]string{"1.x": "1.0.1+build.2", "1.0.0": "1.0.0", ">=1.1.0-0": "1.1.0-rc.1"} {
			p, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop", Version: asked, Verify: verify})
			if err != nil || p.Version != version || p.Created.IsZero() {
				t.Errorf("%s %s: %+v, %v, want %s", url, asked, p, err, version)
				continue
			}
			tree, err := r.Tree(p.Digest)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{"values.yaml", "templates/deployment.yaml", ".helmignore"} {
				want, err := os.ReadFile(filepath.Join(dir, "shop", filepath.FromSlash(path)))
				if err != nil || read(t, tree, path) != string(want) {
					t.Errorf("%s: %v", path, err)
				}
			}
			if !strings.Contains(read(t, tree, "Chart.yaml"), version) {
				t.Errorf("Chart.yaml isn't that of %s", version)
			}
		}
	}
}
