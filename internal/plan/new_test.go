package plan

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/object"
)

func keyOf(kind, namespace, name string) object.Key {
	return object.Key{Kind: kind, Namespace: namespace, Name: name}
}

// sample is a plan with a change of each action.
func sample() Plan {
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	return Plan{
		App: "team-a/shop", Cluster: "https://127.0.0.1:6443", Namespace: "shop",
		Revision: "1d687d6a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e", Author: "Ada <ada@example.com>", Subject: "raise the replicas",
		Unchanged: 14,
		Changes: []Change{
			{Action: Prune, Key: keyOf("Service", "shop", "old"), Reason: "is no longer declared", Live: Live{UID: "u3", Digest: "d3", Fingerprint: 3}},
			{
				Action: Update, Key: web, Origin: object.Origin{File: "apps/web.yaml", Line: 12}, Reason: "is declared otherwise",
				Live: Live{UID: "u2", Version: 7}, Desired: Desired{Digest: "d2"}, More: 3,
				Fields: []Field{
					{Path: "spec.replicas", Before: Shown(int64(2)), After: Shown(int64(3)), Owner: "kubectl-edit"},
					{Path: "spec.paused", Before: Shown(true)},
				},
			},
			{Action: Prune, Key: keyOf("Namespace", "", "old"), Reason: "is no longer declared", Live: Live{UID: "u4"}},
			{Action: Create, Key: keyOf("ConfigMap", "shop", "settings"), Desired: Desired{Digest: "d1", Origin: object.Origin{File: "a.yaml", Line: 1}},
				Fields: []Field{{Path: "data", After: Shown(map[string]any{"color": "blue"})}}},
		},
	}
}

func TestNewOrdersAndJudges(t *testing.T) {
	t.Parallel()
	given := sample()
	p := New(given)
	var order []string
	for _, c := range p.Changes {
		order = append(order, string(c.Action)+" "+c.Key.String())
	}
	want := []string{"create ConfigMap/shop/settings", "update Deployment/shop/web", "prune Service/shop/old", "prune Namespace/old"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("the order (-want +got)\n%s", diff)
	}
	if given.Changes[0].Action != Prune {
		t.Error("what was given was changed")
	}
	if p.Version != Version || !p.Complete || !p.Applicable || len(p.Hash) != 64 || p.Changes[0].Origin.File != "a.yaml" {
		t.Errorf("it is %+v", p)
	}
	if got := p.Summary(); got != "1 to create, 1 to update, 2 to prune, 14 in line" {
		t.Errorf("it is summed up as %q", got)
	}
	conflict := sample()
	conflict.Changes[0].Action = Conflict
	if p := New(conflict); !p.Complete || p.Applicable {
		t.Errorf("with a conflict it is complete %v, applicable %v", p.Complete, p.Applicable)
	}
	unknown := sample()
	unknown.Problems = []Problem{{Message: "can't be told"}}
	if p := New(unknown); p.Complete || p.Applicable || !strings.HasSuffix(p.Summary(), "1 unknown") {
		t.Errorf("with a problem it is complete %v, applicable %v: %s", p.Complete, p.Applicable, p.Summary())
	}
	if p := New(Plan{}); !p.InLine() || p.Changes == nil || p.Summary() != "0 in line" {
		t.Errorf("an empty plan is %+v", p)
	}
}

