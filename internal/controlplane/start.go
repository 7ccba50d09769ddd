package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// plane is a control plane while somebody changes it.
type plane struct {
	layout   layout
	binary   string
	state    state
	progress func(string)
	children []*child // started by this change
}

func (p *plane) up(ctx context.Context, o Options) error {
	if o.Progress != nil {
		p.progress = o.Progress
	}
	if err := p.claim(ctx, o.DieWithCaller); err != nil {
		return err
	}
	p.state.Binary = p.binary
	p.state.Nodes = max(p.state.Nodes, o.Nodes, 1)
	const tries = 4
	for try := 1; ; try++ {
		err := p.run(ctx)
		var died *diedError
		if err == nil || try == tries || !errors.As(err, &died) || !died.portTaken() {
			return err
		}
		p.progress(fmt.Sprintf("%s found its port taken: all move to other ports", died.component))
		if err := p.stop(ctx); err != nil {
			return err
		}
		p.state.Ports = ports{}
	}
}

// claim settles whose life the control plane shares. One that runs keeps what it was started with.
func (p *plane) claim(ctx context.Context, dieWithCaller bool) error {
	if p.state.Owner != nil && !p.state.Owner.running() { // what it owned is ending, and may not have ended yet
		if err := p.stop(ctx); err != nil {
			return err
		}
	}
	self := self()
	if len(p.state.alive()) == 0 {
		p.state.Owner = nil
		if dieWithCaller {
			p.state.Owner = &self
		}
		return nil
	}
	if dieWithCaller && (p.state.Owner == nil || *p.state.Owner != self) {
		return errors.New("it runs already and would outlive this program: stop it first (`plumb dev down`), or name another folder")
	}
	return nil
}

// run starts what is missing and waits until the whole works. Whatever it started is gone again if it fails.
func (p *plane) run(ctx context.Context) (err error) {
	ctx, ended := context.WithCancelCause(ctx) // ended with the story of a component that dies
	defer ended(nil)
	defer func() {
		if err != nil {
			err = errors.Join(p.explain(ctx, err), p.abandon(context.WithoutCancel(ctx)))
		}
	}()
	if err := p.prepare(); err != nil {
		return err
	}
	api, err := newAPIClient(p.layout, p.state.Ports)
	if err != nil {
		return err
	}
	defer api.close()
	alive := p.state.alive()
	missing := toStart(alive, alive[APIServer] && api.ready(ctx) == nil)
	if err := p.serve(ctx, api, missing, ended); err != nil {
		return err
	}
	if err := p.populate(ctx, api, missing, ended); err != nil {
		return err
	}
	return p.keep()
}

// serve starts what is missing of etcd and the API server, and waits until the API server serves.
func (p *plane) serve(ctx context.Context, api *apiClient, missing []Component, ended context.CancelCauseFunc) error {
	if slices.Contains(missing, APIServer) { // it may run, but not serve: then it has nothing to finish
		if err := terminate(ctx, []process{p.state.Processes[APIServer]}, 0); err != nil {
			return err
		}
	}
	// One after the other: an API server that finds no etcd sits out a second before it looks again.
	etcd, err := newEtcdClient(p.layout, p.state.Ports)
	if err != nil {
		return err
	}
	defer etcd.close()
	for _, server := range []struct {
		component Component
		client    *apiClient
	}{{Etcd, etcd}, {APIServer, api}} {
		if err := p.launch(server.component, missing, ended); err != nil {
			return err
		}
		if err := awaitReady(ctx, server.component, server.client); err != nil {
			return err
		}
		p.progress(fmt.Sprintf("%s is ready", server.component))
	}
	return nil
}

// populate starts what is missing of the API server's clients, and waits until the cluster takes pods. Clients come after the server, because
// each answers a refused connection, or a role that is not there yet, by waiting for seconds.
func (p *plane) populate(ctx context.Context, api *apiClient, missing []Component, ended context.CancelCauseFunc) error {
	if err := prepareCluster(ctx, api, p.state.Nodes); err != nil {
		return err
	}
	for _, c := range []Component{ControllerManager, Scheduler, Nodes} {
		if err := p.launch(c, missing, ended); err != nil {
			return err
		}
	}
	if slices.Contains(missing, ControllerManager) {
		if err := awaitControllers(ctx, api); err != nil {
			return err
		}
	}
	if err := awaitDefaults(ctx, api); err != nil {
		return err
	}
	if err := awaitNodes(ctx, api, p.state.Nodes); err != nil {
		return err
	}
	p.progress(fmt.Sprintf("nodes ready: %d", p.state.Nodes))
	return nil
}

