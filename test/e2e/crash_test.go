package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// rounds is how often the daemon is killed.
const rounds = 20

// A daemon that is killed at any moment, and started again, goes on as if nothing had been: all comes in line, with one release for each change.
func TestKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("PLUMB_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("PLUMB_SEED=%d plays this again, as far as time does", seed)
	chaos := &chaos{fleet: newFleet(t, controlplanetest.Shared(t)), random: rand.New(rand.NewPCG(seed, 0))}
	chaos.tolerated = regexp.MustCompile(`^it was cut off`)
	chaos.begin()
	for round := range rounds {
		events := chaos.watch()
		disturbance := chaos.disturb(round)
		chaos.kill(events)
		t.Logf("round %d: %s", round, disturbance.what)
		chaos.start()
		if disturbance.repaired != nil {
			until(t, disturbance.repaired)
		}
		chaos.step(disturbance.releases...)
	}
}

// chaos changes Git and the cluster at random, and kills the daemon meanwhile.
type chaos struct {
	*fleet
	random *rand.Rand
	has    [2][]string // the ConfigMaps of each of the two Apps
	made   int
}

// disturbance is something that was done, and what must come of it.
type disturbance struct {
	what     string
	releases []string
	repaired func() (missing string) // for what the daemon itself must find out; nil when Git tells it
}

// kill ends the daemon at some point after the disturbance: any time, or just when a write has reached the cluster and may not be recorded yet. Now
// and then it is killed once more while it comes up.
func (c *chaos) kill(events watch.Interface) {
	defer events.Stop()
	if c.random.IntN(3) == 0 {
		c.let(400 * time.Millisecond)
	} else {
		c.writes(events, 1+c.random.IntN(4))
		c.let(12 * time.Millisecond)
	}
	c.daemon.kill()
	for c.random.IntN(3) == 0 {
		c.daemon = launch(c.t, c.data, c.args()...)
		c.let(800 * time.Millisecond)
		c.daemon.kill()
	}
}

// writes waits for so many writes to the Apps' objects, or until there are no more.
func (c *chaos) writes(events watch.Interface, n int) {
	for range n {
		pause := time.NewTimer(time.Second)
		select {
		case <-events.ResultChan():
		case <-pause.C:
			n = 0
		}
		if pause.Stop(); n == 0 {
			return
		}
	}
}

// let lets a random time pass. It is what is tested, and waits for nothing.
func (c *chaos) let(most time.Duration) {
	timer := time.NewTimer(time.Duration(c.random.Int64N(int64(most))))
	defer timer.Stop()
	<-timer.C
}

var chaosApps = [2]string{"left", "right"}

// perApp is how many objects each App begins with: enough for an apply to take some time.
const perApp = 12

func (c *chaos) begin() {
	files := map[string]string{}
	for i, app := range chaosApps {
		files["apps/"+app+".yaml"] = c.app(app)
		for range perApp {
			c.add(i, files)
		}
	}
	c.commit(files)
	c.start()
	c.step(fmt.Sprintf("left declaration c1 by Ada Author: %d changes = Succeeded", perApp), fmt.Sprintf("right declaration c1 by Ada Author: %d changes = Succeeded", perApp))
}

func (c *chaos) add(app int, files map[string]string) string {
	c.made++
	name := fmt.Sprintf("map-%d", c.made)
	c.has[app] = append(c.has[app], name)
	files[c.path(app, name)] = configMap(name, "turn", strconv.Itoa(c.made))
	return name
}

func (c *chaos) path(app int, name string) string { return chaosApps[app] + "/" + name + ".yaml" }

// disturb does something at random.
func (c *chaos) disturb(round int) disturbance {
	app := c.random.IntN(len(chaosApps))
	name := c.has[app][c.random.IntN(len(c.has[app]))]
	by := fmt.Sprintf("%s commit c%d by Ada Author: ", chaosApps[app], len(c.commits)+1)
	switch c.random.IntN(6) {
	case 0:
		files, did := map[string]string{}, []string{}
		for _, name := range c.has[app][:1+c.random.IntN(mostNamed)] {
			files[c.path(app, name)] = configMap(name, "turn", fmt.Sprint("round ", round))
			did = append(did, "update ConfigMap/"+name)
		}
		c.commit(files)
		return disturbance{what: "a commit changes some objects", releases: []string{by + changes(did...)}}
	case 1:
		files := map[string]string{}
		one, other := c.add(app, files), c.add(app, files)
		c.commit(files)
		return disturbance{what: "a commit adds two objects", releases: []string{by + changes("create ConfigMap/"+one, "create ConfigMap/"+other)}}
	case 2:
		c.forget(app, name)
		added := map[string]string{c.path(app, name): gittest.Remove}
		one := c.add(app, added)
		c.commit(added)
		return disturbance{what: "a commit swaps an object for another", releases: []string{by + changes("create ConfigMap/"+one, "prune ConfigMap/"+name)}}
	case 3:
		return c.move(app, name)
	case 4:
		return c.tamper(app, name)
	default:
		return c.remove(app, name)
	}
}

func changes(all ...string) string {
	slices.Sort(all)
	return strings.Join(all, ", ") + " = Succeeded"
}

func (c *chaos) forget(app int, name string) {
	c.has[app] = slices.DeleteFunc(c.has[app], func(n string) bool { return n == name })
}

func (c *chaos) move(app int, name string) disturbance {
	to := 1 - app
	c.forget(app, name)
	c.has[to] = append(c.has[to], name)
	uid := c.live(c.key("ConfigMap", name)).GetUID()
	commit := c.commit(map[string]string{c.path(app, name): gittest.Remove, c.path(to, name): c.file(c.path(app, name))})
	return disturbance{
		what:     "a commit moves an object to the other App",
		releases: []string{fmt.Sprintf("%s commit %s by Ada Author: update ConfigMap/%s = Succeeded", chaosApps[to], commit, name)},
		repaired: func() string {
			if now := c.live(c.key("ConfigMap", name)).GetUID(); now != uid {
				c.t.Fatalf("%s was made anew", name)
			}
			return ""
		},
	}
}

