package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// state is what the folder knows about the control plane that runs, or ran, from it.
type state struct {
	Binary    string                `json:"binary,omitempty"`
	Ports     ports                 `json:"ports"`
	Nodes     int                   `json:"nodes"`
	Owner     *process              `json:"owner,omitempty"` // the program that everything dies with; none when it outlives its callers
	Processes map[Component]process `json:"processes,omitempty"`
}

// readState reads the state file; none is a control plane that never ran.
func readState(l layout) (state, error) {
	known := state{Processes: map[Component]process{}}
	text, err := os.ReadFile(l.state())
	if errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		return known, fmt.Errorf("state of the control plane in %s: %w: end its processes by hand, if any are left, and delete this file",
			l.state(), err)
	}
	if known.Processes == nil {
		known.Processes = map[Component]process{}
	}
	return known, nil
}

func (s state) write(l layout) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("state of the control plane: %w", err)
	}
	if err := replaceFile(l.state(), append(text, '\n')); err != nil {
		return fmt.Errorf("state of the control plane: %w", err)
	}
	return nil
}

// alive is the set of components that run.
func (s state) alive() map[Component]bool {
	alive := map[Component]bool{}
	for c, p := range s.Processes {
		if p.running() {
			alive[c] = true
		}
	}
	return alive
}

// toStart decides what a start has to start, in order. serving says whether the API server answers that it is ready.
//
// What runs and works is left alone. An API server whose etcd is gone, or that does not serve, is replaced: it may hang on to a connection
// that never comes back. The others find a new API server by themselves.
func toStart(alive map[Component]bool, serving bool) []Component {
	var missing []Component
	for _, c := range Components() {
		if !alive[c] || c == APIServer && (!serving || !alive[Etcd]) {
			missing = append(missing, c)
		}
	}
	return missing
}
