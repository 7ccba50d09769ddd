package origin

//lint:file-ignore SA1019 people have kustomizations with the old fields, and fields come from there as well

import (
	"encoding/base64"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/types"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/yamledit"
)

// fromLayer notes what a kustomization says about the field, in the opposite
// order of that in which the library does it.
func (l *look) fromLayer(k *layer) {
	l.transformers(k)
	if !l.homes {
		l.images(k)
		l.replicas(k)
	}
	for i := len(k.PatchesJson6902) - 1; i >= 0; i-- {
		l.patch(k, k.PatchesJson6902[i], "patchesJson6902", strconv.Itoa(i))
	}
	if !l.homes {
		l.annotations(k)
		l.labels(k)
		l.namespace(k)
	}
	for i := len(k.Patches) - 1; i >= 0; i-- {
		l.patch(k, k.Patches[i], "patches", strconv.Itoa(i))
	}
	for i := len(k.PatchesStrategicMerge) - 1; i >= 0; i-- {
		l.strategic(k, string(k.PatchesStrategicMerge[i]), strconv.Itoa(i))
	}
	l.generator(k)
}

// names are all that the object has had.
func (l *look) names() []string { return append(l.declared.names(), l.object.GetName()) }

// within notes what the kustomization's own file says at a path.
func (l *look) within(k *layer, keys ...string) {
	l.add(keys[0], k.file, docSpot{path: yamledit.Keys(keys...)})
}

// images notes the entries that can have made the image that the field holds.
func (l *look) images(k *layer) {
	have, isImage := l.image()
	if !isImage {
		return
	}
	for i := len(k.Images) - 1; i >= 0; i-- {
		e := k.Images[i]
		if e.TagSuffix != "" || !have.isMadeBy(e.Name, e.NewName, e.NewTag, e.Digest) {
			continue
		}
		entry := docSpot{path: yamledit.Keys("images", strconv.Itoa(i))}
		for _, field := range []struct{ name, value string }{{"digest", e.Digest}, {"newTag", e.NewTag}, {"newName", e.NewName}} {
			if field.value == "" {
				continue
			}
			at := entry
			at.path = at.path.Then(yamledit.Step{Key: field.name})
			if place, err := at.find(k.content); err == nil {
				l.places = append(l.places, Place{
					File: k.file, Line: place.Line, Last: place.Last, What: "images", Value: have.String(), Present: true,
					spot: imageSpot{entry: entry, name: e.Name},
				})
			}
			break
		}
	}
}

func (l *look) replicas(k *layer) {
	if l.field.String() != "spec.replicas" {
		return
	}
	names := l.names()
	for i := len(k.Replicas) - 1; i >= 0; i-- {
		if slices.Contains(names, k.Replicas[i].Name) {
			l.within(k, "replicas", strconv.Itoa(i), "count")
		}
	}
}

func (l *look) annotations(k *layer) {
	if n := len(l.field); n >= 2 && l.field[n-2].Key == "annotations" {
		if _, has := k.CommonAnnotations[l.field[n-1].Key]; has {
			l.within(k, "commonAnnotations", l.field[n-1].Key)
		}
	}
}

// labels notes labels that kustomizations add, to objects and to what selects
// them.
func (l *look) labels(k *layer) {
	n := len(l.field)
	if n < 2 || !slices.Contains([]string{"labels", "matchLabels", "selector"}, l.field[n-2].Key) {
		return
	}
	key := l.field[n-1].Key
	ofObject := n == 3 && l.field[0].Key == "metadata"
	if _, has := k.CommonLabels[key]; has {
		l.within(k, "commonLabels", key)
	}
	for i := len(k.Labels) - 1; i >= 0; i-- {
		e := k.Labels[i]
		if _, has := e.Pairs[key]; !has {
			continue
		}
		if ofObject || e.IncludeSelectors || e.IncludeTemplates || e.IncludeVolumeClaimTemplates || len(e.FieldSpecs) > 0 {
			l.within(k, "labels", strconv.Itoa(i), "pairs", key)
		}
	}
}

func (l *look) namespace(k *layer) {
	if k.Namespace != "" && len(l.field) > 0 && l.field[len(l.field)-1].Key == "namespace" {
		l.within(k, "namespace")
	}
}