func (c *chaos) tamper(app int, name string) disturbance {
	key := c.key("ConfigMap", name)
	want := c.marked(key)
	c.change(hand{who: "hand", object: key, patch: merge(`{"data":{"turn":"tampered"}}`)})
	return disturbance{
		what:     "someone changes an object",
		releases: []string{fmt.Sprintf("%s drift c%d by hand: update ConfigMap/%s = Succeeded", chaosApps[app], len(c.commits), name)},
		repaired: func() string { return strings.Join(differences("", want, c.live(key).Object), "; ") },
	}
}

func (c *chaos) remove(app int, name string) disturbance {
	key := c.key("ConfigMap", name)
	if err := c.cluster.of(c.t, key.GroupKind().WithVersion("v1"), key.Namespace).Delete(c.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		c.t.Fatal(err)
	}
	return disturbance{
		what:     "someone deletes an object",
		releases: []string{fmt.Sprintf("%s drift c%d by unknown: create ConfigMap/%s = Succeeded", chaosApps[app], len(c.commits), name)},
		repaired: func() string {
			if c.cluster.at(c.t, key) == nil {
				return key.String() + " did not come again"
			}
			return ""
		},
	}
}

// big is the number of objects of an App that takes a while to apply.
const big = 150

// bigApp is the files of an App with many objects, each with the same value.
func (f *fleet) bigApp(value string) map[string]string {
	files := map[string]string{"apps/big.yaml": f.app("big")}
	for i := range big {
		name := fmt.Sprintf("part-%d", i)
		files["big/"+name+".yaml"] = configMap(name, "value", value)
	}
	return files
}

// watch tells of what happens to the ConfigMaps of the fleet's namespace from now on.
func (f *fleet) watch() watch.Interface {
	f.t.Helper()
	maps := f.cluster.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(f.namespace)
	list, err := maps.List(f.t.Context(), metav1.ListOptions{Limit: 1})
	if err != nil {
		f.t.Fatal(err)
	}
	events, err := maps.Watch(f.t.Context(), metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		f.t.Fatal(err)
	}
	return events
}

// awaitFirst waits until a value has reached the first of the App's objects: then the apply is in the middle.
func (f *fleet) awaitFirst(change func()) {
	f.t.Helper()
	events := f.watch()
	defer events.Stop()
	change()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-events.ResultChan():
	case <-limit.C:
		f.t.Fatalf("nothing of the commit was applied")
	}
}

// A daemon that is asked to end in the middle of an apply ends well and soon, and the next one goes on.
func TestStoppedInTheMiddle(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(f.bigApp("one"))
	f.start()
	f.step(fmt.Sprintf("big declaration c1 by Ada Author: %d changes = Succeeded", big))

	f.tolerated = regexp.MustCompile(`^it was cut off`)
	f.awaitFirst(func() { f.commit(f.bigApp("two")) })
	t.Logf("ended after %s", f.daemon.stop())
	f.start()
	f.step(fmt.Sprintf("big commit c2 by Ada Author: %d changes = Succeeded", big))
}

// An API server that goes away in the middle of an apply, and comes back, costs time and nothing else.
func TestAPIServerRestarts(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Own(t, controlplane.Options{}))
	f.tolerated = regexp.MustCompile(`can't reach|waits for what it relies on`)
	f.commit(f.bigApp("one"))
	f.start()
	f.step(fmt.Sprintf("big declaration c1 by Ada Author: %d changes = Succeeded", big))

	f.awaitFirst(func() { f.commit(f.bigApp("two")) })
	f.cluster.plane.Kill(t, controlplane.APIServer)
	f.cluster.plane.Start(t, controlplane.APIServer)
	f.step(fmt.Sprintf("big commit c2 by Ada Author: %d changes = Succeeded", big))

	f.cluster.plane.Stop(t, controlplane.APIServer)
	f.commit(f.bigApp("three")) // while nothing can be reached
	f.awaitStatus("big", "told of the commit", func(s status.App) bool { return s.Source.Newest == f.repo.Head() })
	f.cluster.plane.Start(t, controlplane.APIServer)
	f.step(fmt.Sprintf("big commit c3 by Ada Author: %d changes = Succeeded", big))

	f.byHand(hand{"hand-after", "big", f.key("ConfigMap", "part-7"), merge(`{"data":{"value":"tampered"}}`), "value"}) // the watches are back
}

// Of many commits in a row, the newest is what is delivered in the end. None of those before it stays open.
func TestNewestCommitWins(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(f.bigApp("first"))
	f.start()
	f.step(fmt.Sprintf("big declaration c1 by Ada Author: %d changes = Succeeded", big))
	const commits = 25
	for i := range commits {
		f.commit(f.bigApp(fmt.Sprint("turn ", i)))
	}
	f.inLine()
	news := f.news()
	last := -1
	for _, r := range news {
		at := slices.Index(f.commits, r.Revision.Commit)
		if at <= last {
			t.Errorf("commit c%d was released after c%d", at+1, last+1)
		}
		last = at
		if r.Outcome != release.Succeeded && r.Outcome != release.Superseded {
			t.Error(f.line(r))
		}
	}
	if newest := news[len(news)-1]; newest.Revision.Commit != f.repo.Head() || newest.Outcome != release.Succeeded {
		t.Errorf("the last release is %s", f.line(newest))
	}
	t.Logf("%d commits became %d releases", commits, len(news))
}
