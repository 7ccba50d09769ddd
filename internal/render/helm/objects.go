package helm

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
)

// What charts say to Helm about their objects.
const (
	annotationHook = "helm.sh/hook"
	notes          = "NOTES.txt" // what Helm prints after an install
)

// objects are those of a chart's CRDs and of what its templates came to.
func (b *build) objects(c *chart.Chart, templates map[string]source, rendered map[string]string) ([]object.Object, error) {
	var all []object.Object
	var errs []error
	take := func(objects []object.Object, err error) {
		all = append(all, objects...)
		if err != nil {
			errs = append(errs, err)
		}
	}
	if *b.params.IncludeCRDs {
		for _, crd := range c.CRDObjects() {
			take(b.documents(b.origins[crd.File], crd.File.Data))
		}
	}
	crds := len(all)
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasSuffix(name, notes) {
			continue
		}
		objects, err := b.documents(templates[name].origin, []byte(rendered[name]))
		take(b.withKnownHooks(located(templates[name], objects)), err)
	}
	if len(errs) > 0 {
		return nil, render.Join(errs)
	}
	return b.applied(b.once(all, crds)), nil
}

// once leaves out what is there again: charts, and those they depend on, make
// some objects twice, and who uses them can't change that. The last counts, as
// for who applies what Helm prints; but of those in crds/ the first, for Helm
// leaves a CRD alone that is there. One that is a hook as well is for people to
// settle: the two have nothing in common but the name.
func (b *build) once(objects []object.Object, crds int) []object.Object {
	type identity struct {
		object.Key
		hook bool
	}
	of := func(i int) identity {
		_, hook := objects[i].GetAnnotations()[annotationHook]
		return identity{objects[i].Key(), hook && i >= crds}
	}
	counts := map[identity]int{}
	for i := range objects {
		if _, twice := counts[of(i)]; !twice || i >= crds {
			counts[of(i)] = i
		}
	}
	var kept []object.Object
	for i, o := range objects {
		if at := counts[of(i)]; at != i && o.GetName() != "" {
			b.Notice(fmt.Sprintf("%s: %s: is declared twice; what counts is %s", o.Origin, o.Key(), objects[at].Origin))
			continue
		}
		kept = append(kept, o)
	}
	return kept
}

// documents are the objects in a text that a file came to. Their lines are
// unknown: those of the text are not the file's.
func (b *build) documents(origin string, text []byte) ([]object.Object, error) {
	var objects []object.Object
	parts := releaseutil.SplitManifests(string(text))
	names := slices.Collect(maps.Keys(parts))
	slices.SortFunc(names, func(x, y string) int {
		if releaseutil.BySplitManifestsOrder([]string{x, y}).Less(0, 1) {
			return -1
		}
		return 1
	})
	for _, name := range names {
		found, err := b.document(origin, []byte(parts[name]+"\n")) // as Helm ends it, which a last value that is a block of text counts
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

func (b *build) document(origin string, text []byte) ([]object.Object, error) {
	objects, err := read(origin, text)
	if err == nil {
		return objects, nil
	}
	wrong := fmt.Errorf("%s: what it comes to can't be used: %s", origin, unplaced(err))
	// Charts get away with keys that are given twice: Helm takes the last.
	asJSON, unreadable := yaml.YAMLToJSON(text)
	if unreadable != nil || manifest.CheckExpansion(origin, text) != nil || bytes.Equal(asJSON, []byte("null")) {
		return nil, wrong
	}
	if objects, unreadable = read(origin, asJSON); unreadable != nil {
		return nil, wrong
	}
	b.Notice(fmt.Sprintf("%s: %s; Helm takes the last, and so does Plumb", origin, unplaced(err)))
	return objects, nil
}

func read(origin string, text []byte) ([]object.Object, error) {
	var objects []object.Object
	for d, err := range manifest.Read(origin, text) {
		if err == nil {
			err = d.Check()
		}
		if err != nil {
			return nil, err
		}
		o := d.Object()
		o.Origin = object.Origin{File: origin}
		objects = append(objects, o)
	}
	return objects, nil
}

// unplaced is an error about a text that nobody has in front of them, without
// its line there.
func unplaced(err error) string {
	var e *manifest.Error
	if errors.As(err, &e) {
		return e.Message()
	}
	return err.Error()
}

var kindLine = regexp.MustCompile(`(?m)^kind:[ \t]*["']?([A-Za-z]+)["']?[ \t\r]*$`)

// located gives objects the lines of their template where those are certain:
// where it has as many lines that name a kind as it came to objects of it.
func located(t source, objects []object.Object) []object.Object {
	if path.Ext(t.origin) == ".tgz" {
		return objects
	}
	lines := map[string][]int{}
	for _, m := range kindLine.FindAllStringSubmatchIndex(t.text, -1) {
		kind := t.text[m[2]:m[3]]
		lines[kind] = append(lines[kind], strings.Count(t.text[:m[0]], "\n")+1)
	}
	count := map[string]int{}
	for _, o := range objects {
		count[o.GetKind()]++
	}
	next := map[string]int{}
	for i, o := range objects {
		kind := o.GetKind()
		if len(lines[kind]) == count[kind] {
			objects[i].Origin.Line = lines[kind][next[kind]]
			next[kind]++
		}
	}
	return objects
}

// hookEvents are those that Helm knows.
var hookEvents = map[string]bool{
	"pre-install": true, "post-install": true, "pre-upgrade": true, "post-upgrade": true, "pre-rollback": true, "post-rollback": true,
	"pre-delete": true, "post-delete": true, "test": true, "test-success": true,
}

// withKnownHooks leaves out the objects that are hooks for something that Helm
// doesn't know, as it does: they are often those of older versions of it, which
// a chart makes beside others that take their place.
func (b *build) withKnownHooks(objects []object.Object) []object.Object {
	return slices.DeleteFunc(objects, func(o object.Object) bool {
		hooks, isHook := o.GetAnnotations()[annotationHook]
		if !isHook {
			return false
		}
		for hook := range strings.SplitSeq(hooks, ",") {
			if hook = strings.ToLower(strings.TrimSpace(hook)); !hookEvents[hook] {
				b.Notice(fmt.Sprintf("%s: %s: %s is %q, which Helm doesn't know; as by Helm, the object is left out", o.Origin, o.Key(), annotationHook, hook))
				return true
			}
		}
		return false
	})
}

// applied are the objects without those for `helm test`, unless they are asked
// for. What else is a hook is for others to tell, whoever rendered it.
func (b *build) applied(objects []object.Object) []object.Object {
	if !*b.params.SkipTests {
		return objects
	}
	return slices.DeleteFunc(objects, func(o object.Object) bool { return isTest(o.GetAnnotations()[annotationHook]) })
}

// isTest says whether an object is for `helm test` and nothing else.
func isTest(hooks string) bool {
	if hooks == "" {
		return false
	}
	for hook := range strings.SplitSeq(hooks, ",") {
		switch strings.ToLower(strings.TrimSpace(hook)) {
		case "test", "test-success":
		default:
			return false
		}
	}
	return true
}