// transformers notes the labels and annotations that listed transformers add.
func (l *look) transformers(k *layer) {
	n := len(l.field)
	if n < 2 || l.homes {
		return
	}
	for i := len(k.Transformers) - 1; i >= 0; i-- {
		file := joined(k.folder, k.Transformers[i])
		content, err := l.finder.content(file)
		if err != nil {
			continue
		}
		for _, h := range manifest.Headers(file, content) {
			field := map[string]string{"LabelTransformer": "labels", "AnnotationsTransformer": "annotations"}[h.Kind]
			if field != "" && strings.Contains(strings.ToLower(l.field[n-2].Key), strings.TrimSuffix(field, "s")) || field == "labels" && l.field[n-2].Key == "selector" {
				l.add("transformers["+strconv.Itoa(i)+"]", file, docSpot{
					which: yamledit.Selector{Line: h.Origin.Line, Kind: h.Kind}, path: yamledit.Keys(field, l.field[n-1].Key),
				})
			}
		}
	}
}

// patch notes what a patch says, of either form.
func (l *look) patch(k *layer, p types.Patch, field, index string) {
	if p.Target != nil && !l.selects(*p.Target) {
		return
	}
	what := field + "[" + index + "]"
	if p.Patch != "" {
		l.patchText(what, k.file, []byte(p.Patch), yamledit.Keys(field, index, "patch"), p.Target != nil)
		return
	}
	file := joined(k.folder, p.Path)
	if content, err := l.finder.content(file); err == nil {
		l.patchText(what, file, content, nil, p.Target != nil)
	}
}

// strategic notes what an entry of patchesStrategicMerge says: a patch, or the
// path of one.
func (l *look) strategic(k *layer, given, index string) {
	what := "patchesStrategicMerge[" + index + "]"
	if content, err := l.finder.content(joined(k.folder, given)); err == nil {
		l.patchText(what, joined(k.folder, given), content, nil, false)
		return
	}
	l.patchText(what, k.file, []byte(given), yamledit.Keys("patchesStrategicMerge", index), false)
}

// patchText notes what the text of a patch says. It is a file's, or stands in
// one, at outer.
func (l *look) patchText(what, file string, text []byte, outer yamledit.Path, targeted bool) {
	d, err := yamledit.Open(text, yamledit.Selector{})
	if err != nil {
		return
	}
	value, err := d.Value()
	if err != nil {
		return
	}
	if operations, isList := value.([]any); isList {
		l.operations(what, file, operations, outer)
		return
	}
	for _, h := range manifest.Headers(file, text) {
		if !targeted && (h.Kind != l.object.GetKind() || !slices.Contains(l.names(), h.Name)) {
			continue
		}
		s := docSpot{which: yamledit.Selector{Line: h.Origin.Line}}
		if outer != nil {
			s = docSpot{outer: outer, inner: s.which}
		}
		l.addDocument(what, file, s, l.field)
	}
}

// operations notes what a JSON patch says: the last of its operations first.
func (l *look) operations(what, file string, operations []any, outer yamledit.Path) {
	_, keys, found := Lookup(l.object.Object, l.field)
	if !found || l.homes {
		return
	}
	for i := len(operations) - 1; i >= 0; i-- {
		op, _ := operations[i].(map[string]any)
		pointer, _ := op["path"].(string)
		at, err := yamledit.Pointer(pointer)
		if err != nil || op["op"] != "add" && op["op"] != "replace" || !leads(at, keys) {
			continue
		}
		if pointer == "" || strings.HasSuffix(pointer, "/-") { // it is any element, so all of it has to be the same
			if made, _, _ := Lookup(l.object.Object, yamledit.Keys(keys[:len(at)]...)); !Equal(made, op["value"]) {
				continue
			}
		}
		path := yamledit.Keys(strconv.Itoa(i), "value").Then(l.field[len(at):]...)
		l.add(what, file, docSpot{outer: outer, path: path})
	}
}

// leads says whether a pointer leads to keys or to what they are part of.
func leads(pointer yamledit.Path, keys []string) bool {
	if len(pointer) > len(keys) {
		return false
	}
	for i, s := range pointer {
		_, err := strconv.Atoi(keys[i])
		if s.Key != keys[i] && !(s.Key == "-" && err == nil) {
			return false
		}
	}
	return true
}

// selects says whether a patch's target may be the object. Its labels may have
// been others when the patch came, so who is in doubt is taken in.
func (l *look) selects(s types.Selector) bool {
	fits := func(pattern string, values ...string) bool {
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		return pattern == "" || err == nil && slices.ContainsFunc(values, re.MatchString)
	}
	gvk := l.object.GroupVersionKind()
	if !fits(s.Kind, gvk.Kind) || !fits(s.Group, gvk.Group) || !fits(s.Version, gvk.Version) || !fits(s.Name, l.names()...) {
		return false
	}
	selector, err := labels.Parse(s.LabelSelector)
	return err != nil || selector.Matches(labels.Set(l.object.GetLabels()))
}

