package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumb.dev/plumb/internal/status"
)

// lookAgain is the least time between two looks at what is waited for: a busy
// daemon changes how Apps stand many times a second.
const lookAgain = 100 * time.Millisecond

// waitRequest asks what becomes of a commit, and has the answer wait for it.
type waitRequest struct {
	App     []string `query:"app,explode" maxItems:"100" doc:"Apps (NAMESPACE/NAME); left out: all whose repository has the commit."`
	Commit  string   `query:"commit" required:"true" minLength:"7" maxLength:"64" pattern:"^[0-9a-fA-F]+$" doc:"The commit, or at least 7 of its first characters."`
	Timeout int      `query:"timeout" minimum:"0" maximum:"60" default:"30" doc:"How many seconds the answer may wait until every App is decided."`
}

// wait answers as soon as every App is decided, and otherwise when the time is
// over.
func (e endpoints) wait(ctx context.Context, in *waitRequest) (*body[list[status.Verdict]], error) {
	for _, id := range in.App {
		if strings.Count(id, "/") != 1 {
			return nil, huma.Error422UnprocessableEntity(id + " is not NAMESPACE/NAME")
		}
	}
	leave, err := e.open.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	over, end := context.WithTimeout(ctx, time.Duration(in.Timeout)*time.Second)
	defer end()
	pace := time.NewTicker(lookAgain)
	defer pace.Stop()
	for {
		late := over.Err() != nil
		changed := e.waits.Changed()
		verdicts, err := e.waits.Verdicts(ctx, in.App, strings.ToLower(in.Commit))
		if err != nil {
			return nil, appError(strings.Join(in.App, " or "), "can't be waited for", err, http.StatusUnprocessableEntity)
		}
		if late || decided(verdicts) {
			return itemsOf(verdicts), nil
		}
		select {
		case <-changed:
			<-pace.C
		case <-stopping(ctx):
			end()
		case <-over.Done():
		}
	}
}

// decided says whether waiting longer would bring nothing. While no App has the
// commit, one may still get it.
func decided(verdicts []status.Verdict) bool {
	for _, v := range verdicts {
		if !v.Decided() {
			return false
		}
	}
	return len(verdicts) > 0
}
