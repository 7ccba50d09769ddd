package controlplane_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
)

func kubeconfig(t *testing.T, path string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// etcdURL is where the etcd of the shared control plane listens, which no public function tells: nobody else has business there.
func etcdURL(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(controlplanetest.Shared(t).Dir, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	var state struct{ Ports struct{ Etcd int } }
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("https://127.0.0.1:%d", state.Ports.Etcd)
}
