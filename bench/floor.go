package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"plumb.dev/plumb/bench/process"
)

// floorWorkers apply at once in the bare loop.
const floorWorkers = 20

// floor is what the bare loop took: the least that anyone who applies these
// objects pays.
type floor struct {
	create    time.Duration // of all objects, in an empty namespace
	again     time.Duration // of the same once more, which changes nothing
	apiServer time.Duration // CPU of the API server, until the controllers were done
	client    time.Duration // CPU of this program meanwhile, its watches' included
}

// each is what one of so many applies took, with all workers busy all the time.
func (f floor) each(objects int) row {
	return figure("", milliseconds, 1000*f.create.Seconds()*floorWorkers/float64(objects))
}

// measureFloor applies the objects with no limit on the rate, twice.
func measureFloor(ctx context.Context, c *cluster, objects []manifest) (floor, error) {
	before, err := c.apiServerCPU()
	if err != nil {
		return floor{}, err
	}
	self, err := process.Read(os.Getpid())
	if err != nil {
		return floor{}, err
	}
	var f floor
	if f.create, err = c.applyAll(ctx, floorNamespace, objects); err != nil {
		return floor{}, err
	}
	if err := c.quiet(ctx); err != nil {
		return floor{}, err
	}
	after, err := c.apiServerCPU()
	if err != nil {
		return floor{}, err
	}
	f.apiServer = after - before
	now, err := process.Read(os.Getpid())
	if err != nil {
		return floor{}, err
	}
	f.client = now.Own - self.Own
	f.again, err = c.applyAll(ctx, floorNamespace, objects)
	return f, err
}

// applyAll is the bare loop. What is sent is made before the clock starts.
func (c *cluster) applyAll(ctx context.Context, namespace string, objects []manifest) (time.Duration, error) {
	bodies := make([][]byte, len(objects))
	for i, o := range objects {
		var err error
		if bodies[i], err = o.body(namespace); err != nil {
			return 0, err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(floorWorkers)
	start := time.Now()
	for i, o := range objects {
		group.Go(func() error { return c.apply(ctx, o, namespace, bodies[i]) })
	}
	err := group.Wait()
	return time.Since(start), err
}
