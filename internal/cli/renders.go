package cli

import (
	"time"

	"github.com/spf13/pflag"

	"plumb.dev/plumb/internal/usage"
)

// RenderOptions are what renders of the daemon may take.
type RenderOptions struct {
	Workers int           // processes that render; 0: none, the daemon renders itself; less: chosen by the daemon
	Memory  int64         // bytes of one render
	Time    time.Duration // of one render
}

// The limits of renders unless told otherwise, and the least that make sense.
const (
	chosenRenderWorkers = -1
	defaultRenderMemory = 512 << 20
	defaultRenderTime   = time.Minute
	leastRenderMemory   = 64 << 20
	leastRenderTime     = time.Second
)

// flags adds those of the options, with their defaults.
func (o *RenderOptions) flags(f *pflag.FlagSet) {
	*o = RenderOptions{Workers: chosenRenderWorkers, Memory: defaultRenderMemory, Time: defaultRenderTime}
	f.IntVar(&o.Workers, "render-workers", o.Workers, "processes that render: docs/isolation.md (-1: one for each processor, 4 at most; 0: the daemon renders itself)")
	f.Var((*usage.Size)(&o.Memory), "render-memory", "memory that one render may take")
	f.DurationVar(&o.Time, "render-time", o.Time, "time that one render may take")
}

func (o RenderOptions) validate() error {
	switch {
	case o.Workers < chosenRenderWorkers:
		return usage.Errorf("--render-workers is a number of processes, or -1")
	case o.Memory < leastRenderMemory:
		return usage.Errorf("--render-memory is 64Mi at least: libraries need that much")
	case o.Time < leastRenderTime:
		return usage.Errorf("--render-time is 1s at least")
	}
	return nil
}
