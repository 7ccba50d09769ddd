package controlplane

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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
	if err := p.claim(o.DieWithCaller); err != nil {
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
func (p *plane) claim(dieWithCaller bool) error {
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
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.abandon(context.WithoutCancel(ctx)))
		}
	}()
	if err := p.prepare(); err != nil {
		return err
	}
	missing := toStart(p.state.alive(), serving(ctx, p.layout, p.state) == nil)
	if slices.Contains(missing, APIServer) {
		if err := terminate(ctx, []process{p.state.Processes[APIServer]}, stopGrace); err != nil {
			return err
		}
	}
	for _, c := range missing {
		if err := p.launch(c, cancel); err != nil {
			return err
		}
	}
	if err := p.await(ctx); err != nil {
		return p.explain(ctx, err)
	}
	return p.keep()
}

// prepare makes the files that components read.
func (p *plane) prepare() error {
	if err := createPKI(p.layout, time.Now()); err != nil {
		return err
	}
	if p.state.Ports == (ports{}) {
		found, err := freePorts(rand.IntN)
		if err != nil {
			return err
		}
		p.state.Ports = found
	}
	return writeConfigs(p.layout, p.state.Ports)
}

// launch starts a component; should it end before its time, ended is called with the reason.
func (p *plane) launch(c Component, ended context.CancelCauseFunc) error {
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

// await waits until the API server serves, and the cluster behind it takes pods.
func (p *plane) await(ctx context.Context) error {
	api, err := newAPIClient(p.layout, httpsURL(p.state.Ports.APIServer))
	if err != nil {
		return err
	}
	defer api.close()
	if err := awaitReady(ctx, api); err != nil {
		return err
	}
	p.progress(fmt.Sprintf("%s is ready", APIServer))
	if err := prepareCluster(ctx, api, p.state.Nodes); err != nil {
		return err
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

func awaitReady(ctx context.Context, api *apiClient) error {
	last := errors.New("it was not asked")
	err := until(ctx, 25*time.Millisecond, func(ctx context.Context) (bool, error) {
		if err := api.ready(ctx); err != nil {
			if ctx.Err() == nil {
				last = err
			}
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%s is not ready: %w; its last answer: %w", APIServer, err, last)
	}
	return nil
}

// explain finds the reason behind an error of waiting: most often a component died, which the wait itself only sees as a broken connection.
func (p *plane) explain(ctx context.Context, err error) error {
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
	if len(p.children) == 0 {
		return err
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

func (p *plane) startOne(ctx context.Context, c Component) error {
	if p.state.Binary == "" {
		return errors.New("it was never started: use Up")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := p.launch(c, cancel); err != nil {
		return err
	}
	if p.state.alive()[APIServer] {
		if err := p.awaitServing(ctx); err != nil {
			return errors.Join(p.explain(ctx, err), p.abandon(context.WithoutCancel(ctx)))
		}
	}
	return p.keep()
}

func (p *plane) awaitServing(ctx context.Context) error {
	api, err := newAPIClient(p.layout, httpsURL(p.state.Ports.APIServer))
	if err != nil {
		return err
	}
	defer api.close()
	return awaitReady(ctx, api)
}

func join(components []Component) string {
	names := make([]string, len(components))
	for i, c := range components {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