// prepare makes the files that components read.
func (p *plane) prepare() error {
	for _, dir := range []string{p.layout.logs(), p.layout.config()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := createPKI(p.layout, time.Now()); err != nil {
		return err
	}
	if p.state.Ports == (ports{}) {
		found, err := freePorts(randomInt)
		if err != nil {
			return err
		}
		p.state.Ports = found
	}
	return writeConfigs(p.layout, p.state.Ports)
}

// launch starts a component if it is among the missing; should it end before its time, ended is called with the reason.
func (p *plane) launch(c Component, missing []Component, ended context.CancelCauseFunc) error {
	if !slices.Contains(missing, c) {
		return nil
	}
	if owner := p.state.Owner; owner != nil && *owner != self() {
		return fmt.Errorf("%s is not running, and cannot be started from here: all ends with process %d, which alone can hold it; end that first", c, owner.PID)
	}
	child, err := launch(p.binary, c, p.layout, p.state.Ports)
	if err != nil {
		return err
	}
	p.children = append(p.children, child)
	p.state.Processes[c] = child.process
	go func() {
		<-child.ended
		ended(child.died())
	}()
	p.progress(fmt.Sprintf("%s started (process %d)", c, child.PID))
	return nil
}

func awaitReady(ctx context.Context, c Component, client *apiClient) error {
	last := errors.New("it was not asked")
	err := until(ctx, 25*time.Millisecond, func(ctx context.Context) (bool, error) {
		if err := client.ready(ctx); err != nil {
			if ctx.Err() == nil {
				last = err
			}
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%s is not ready: %w; its last answer: %w", c, err, last)
	}
	return nil
}

// explain finds the reason behind an error of waiting: most often a component died, which the wait itself only sees as a broken connection.
func (p *plane) explain(ctx context.Context, err error) error {
	if len(p.children) == 0 {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond): // the connection may break a moment before the exit code is there
	}
	cause := context.Cause(ctx)
	var died *diedError
	switch {
	case errors.As(cause, &died):
		return died
	case cause != nil && !errors.Is(err, cause):
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	told := make([]string, 0, len(p.children))
	for _, child := range p.children {
		told = append(told, fmt.Sprintf("%s: %s", child.component, child.log))
	}
	return fmt.Errorf("%w\n%s", err, strings.Join(told, "\n"))
}

// keep writes down what was started and then lets it outlive this program, unless it is to end with it. In this order: a process that is
// written nowhere still hangs on its lifeline.
func (p *plane) keep() error {
	if err := p.state.write(p.layout); err != nil {
		return err
	}
	if p.state.Owner != nil {
		return nil
	}
	for _, child := range p.children {
		if err := child.release(); err != nil {
			return err
		}
	}
	return nil
}

// abandon ends what this change started.
func (p *plane) abandon(ctx context.Context) error {
	started := make([]process, 0, len(p.children))
	for _, child := range p.children {
		started = append(started, child.process)
	}
	p.children = nil
	return terminate(ctx, started, 0)
}

// stop ends all components: etcd last, because the others write to it while they end.
func (p *plane) stop(ctx context.Context) error {
	var clients []process
	for c, process := range p.state.Processes {
		if c != Etcd {
			clients = append(clients, process)
		}
	}
	for _, group := range [][]process{clients, {p.state.Processes[Etcd]}} {
		if err := terminate(ctx, group, stopGrace); err != nil {
			return err
		}
	}
	p.state.Processes = map[Component]process{}
	return p.state.write(p.layout)
}

func (p *plane) startOne(ctx context.Context, c Component) (err error) {
	if p.state.Binary == "" {
		return errors.New("it was never started: use Up")
	}
	ctx, ended := context.WithCancelCause(ctx)
	defer ended(nil)
	defer func() {
		if err != nil {
			err = errors.Join(p.explain(ctx, err), p.abandon(context.WithoutCancel(ctx)))
		}
	}()
	if err := p.launch(c, []Component{c}, ended); err != nil {
		return err
	}
	if p.state.alive()[APIServer] {
		if err := p.awaitOne(ctx, c); err != nil {
			return err
		}
	}
	return p.keep()
}

// awaitOne waits until a component that was started among others works.
func (p *plane) awaitOne(ctx context.Context, c Component) error {
	api, err := newAPIClient(p.layout, p.state.Ports)
	if err != nil {
		return err
	}
	defer api.close()
	if err := awaitReady(ctx, APIServer, api); err != nil {
		return err
	}
	if c == ControllerManager {
		return awaitControllers(ctx, api)
	}
	return nil
}

func join(components []Component) string {
	names := make([]string, len(components))
	for i, c := range components {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
