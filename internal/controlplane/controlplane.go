package controlplane

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// startLimit is far above the few seconds that a start takes: what is not there by then does not come.
	startLimit = 3 * time.Minute
	// stopGrace is what a component gets to end by itself.
	stopGrace = 5 * time.Second
)

// Options say what control plane to run. Only Dir is required.
type Options struct {
	Dir           string       // the folder it lives in; empty, new, or one that a control plane used before
	Binary        string       // the program with all components; empty: found by itself, see [BinaryVariable]
	Nodes         int          // simulated nodes to have at least; 0 means 1
	DieWithCaller bool         // everything ends when this program ends, however it ends; or else it outlives it
	Progress      func(string) // told of each step, in a sentence for people; may be nil
}

// Status is how a control plane stands.
type Status struct {
	Dir        string            `json:"dir"`
	Running    bool              `json:"running"` // every component runs and the API server is ready
	Server     string            `json:"server,omitempty"`
	Kubeconfig string            `json:"kubeconfig"` // of an administrator; only its owner may read it
	Logs       string            `json:"logs"`
	Nodes      int               `json:"nodes"`
	EndsWith   int               `json:"endsWith,omitempty"` // id of the process that it ends with; none when it outlives its callers
	Problem    string            `json:"problem,omitempty"`  // why it is not running
	Components []ComponentStatus `json:"components"`
}

// ComponentStatus is how one component stands.
type ComponentStatus struct {
	Name    Component `json:"name"`
	Running bool      `json:"running"`
	PID     int       `json:"pid,omitempty"`
	Log     string    `json:"log"`
}

// Up makes the control plane run: at once if it does, by starting what is dead if it partly does. Data is kept from one start to the next.
// When it fails it ends what it started.
func Up(ctx context.Context, o Options) (Status, error) {
	l, err := at(o.Dir)
	if err != nil {
		return Status{}, err
	}
	if err := l.create(); err != nil {
		return Status{}, err
	}
	err = locked(ctx, l, func(ctx context.Context, p *plane) error {
		if p.binary, err = findBinary(o.Binary); err != nil {
			return err
		}
		return p.up(ctx, o)
	})
	if err != nil {
		return Status{}, fmt.Errorf("start the control plane in %s: %w", l.dir, err)
	}
	return Read(ctx, l.dir)
}

// Down stops the control plane and keeps its data. One that does not run is fine.
func Down(ctx context.Context, dir string) error {
	return change(ctx, dir, "stop", func(ctx context.Context, p *plane) error { return p.stop(ctx) })
}

// Delete stops the control plane and removes it with its data, keys and logs. One that does not exist is fine.
func Delete(ctx context.Context, dir string) error {
	return change(ctx, dir, "delete", func(ctx context.Context, p *plane) error {
		if err := p.stop(ctx); err != nil {
			return err
		}
		return p.layout.remove()
	})
}

// Stop ends one component of a running control plane and lets it finish what it is at.
func Stop(ctx context.Context, dir string, c Component) error {
	return change(ctx, dir, "stop "+string(c)+" of", func(ctx context.Context, p *plane) error {
		return terminate(ctx, []process{p.state.Processes[c]}, stopGrace)
	})
}

// Kill ends one component as a crash does.
func Kill(ctx context.Context, dir string, c Component) error {
	return change(ctx, dir, "kill "+string(c)+" of", func(ctx context.Context, p *plane) error {
		return terminate(ctx, []process{p.state.Processes[c]}, 0)
	})
}

// Start starts one component that does not run, on the port that it had, and waits until the API server is ready, if that one runs.
func Start(ctx context.Context, dir string, c Component) error {
	return change(ctx, dir, "start "+string(c)+" of", func(ctx context.Context, p *plane) error {
		if p.state.alive()[c] {
			return nil
		}
		return p.startOne(ctx, c)
	})
}

// Read tells how the control plane in dir stands; one that was never started stands still, which is no error.
func Read(ctx context.Context, dir string) (Status, error) {
	l, err := at(dir)
	if err != nil {
		return Status{}, err
	}
	known, err := readState(l)
	if err != nil {
		return Status{}, err
	}
	return known.status(l, serving(ctx, l, known)), nil
}

// serving is why the API server does not serve, or nil.
func serving(ctx context.Context, l layout, known state) error {
	if !known.alive()[APIServer] {
		return errors.New("it is not running")
	}
	api, err := newAPIClient(l, known.Ports)
	if err != nil {
		return err
	}
	defer api.close()
	return api.ready(ctx)
}

func (s state) status(l layout, serving error) Status {
	status := Status{Dir: l.dir, Kubeconfig: l.kubeconfig(), Logs: l.logs(), Nodes: s.Nodes}
	if s.Ports.APIServer != 0 {
		status.Server = httpsURL(s.Ports.APIServer)
	}
	alive := s.alive()
	var dead []Component
	for _, c := range Components() {
		component := ComponentStatus{Name: c, Running: alive[c], Log: l.log(c)}
		if alive[c] {
			component.PID = s.Processes[c].PID
		} else {
			dead = append(dead, c)
		}
		status.Components = append(status.Components, component)
	}
	if s.Owner != nil && len(alive) > 0 {
		status.EndsWith = s.Owner.PID
	}
	switch {
	case len(alive) == 0:
		status.Problem = "no component runs"
	case len(dead) > 0:
		status.Problem = fmt.Sprintf("not running: %s", join(dead))
	case serving != nil:
		status.Problem = fmt.Sprintf("%s is not ready: %v", APIServer, serving)
	default:
		status.Running = true
	}
	return status
}

// change runs one change of an existing control plane, whose lock it holds meanwhile.
func change(ctx context.Context, dir, what string, do func(context.Context, *plane) error) error {
	l, err := at(dir)
	if err != nil || !l.exists() {
		return err
	}
	if err := locked(ctx, l, do); err != nil {
		return fmt.Errorf("%s the control plane in %s: %w", what, l.dir, err)
	}
	return nil
}

func locked(ctx context.Context, l layout, do func(context.Context, *plane) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not done after %s", startLimit))
	defer cancel()
	release, err := l.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	known, err := readState(l)
	if err != nil {
		return err
	}
	return do(ctx, &plane{layout: l, binary: known.Binary, state: known, progress: func(string) {}})
}
