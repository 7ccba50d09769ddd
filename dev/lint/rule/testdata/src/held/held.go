package held

import "context"

type keeper struct {
	ctx  context.Context // want `a struct must not keep a context`
	stop context.CancelFunc
}

type embedded struct {
	context.Context // want `a struct must not keep a context`
}

type passes interface {
	Run(ctx context.Context) error
}
