package cli

import (
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"plumb.dev/plumb/internal/usage"
)

// RenderOptions are what renders of the daemon may take.
type RenderOptions struct {
	Workers int           // processes that render; 0: none, the daemon renders itself; less: chosen by the daemon
	Memory  int64         // bytes of one render
	Time    time.Duration // of one render
	Remote  []string      // beginnings of URLs of repositories that kustomizations may name, each with a slash at its end
}

// The limits of renders unless told otherwise, and the least that make sense.
const (
	chosenRenderWorkers = -1
	defaultRenderMemory = 512 << 20
	defaultRenderTime   = time.Minute
	leastRenderMemory   = 64 << 20
	leastRenderTime     = time.Second
)

// remoteBases is a URL without a user, with at least its host, in lower case.
var remoteBases = regexp.MustCompile(`^(https|http|ssh)://[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[A-Za-z0-9._~+/-]*)?$`)

// flags adds those of the options, with their defaults.
func (o *RenderOptions) flags(f *pflag.FlagSet) {
	*o = RenderOptions{Workers: chosenRenderWorkers, Memory: defaultRenderMemory, Time: defaultRenderTime}
	f.IntVar(&o.Workers, "render-workers", o.Workers, "processes that render: docs/isolation.md (-1: one for each processor, 4 at most; 0: the daemon renders itself)")
	f.Var((*usage.Size)(&o.Memory), "render-memory", "memory that one render may take")
	f.DurationVar(&o.Time, "render-time", o.Time, "time that one render may take")
	f.StringArrayVar(&o.Remote, "remote-bases", nil, "beginning of the URLs of repositories that kustomizations may name bases of, such as https://github.com/org/; may be given again (default: none)")
}

func (o *RenderOptions) validate() error {
	for i, address := range o.Remote {
		if !remoteBases.MatchString(address) {
			return usage.Errorf("--remote-bases is the beginning of a URL, such as https://github.com/org/ or ssh://git.example.com/")
		}
		o.Remote[i] = strings.TrimSuffix(address, "/") + "/"
	}
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
