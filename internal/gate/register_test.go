package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/object"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	pause := func(app string, key *object.Key, until time.Duration) Pause {
		return Pause{App: app, Object: key, By: "ada", Reason: "r", Since: now, Until: now.Add(until)}
	}
	all, shop, object1, over := pause("", nil, time.Hour), pause("a/shop", nil, time.Minute), pause("a/shop", &web, time.Hour), pause("a/old", nil, 0)
	var r Register
	if r.About("a/shop") != nil || r.Ended("a/shop", now) != nil || len(r.All(now)) != 0 {
		t.Error("an empty register isn't empty")
	}
	for _, p := range []Pause{all, pause("a/shop", nil, time.Second), shop, object1, over} {
		r.Put(p)
	}
	for name, tc := range map[string]struct{ got, want []Pause }{
		"all that hold":          {r.All(now), []Pause{shop, object1, all}},
		"of the whole App":       {r.Whole("a/shop"), []Pause{all, shop}},
		"about the App":          {r.About("a/shop"), []Pause{all, shop, object1}},
		"about another App":      {r.About("a/web"), []Pause{all}},
		"ended":                  {r.Ended("a/old", now), []Pause{over}},
		"ended later":            {r.Ended("a/shop", now.Add(2*time.Minute)), []Pause{shop}},
		"found by App":           {r.Find("a/shop", nil), []Pause{shop}},
		"found for all":          {r.Find("", nil), []Pause{all}},
		"found by object":        {r.Find("", &object.Key{Kind: "deployment", Name: "web"}), []Pause{object1}},
		"found in another App":   {r.Find("a/web", &web), nil},
		"found by another name":  {r.Find("", &object.Key{Kind: "Deployment", Name: "db"}), nil},
		"found in another space": {r.Find("", &object.Key{Kind: "Deployment", Namespace: "x", Name: "web"}), nil},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if !r.Object("a/shop", web, now) || r.Object("a/shop", web, now.Add(2*time.Hour)) || r.Object("a/web", web, now) {
		t.Error("whether an object is paused is told wrongly")
	}
	r.Drop(shop)
	if got := r.Whole("a/shop"); len(got) != 1 {
		t.Errorf("after the end of one, %v cover the App", got)
	}
}
