package pipeline_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// yard is a target for hooks in memory.
type yard struct {
	live    map[object.Key]plan.Live
	refuses error
	prints  string
	made    int
	removed []string
}

func (y *yard) Make(_ context.Context, _ target.Actor, d plan.Desired) target.Outcome {
	if live, there := y.live[d.Key]; there {
		return target.Outcome{Key: d.Key, Live: live, Err: target.ErrThere}
	}
	if y.refuses != nil {
		return target.Outcome{Key: d.Key, Err: y.refuses}
	}
	y.made++
	live := plan.Live{Key: d.Key, UID: fmt.Sprint("u", y.made)}
	y.live[d.Key] = live
	return target.Outcome{Key: d.Key, Live: live}
}

func (y *yard) Remove(_ context.Context, _ target.Actor, live plan.Live) error {
	y.removed = append(y.removed, live.UID)
	live.Deleting = true
	y.live[live.Key] = live
	return nil
}

func (y *yard) Log(context.Context, target.Actor, plan.Live) ([]hooks.Printed, error) {
	return []hooks.Printed{{Container: "main", Text: y.prints}}, nil
}

func (y *yard) Hooked(key object.Key) (plan.Live, bool) { return y.Live(key) }

func (y *yard) Live(key object.Key) (plan.Live, bool) { l, ok := y.live[key]; return l, ok }

// book numbers releases, unless it is full.
type book struct {
	full bool
	kept []release.Release
}

func (b *book) Begin(_ context.Context, r release.Release) *release.Release {
	if !b.full {
		r.ID = 7
		b.kept = append(b.kept, r)
	}
	return &r
}

