package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
)

const (
	shop  = "team-a/shop"
	first = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	other = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// inShort is a verdict in one line: what may be done, why not, and until when.
func inShort(v Verdict) string {
	var words []string
	if v.Intended {
		words = append(words, "intended")
	}
	if v.Corrections {
		words = append(words, "corrections")
	}
	if len(words) == 0 {
		words = append(words, "nothing")
	}
	if !v.Until.IsZero() {
		words = append(words, "until "+v.Until.UTC().Format("02 15:04"))
	}
	if h := v.Hold; h != nil {
		words = append(words, "["+string(h.Reason)+"] "+h.Message)
		if !h.Until.IsZero() {
			words = append(words, "(until "+h.Until.UTC().Format("02 15:04")+")")
		}
	}
	return strings.Join(words, " ")
}

func TestDecide(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-21 12:00")
	hour := Pause{App: shop, By: "ada", Reason: "looking for a leak", Until: now.Add(time.Hour)}
	all := Pause{By: "bob", Reason: "the network is moved", Until: now.Add(2 * time.Hour)}
	over := Pause{App: shop, By: "bob", Reason: "over", Until: now}
	windows := []v1alpha1.Window{allow("0 22 * * *", time.Hour)}
	closed := Opening{Corrections: true, Reason: "outside of the windows", Next: now.Add(10 * time.Hour), Again: now.Add(3 * time.Hour)}
	strict := Opening{Reason: "in a window", Again: now.Add(30 * time.Minute)}
	approve := v1alpha1.Sync{Mode: v1alpha1.SyncApprove}
	second := v1alpha1.Sync{Mode: v1alpha1.SyncApprove, Approval: v1alpha1.Approval{NotAuthor: true}}
	yes := &Approval{App: shop, Plan: first, By: "bob"}
	failure := &Failure{App: shop, Release: 7, Revision: "0123456789abcdef", Message: "Deployment/shop/web isn't available"}
	undone, underWay := *failure, *failure
	underWay.RollingBack = true
	undone.RolledBackTo = "fedcba9876543210"
	for name, test := range map[string]struct {
		facts Facts
		want  string
	}{
		"auto":                          {Facts{}, "intended corrections"},
		"observe":                       {Facts{Sync: v1alpha1.Sync{Mode: v1alpha1.SyncObserve}}, "nothing [observe] sync.mode is observe: nothing is changed, and what differs is shown"},
		"paused":                        {Facts{Pauses: []Pause{hour}}, "nothing until 21 13:00 [pause] paused by ada until 2026-11-21 13:00 UTC: looking for a leak (until 21 13:00)"},
		"paused twice":                  {Facts{Pauses: []Pause{all, hour}}, "nothing until 21 13:00 [pause] all Apps are paused by bob until 2026-11-21 14:00 UTC: the network is moved (until 21 14:00)"},
		"a pause that is over":          {Facts{Pauses: []Pause{over}}, "intended corrections"},
		"paused in observe":             {Facts{Sync: v1alpha1.Sync{Mode: v1alpha1.SyncObserve}, Pauses: []Pause{hour}}, "nothing until 21 13:00 [pause] paused by ada until 2026-11-21 13:00 UTC: looking for a leak (until 21 13:00)"},
		"window open":                   {Facts{Sync: v1alpha1.Sync{Windows: windows}, Opening: Opening{Open: true, Corrections: true, Again: now.Add(time.Hour)}}, "intended corrections until 21 13:00"},
		"window closed":                 {Facts{Sync: v1alpha1.Sync{Windows: windows}, Opening: closed}, "corrections until 21 15:00 [window] outside of the windows; it opens 2026-11-21 22:00 UTC (until 21 22:00)"},
		"window closed to corrections":  {Facts{Sync: v1alpha1.Sync{Windows: windows}, Opening: strict}, "nothing until 21 12:30 [window] in a window"},
		"nobody asked the windows":      {Facts{Sync: v1alpha1.Sync{Windows: windows}}, "nothing [window] no window is open"},
		"an opening without windows":    {Facts{Opening: strict}, "intended corrections"},
		"a pause ends before a window":  {Facts{Sync: v1alpha1.Sync{Windows: windows}, Opening: closed, Pauses: []Pause{hour}}, "nothing until 21 13:00 [pause] paused by ada until 2026-11-21 13:00 UTC: looking for a leak (until 21 13:00)"},
		"approve, no plan yet":          {Facts{Sync: approve}, "corrections [approval] changes wait for approval; their plan is being made"},
		"approve, waiting":              {Facts{Sync: approve, Plan: first}, "corrections [approval] plan aaaaaaaaaaaa waits for approval: `plumb approve team-a/shop aaaaaaaaaaaa`"},
		"approve, approved":             {Facts{Sync: approve, Plan: first, Approval: yes}, "intended corrections"},
		"approve, another is approved":  {Facts{Sync: approve, Plan: other, Approval: yes}, "corrections [approval] plan bbbbbbbbbbbb waits for approval: `plumb approve team-a/shop bbbbbbbbbbbb`"},
		"approve, approved, no plan":    {Facts{Sync: approve, Approval: yes}, "corrections [approval] changes wait for approval; their plan is being made"},
		"approve, an empty approval":    {Facts{Sync: approve, Approval: &Approval{By: "bob"}}, "corrections [approval] changes wait for approval; their plan is being made"},
		"approve, a prefix isn't it":    {Facts{Sync: approve, Plan: first, Approval: &Approval{Plan: first[:12], By: "bob"}}, "corrections [approval] plan aaaaaaaaaaaa waits for approval: `plumb approve team-a/shop aaaaaaaaaaaa`"},
		"approve, refused":              {Facts{Sync: approve, Plan: first, Approval: &Approval{Plan: first, By: "bob", Why: "not on a Friday", Refuse: true}}, "corrections [refusal] plan aaaaaaaaaaaa was refused by bob: not on a Friday; push another commit, or approve it after all"},
		"approve, refused without why":  {Facts{Sync: approve, Plan: first, Approval: &Approval{Plan: first, By: "bob", Refuse: true}}, "corrections [refusal] plan aaaaaaaaaaaa was refused by bob; push another commit, or approve it after all"},
		"approve, another is refused":   {Facts{Sync: approve, Plan: other, Approval: &Approval{Plan: first, By: "bob", Refuse: true}}, "corrections [approval] plan bbbbbbbbbbbb waits for approval: `plumb approve team-a/shop bbbbbbbbbbbb`"},
		"auto, refused before":          {Facts{Plan: first, Approval: &Approval{Plan: first, By: "bob", Refuse: true}}, "intended corrections"},
		"two people, the author":        {Facts{Sync: second, Plan: first, Approval: yes, Author: "Bob <bob@example.com>"}, "corrections [approval] bob made the commit, so someone else has to approve it (sync.approval.notAuthor)"},
		"two people, someone else":      {Facts{Sync: second, Plan: first, Approval: yes, Author: "Ada <ada@example.com>"}, "intended corrections"},
		"approved, window closed":       {Facts{Sync: v1alpha1.Sync{Mode: v1alpha1.SyncApprove, Windows: windows}, Opening: closed, Plan: first, Approval: yes}, "corrections until 21 15:00 [window] outside of the windows; it opens 2026-11-21 22:00 UTC; plan aaaaaaaaaaaa is approved (until 21 22:00)"},
		"not approved, window closed":   {Facts{Sync: v1alpha1.Sync{Mode: v1alpha1.SyncApprove, Windows: windows}, Opening: closed, Plan: first, App: shop}, "corrections until 21 15:00 [window] outside of the windows; it opens 2026-11-21 22:00 UTC; plan aaaaaaaaaaaa waits for approval: `plumb approve team-a/shop aaaaaaaaaaaa` (until 21 22:00)"},
		"not approved, window open":     {Facts{Sync: v1alpha1.Sync{Mode: v1alpha1.SyncApprove, Windows: windows}, Opening: Opening{Open: true, Corrections: true}, Plan: first}, "corrections [approval] plan aaaaaaaaaaaa waits for approval: `plumb approve team-a/shop aaaaaaaaaaaa`"},
		"failed, and nothing follows":   {Facts{Sync: v1alpha1.Sync{OnFailure: v1alpha1.FailureNone}, Failure: failure}, "intended corrections"},
		"failed, held":                  {Facts{Sync: v1alpha1.Sync{OnFailure: v1alpha1.FailureHold}, Failure: failure}, "corrections [failure] release 7 failed (Deployment/shop/web isn't available): nothing more is applied until `plumb resume team-a/shop`"},
		"failed, being rolled back":     {Facts{Sync: v1alpha1.Sync{OnFailure: v1alpha1.FailureRollback}, Failure: &underWay}, "corrections [failure] release 7 failed (Deployment/shop/web isn't available) and is being rolled back"},
		"failed, can't be rolled back":  {Facts{Sync: v1alpha1.Sync{OnFailure: v1alpha1.FailureRollback}, Failure: failure}, "corrections [failure] release 7 failed (Deployment/shop/web isn't available): nothing more is applied until `plumb resume team-a/shop`"},
		"failed, rolled back":           {Facts{Sync: v1alpha1.Sync{OnFailure: v1alpha1.FailureRollback}, Failure: &undone}, "corrections [failure] release 7 failed (Deployment/shop/web isn't available) and was rolled back to fedcba98: commit 01234567 isn't tried again; push another, or try it with `plumb resume team-a/shop`"},
		"failed, and its plan approved": {Facts{Sync: v1alpha1.Sync{Mode: v1alpha1.SyncApprove, OnFailure: v1alpha1.FailureHold}, Failure: failure, Plan: first, Approval: yes}, "corrections [failure] release 7 failed (Deployment/shop/web isn't available): nothing more is applied until `plumb resume team-a/shop`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.App = shop
			if diff := cmp.Diff(test.want, inShort(Decide(test.facts, now))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPauseID(t *testing.T) {
	t.Parallel()
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	for want, p := range map[string]Pause{"all": {}, shop: {App: shop}, shop + " apps/Deployment/shop/web": {App: shop, Object: &web}} {
		if got := p.ID(); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestParseLength(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1m": "1m0s", "30m": "30m0s", "1h30m": "1h30m0s", " 2h ": "2h0m0s", "2d": "48h0m0s", "1d12h": "36h0m0s", "0d5m": "5m0s", "30d": "720h0m0s",
		"": `"" is not a length of time; write it like 30m, 1h or 2d`, "1": `"1" is not a length of time; write it like 30m, 1h or 2d`,
		"d": `"d" is not a length of time; write it like 30m, 1h or 2d`, "-1d": `"-1d" is not a length of time; write it like 30m, 1h or 2d`,
		"1d-1h": `"1d-1h" is not a length of time; write it like 30m, 1h or 2d`, "1h2d": `"1h2d" is not a length of time; write it like 30m, 1h or 2d`,
		"an hour": `"an hour" is not a length of time; write it like 30m, 1h or 2d`, "99999999999999999999d": `"99999999999999999999d" is not a length of time; write it like 30m, 1h or 2d`,
		"59s": "59s is too short for a pause; give at least 1m", "0s": "0s is too short for a pause; give at least 1m",
		"31d": "31d is too long for a pause; give at most 30d", "30d1s": "30d1s is too long for a pause; give at most 30d",
	} {
		length, err := ParseLength(text)
		got := length.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

func FuzzParseLength(f *testing.F) {
	for _, seed := range []string{"1h", "2d", "1d12h", "9999d2562047h", "d", "1dd"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if length, err := ParseLength(text); err == nil && (length < MinPause || length > MaxPause) {
			t.Fatalf("%q: %s", text, length)
		}
	})
}