// generator notes what generators say of a ConfigMap's or Secret's data.
func (l *look) generator(k *layer) {
	args, field := generators(k, l.object.GetKind())
	names := l.names()
	for i := len(args) - 1; i >= 0; i-- {
		if !slices.Contains(names, args[i].Name) {
			continue
		}
		at := yamledit.Keys(field, strconv.Itoa(i))
		switch n := len(l.field); {
		case n == 2 && (l.field[0].Key == "data" || l.field[0].Key == "binaryData"):
			l.pairs(k, args[i].KvPairSources, at, l.field[1].Key)
		case n == 3 && l.field[0].Key == "metadata" && !l.homes:
			l.within(k, append([]string{field, strconv.Itoa(i), "options"}, l.field[1].Key, l.field[2].Key)...)
			l.within(k, "generatorOptions", l.field[1].Key, l.field[2].Key)
		}
	}
}

// generators are those of a kustomization that make objects of a kind.
func generators(k *layer, kind string) (args []types.GeneratorArgs, field string) {
	switch kind {
	case "ConfigMap":
		for _, g := range k.ConfigMapGenerator {
			args = append(args, g.GeneratorArgs)
		}
		return args, "configMapGenerator"
	case "Secret":
		for _, g := range k.SecretGenerator {
			args = append(args, g.GeneratorArgs)
		}
		return args, "secretGenerator"
	}
	return nil, ""
}

// pairs notes which of a generator's sources has a key.
func (l *look) pairs(k *layer, sources types.KvPairSources, at yamledit.Path, key string) {
	if l.homes {
		l.homeInLiterals(k, sources, at, key)
		return
	}
	for i, literal := range sources.LiteralSources {
		if name, value, isPair := strings.Cut(literal, "="); isPair && name == key {
			s := docSpot{path: at.Then(yamledit.Keys("literals", strconv.Itoa(i))...)}
			if place, err := s.find(k.content); err == nil {
				l.pair(Place{File: k.file, Line: place.Line, Last: place.Last, What: "literals", Value: unquoted(value), spot: pairSpot{s, key}})
			}
		}
	}
	for _, given := range sources.FileSources {
		name, file, named := strings.Cut(given, "=")
		if !named {
			name, file = path.Base(given), given
		}
		file = joined(k.folder, file)
		if content, err := l.finder.content(file); name == key && err == nil {
			last := lineOf(content, max(len(content)-1, 0))
			l.pair(Place{File: file, Line: 1, Last: last, What: "files", Value: string(content), spot: fileSpot{}})
		}
	}
	for _, given := range append(slices.Clone(sources.EnvSources), sources.EnvSource) {
		file := joined(k.folder, given)
		if content, err := l.finder.content(file); given != "" && err == nil {
			l.envLine(file, string(content), key)
		}
	}
}

// pair notes a place whose value is a text; in a Secret it is told in base 64.
func (l *look) pair(p Place) {
	p.Present = true
	if text, isText := p.Value.(string); isText && (l.object.GetKind() == "Secret" || l.field[0].Key == "binaryData") {
		p.Value, p.spot = base64.StdEncoding.EncodeToString([]byte(text)), nil
	}
	l.places = append(l.places, p)
}

// envLine notes the line of a file of KEY=VALUE that has a key.
func (l *look) envLine(file, content, key string) {
	n := 0
	for line := range strings.Lines(content) {
		n++
		name, value, isPair := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if isPair && strings.TrimLeft(name, " \t") == key {
			l.pair(Place{File: file, Line: n, Last: n, What: "envs", Value: value, spot: lineSpot{key, n}})
		}
	}
}

// homeInLiterals notes that a key could be added to a generator's literals.
func (l *look) homeInLiterals(k *layer, sources types.KvPairSources, at yamledit.Path, key string) {
	if l.object.GetKind() != "ConfigMap" || l.field[0].Key != "data" {
		return
	}
	s := docSpot{path: at.Then(yamledit.Keys("literals", fmt.Sprint(len(sources.LiteralSources)))...)}
	if len(sources.LiteralSources) == 0 {
		s.path = at.Then(yamledit.Keys("literals", "-")...)
	}
	entry := docSpot{path: at}
	if place, err := entry.findIn(l.finder.open(k.file, entry)); err == nil {
		l.places = append(l.places, Place{File: k.file, Line: place.Line, Last: place.Line, What: "literals", spot: pairSpot{s, key}})
	}
}

// unquoted is the value of a literal as kustomize takes it: without the quotes
// around it.
func unquoted(s string) string {
	if n := len(s); n >= 2 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1 : n-1]
	}
	return s
}