var migrate = hooks.Hook{
	Events: []hooks.Event{{Phase: hooks.PreSync}}, Delete: []hooks.Policy{hooks.BeforeCreation},
	Desired: plan.Desired{Key: object.Key{Kind: "Pod", Namespace: "shop", Name: "migrate"}, Body: []byte(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"migrate"}}`)},
}

func starting(h hooks.Hook) pipeline.HookTask {
	return pipeline.HookTask{
		Release: release.Release{App: "shop/web", Seen: time.Unix(5, 0)}, Phase: hooks.PreSync, Hooks: []hooks.Hook{h},
		Decision: hooks.Decision{Step: hooks.Start, Starts: []hooks.Hook{h}},
	}
}

func TestWhatAHookFindsInItsPlace(t *testing.T) {
	t.Parallel()
	mine := release.Release{ID: 7, App: "shop/web", Seen: time.Unix(5, 0)}.Token()
	late := hooks.Hook{Events: migrate.Events, Delete: []hooks.Policy{hooks.OnSuccess}, Desired: migrate.Desired}
	for _, tc := range []struct {
		name    string
		hook    hooks.Hook
		there   *plan.Live
		refuses error
		want    release.HookState
		removes bool
		retries bool
	}{
		{name: "nothing", hook: migrate, want: release.HookRunning},
		{name: "its own run, from before a kill", hook: migrate, there: &plan.Live{Run: &plan.Run{Token: hooks.Mark(mine, "pre-sync")}}, want: release.HookRunning},
		{name: "an older run", hook: migrate, there: &plan.Live{App: "shop.web", Run: &plan.Run{Token: "old.pre-sync"}}, want: release.HookStarting, removes: true},
		{name: "its own run of another phase", hook: migrate, there: &plan.Live{App: "shop.web", Run: &plan.Run{Token: hooks.Mark(mine, "post-sync")}}, want: release.HookStarting, removes: true},
		{name: "what another tool left", hook: migrate, there: &plan.Live{}, want: release.HookStarting, removes: true},
		{name: "an older run, which goes", hook: migrate, there: &plan.Live{App: "shop.web", Deleting: true, Run: &plan.Run{Token: "old.pre-sync"}}, want: release.HookStarting},
		{name: "an older run, which may not be deleted", hook: late, there: &plan.Live{App: "shop.web", Run: &plan.Run{Token: "old.pre-sync"}}, want: release.HookFailed},
		{name: "an ordinary object", hook: migrate, there: &plan.Live{App: "shop.web", Own: true}, want: release.HookFailed},
		{name: "another App's hook", hook: migrate, there: &plan.Live{App: "shop.db", Run: &plan.Run{Token: "x.pre-sync"}}, want: release.HookFailed},
		{name: "a server that refuses", hook: migrate, refuses: errors.New("no"), want: release.HookFailed},
		{name: "a server that is away", hook: migrate, refuses: target.ErrUnreachable, want: release.HookStarting, retries: true},
	} {
		y := &yard{live: map[object.Key]plan.Live{}, refuses: tc.refuses}
		if tc.there != nil {
			tc.there.Key, tc.there.UID = migrate.Desired.Key, "there"
			y.live[tc.there.Key] = *tc.there
		}
		kept := &book{}
		c := pipeline.HookCarrier{Target: y, Records: kept, Now: time.Now}
		r, err := c.Carry(t.Context(), starting(tc.hook))
		if len(r.Hooks) != 1 || r.Hooks[0].State != tc.want || (len(y.removed) > 0) != tc.removes || (err != nil) != tc.retries {
			t.Errorf("%s: %+v, removed %v (%v)", tc.name, r.Hooks, y.removed, err)
		}
		if last := kept.kept[len(kept.kept)-1]; len(last.Hooks) != 1 || last.Hooks[0].State != release.HookStarting {
			t.Errorf("%s: before it began, on record was %+v", tc.name, last.Hooks)
		}
	}
}

func TestNoHookRunsUnrecorded(t *testing.T) {
	t.Parallel()
	y := &yard{live: map[object.Key]plan.Live{}}
	c := pipeline.HookCarrier{Target: y, Records: &book{full: true}, Now: time.Now}
	if r, err := c.Carry(t.Context(), starting(migrate)); err == nil || y.made > 0 || len(r.Hooks) > 0 {
		t.Errorf("it ran %d hooks: %+v (%v)", y.made, r.Hooks, err)
	}
	task := starting(migrate)
	task.Unrecorded = true
	if _, err := c.Carry(t.Context(), task); err != nil || y.made != 1 {
		t.Errorf("where nobody records, it ran %d hooks (%v)", y.made, err)
	}
}

func TestWhatAHookPrintedIsKeptWithoutSecrets(t *testing.T) {
	t.Parallel()
	const secret, marked = "canary-5f1e02", "canary-77aa10"
	y := &yard{live: map[object.Key]plan.Live{migrate.Desired.Key: {Key: migrate.Desired.Key, UID: "u1"}}}
	y.prints = strings.Repeat("x", 1<<20) + secret + strings.Repeat("y", (8<<10)-10) + "\n" // where the log is cut
	y.prints += "connecting with " + secret + "\nand " + marked + " and https://ana:canary-url@example.com/\ndone\n"
	task := starting(migrate)
	task.Release.Hooks = []release.HookRun{{Phase: "pre-sync", Object: migrate.Desired.Key, State: release.HookRunning, UID: "u1"}}
	task.Decision = hooks.Decision{Step: hooks.End, Ends: []hooks.Ending{{State: release.HookFailed, Message: "exit 1: " + secret}}}
	task.Desired = []plan.Desired{
		{Body: fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Secret","data":{"password":%q}}`, base64.StdEncoding.EncodeToString([]byte(secret)))},
		{Body: fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"annotations":{"plumb.dev/sensitive":"/data/dsn"}},"data":{"dsn":%q}}`, marked)},
	}
	c := pipeline.HookCarrier{Target: y, Records: &book{}, Now: time.Now}
	r, err := c.Carry(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	run := r.Hooks[0]
	if strings.Contains(run.Log+run.Message, "canary") || !strings.Contains(run.Log, "done") || run.State != release.HookFailed || run.Ended.IsZero() {
		t.Errorf("on record is %+v", run)
	}
	if task.Release.Hooks[0].State != release.HookRunning {
		t.Error("the record that others may be reading was changed")
	}
}
