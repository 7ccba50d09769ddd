package controlplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// layout names every file of a control plane's folder.
type layout struct{ dir string }

func (l layout) lock() string            { return filepath.Join(l.dir, "lock") }
func (l layout) state() string           { return filepath.Join(l.dir, "state.json") }
func (l layout) kubeconfig() string      { return filepath.Join(l.dir, "kubeconfig") }
func (l layout) data() string            { return filepath.Join(l.dir, "etcd") }
func (l layout) config() string          { return filepath.Join(l.dir, "config") }
func (l layout) schedulerConfig() string { return filepath.Join(l.config(), "scheduler.json") }
func (l layout) clientConfig(user string) string {
	return filepath.Join(l.config(), user+".kubeconfig")
}
func (l layout) pki() string             { return filepath.Join(l.dir, "pki") }
func (l layout) nextPKI() string         { return filepath.Join(l.dir, "pki.next") }
func (l layout) cert(name string) string { return filepath.Join(l.pki(), name+".crt") }
func (l layout) key(name string) string  { return filepath.Join(l.pki(), name+".key") }
func (l layout) logs() string            { return filepath.Join(l.dir, "logs") }
func (l layout) log(c Component) string  { return filepath.Join(l.logs(), string(c)+".log") }

// at makes dir absolute, because processes with another working folder read these names.
func at(dir string) (layout, error) {
	if dir == "" {
		return layout{}, errors.New("a control plane needs a folder to live in, and none was named")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return layout{}, fmt.Errorf("folder of the control plane: %w", err)
	}
	return layout{abs}, nil
}

// exists tells whether the folder was used by a control plane before.
func (l layout) exists() bool {
	_, err := os.Stat(l.lock())
	return err == nil
}

// create makes the folder, or takes an empty one. A folder with someone else's files is refused: what [Delete] removes must be ours.
func (l layout) create() error {
	if !l.exists() {
		entries, err := os.ReadDir(l.dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("folder of the control plane: %w", err)
		}
		if len(entries) > 0 && !l.exists() { // someone else may have begun one meanwhile
			return fmt.Errorf("%s holds other files (%s, …) and no control plane: name an empty or a new folder", l.dir, entries[0].Name())
		}
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("folder of the control plane: %w", err)
	}
	return nil
}

// remove deletes what a control plane keeps, and the folder itself if nothing else is in it.
func (l layout) remove() error {
	for _, path := range []string{l.data(), l.config(), l.pki(), l.nextPKI(), l.logs(), l.kubeconfig(), l.state(), l.lock()} {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove the control plane in %s: %w", l.dir, err)
		}
	}
	_ = os.Remove(l.dir) // not empty: someone's own files stay, and so does the folder
	return nil
}
