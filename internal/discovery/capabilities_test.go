package discovery

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/discovery/discoverytest"
)

func TestCapabilities(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, a *discoverytest.APIs) {
		changed := 0
		k := New(a.Client(t), Options{Changed: func() { changed++ }})
		ask := func() Capabilities {
			t.Helper()
			c, err := k.Capabilities(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		want := []string{
			"apps/v1", "apps/v1/Deployment", "example.com/v1", "example.com/v1/Cog", "example.com/v1/Gear", "example.com/v2", "example.com/v2/Gear",
			"v1", "v1/Binding", "v1/ComponentStatus", "v1/ConfigMap", "v1/Namespace",
		}
		withoutScale := func(c Capabilities) (apis []string) {
			for _, api := range c.APIs {
				if api != "apps/v1/Scale" { // only the older form tells of it here
					apis = append(apis, api)
				}
			}
			return apis
		}
		got := ask()
		if diff := cmp.Diff(want, withoutScale(got)); diff != "" || got.Version != "v1.36.0" {
			t.Errorf("version %s, APIs (-want +got)\n%s", got.Version, diff)
		}
		before := a.Requests.Load()
		if diff := cmp.Diff(got, ask()); diff != "" || a.Requests.Load() != before {
			t.Errorf("the second answer doesn't come from memory (-first +second)\n%s", diff)
		}
		a.Change(func() { a.Broken["example.com/v1"], a.Broken["example.com/v2"] = true, true })
		k.Expire()
		if diff := cmp.Diff(got, ask()); diff != "" || changed != 0 {
			t.Errorf("a group that doesn't answer is taken for gone, and told %d times (-first +second)\n%s", changed, diff)
		}
		a.Change(func() {
			clear(a.Broken)
			a.Version, a.Groups = "v1.37.0", a.Groups[:2]
		})
		k.Expire()
		if got := ask(); got.Version != "v1.37.0" || changed != 1 || len(withoutScale(got)) != 7 {
			t.Errorf("after the cluster changed it is %+v; told %d times", got, changed)
		}
	})
}

func TestCapabilitiesOfAServerThatIsAway(t *testing.T) {
	t.Parallel()
	a := discoverytest.New(t, true)
	k := kindsOf(t, a, time.Now)
	if _, err := k.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if c, err := k.Capabilities(t.Context()); err == nil {
		t.Errorf("a server that is away can do %+v", c)
	}
}
