package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// stand is what a scenario works with: a control plane of its own, a served
// repository, and a daemon between them once it is started.
type stand struct {
	dir     string
	plumb   string
	cluster *cluster
	fleet   *fleet
	repo    *repository
	git     *gitServer
	daemon  *daemon
	flags   []string // of the daemon, beside those that it needs
	turns   int      // commits so far, which makes each value a new one
	next    int      // the App that the next change goes to
}

func newStand(ctx context.Context, f *fleet, plumb string) (*stand, error) {
	dir, err := os.MkdirTemp("", "plumb-bench-")
	if err != nil {
		return nil, err
	}
	st := &stand{dir: dir, plumb: plumb, fleet: f}
	if err := st.build(ctx); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return st, nil
}

func (st *stand) build(ctx context.Context) error {
	var err error
	if st.repo, err = newRepository(ctx, filepath.Join(st.dir, "git"), commit{message: "Begin", files: st.fleet.files}); err != nil {
		return err
	}
	if st.git, err = serveGit(ctx, st.repo.root); err != nil {
		return err
	}
	if st.cluster, err = startCluster(ctx, st.dir); err != nil {
		return err
	}
	for _, namespace := range []string{fleetNamespace, floorNamespace} {
		if err := st.cluster.namespace(ctx, namespace); err != nil {
			return err
		}
	}
	return nil
}

// warmUpApps is how many Apps' objects are applied before anything is measured.
const warmUpApps = 60

// warmUp has the API server build what it builds once, and grow to its size at
// work, so that the first who is measured doesn't pay for it.
func (st *stand) warmUp(ctx context.Context) error {
	const namespace = "warm-up"
	if err := st.cluster.namespace(ctx, namespace); err != nil {
		return err
	}
	if _, err := st.cluster.applyAll(ctx, namespace, newFleet(warmUpApps, warmUpApps).objects); err != nil {
		return err
	}
	return st.cluster.quiet(ctx)
}

// start starts the daemon and waits until it listens. Started again it finds
// the data that it left.
func (st *stand) start(ctx context.Context) error {
	var err error
	st.daemon, err = startDaemon(setup{
		program: st.plumb, root: st.git.url + "/" + repositoryName, kubeconfig: st.cluster.kubeconfig,
		data: filepath.Join(st.dir, "data"), log: filepath.Join(st.dir, "daemon.log"), flags: st.flags,
	})
	if err != nil {
		return err
	}
	return st.daemon.ready(ctx)
}

// running says whether a daemon runs on the stand.
func (st *stand) running() bool { return st.daemon != nil && st.daemon.died() == nil }

// app is the next App to be changed, each in its turn.
func (st *stand) app() string {
	name := st.fleet.apps[st.next%len(st.fleet.apps)]
	st.next++
	return name
}

// turn commits a new value of an App's line, and returns the value.
func (st *stand) turn(ctx context.Context, app string) (string, error) {
	st.turns++
	value := "turn-" + strconv.Itoa(st.turns)
	return value, st.repo.commit(ctx, st.fleet.turn(app, value))
}

// close ends what runs and removes all of it.
func (st *stand) close() error {
	var errs []error
	if st.running() {
		errs = append(errs, st.daemon.stop())
	}
	if st.git != nil {
		errs = append(errs, st.git.close())
	}
	if st.cluster != nil {
		errs = append(errs, st.cluster.close())
	}
	return errors.Join(append(errs, os.RemoveAll(st.dir))...)
}