func TestHashMovesWithWhatCounts(t *testing.T) {
	t.Parallel()
	first := New(sample()).Hash
	for name, tc := range map[string]struct {
		change func(*Plan)
		same   bool
	}{
		"the same":                    {func(*Plan) {}, true},
		"another order of finding":    {func(p *Plan) { p.Changes[0], p.Changes[3] = p.Changes[3], p.Changes[0] }, true},
		"another commit":              {func(p *Plan) { p.Revision, p.Author, p.Subject = "f00", "Bob", "x" }, true},
		"another time":                {func(p *Plan) { p.MadeAt = time.Now() }, true},
		"a written status":            {func(p *Plan) { p.Changes[1].Live.Version = 99; p.Changes[1].Live.Fingerprint = 9 }, true},
		"another reason":              {func(p *Plan) { p.Changes[1].Reason = "x" }, true},
		"another line":                {func(p *Plan) { p.Changes[1].Origin.Line = 99 }, true},
		"another owner":               {func(p *Plan) { p.Changes[1].Fields[0].Owner = "ada" }, true},
		"more that is in line":        {func(p *Plan) { p.Unchanged++ }, true},
		"another App":                 {func(p *Plan) { p.App = "team-a/blog" }, false},
		"another cluster":             {func(p *Plan) { p.Cluster = "https://elsewhere" }, false},
		"another namespace":           {func(p *Plan) { p.Namespace = "blog" }, false},
		"a change less":               {func(p *Plan) { p.Changes = p.Changes[1:] }, false},
		"another action":              {func(p *Plan) { p.Changes[1].Action = Create }, false},
		"another object":              {func(p *Plan) { p.Changes[1].Key.Name = "db" }, false},
		"another group":               {func(p *Plan) { p.Changes[1].Key.Group = "" }, false},
		"made anew":                   {func(p *Plan) { p.Changes[1].Live.UID = "u9" }, false},
		"made anew, to prune":         {func(p *Plan) { p.Changes[0].Live.UID = "u9" }, false},
		"changed by hand, to prune":   {func(p *Plan) { p.Changes[0].Live.Fingerprint = 9 }, false},
		"something that isn't listed": {func(p *Plan) { p.Changes[1].Digest = "x9" }, false},
		"declared otherwise":          {func(p *Plan) { p.Changes[3].Desired.Digest = "d9" }, false},
		"another value after":         {func(p *Plan) { p.Changes[1].Fields[0].After = Shown(int64(4)) }, false},
		"another value before":        {func(p *Plan) { p.Changes[1].Fields[0].Before = Shown(int64(1)) }, false},
		"a text for a number":         {func(p *Plan) { p.Changes[1].Fields[0].After = Shown("3") }, false},
		"another field":               {func(p *Plan) { p.Changes[1].Fields[0].Path = "spec.x" }, false},
		"a field less":                {func(p *Plan) { p.Changes[1].Fields = p.Changes[1].Fields[1:] }, false},
		"declared otherwise, too":     {func(p *Plan) { p.Changes[1].Desired.Digest = "d9" }, false},
		"a value that goes":           {func(p *Plan) { p.Changes[1].Fields[0].After = nil }, false},
	} {
		p := sample()
		tc.change(&p)
		if got := New(p).Hash; (got == first) != tc.same {
			t.Errorf("%s: the hash is the same: %v, want %v", name, got == first, tc.same)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	p := New(sample())
	for prefix, want := range map[string]bool{
		p.Hash: true, p.Short(): true, p.Hash[:6]: true, strings.ToUpper(p.Short()): true,
		p.Hash[:5]: false, "": false, "zzzzzzzz": false, p.Hash + "0": false, p.Hash[1:9]: false,
	} {
		if p.Matches(prefix) != want {
			t.Errorf("%q matches %s: want %v", prefix, p.Hash, want)
		}
	}
	if (Plan{}).Matches("") || Short("abc") != "abc" {
		t.Error("a plan without a hash is matched")
	}
}

// What is stored and sent is what is shown: nothing that is applied is in it.
func TestThePlanAsJSONHoldsNoObject(t *testing.T) {
	t.Parallel()
	p := sample()
	p.Changes[1].Desired.Body = []byte(`{"canary":1}`)
	p.Changes[1].Repair = []byte(`["canary"]`)
	text, err := json.Marshal(New(p))
	if err != nil || strings.Contains(string(text), "canary") || strings.Contains(string(text), "Desired") {
		t.Errorf("it is %s (%v)", text, err)
	}
	var back Plan
	if err := json.Unmarshal(text, &back); err != nil || back.Hash != New(p).Hash || back.Text(View{}) != New(p).Text(View{}) {
		t.Errorf("read back it is shown as\n%s\n%v", back.Text(View{}), err)
	}
}

func TestAHugePlanIsBounded(t *testing.T) {
	t.Parallel()
	var p Plan
	for range 3000 {
		p.Changes = append(p.Changes, Change{Action: Create, Key: keyOf("ConfigMap", "shop", "a"), Digest: "d",
			Fields: []Field{{Path: "data", After: Shown(map[string]any{"x": strings.Repeat("y", 6000)})}}})
	}
	made := New(p)
	text, err := json.Marshal(made)
	if err != nil || len(text) > mostShown*3/2 {
		t.Errorf("it has %d bytes, %v", len(text), err)
	}
	if last := made.Changes[2999]; last.More != 1 || len(last.Fields) != 0 || len(made.Changes[0].Fields) != 1 {
		t.Errorf("the last change is %+v", last)
	}
	if New(made).Hash != made.Hash {
		t.Error("its hash is another one when it is made again")
	}
}
