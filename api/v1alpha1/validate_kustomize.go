package v1alpha1

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

func validateKustomize(s *sink, k Kustomize) {
	const field = "spec.render.kustomize"
	if k.NamePrefix != "" && !namePrefix.MatchString(k.NamePrefix) {
		s.add(field+".namePrefix", fmt.Sprintf("%q can't begin a name", k.NamePrefix), "use lower case letters, digits, - and ., beginning with a letter or digit")
	}
	if k.NameSuffix != "" && !nameSuffix.MatchString(k.NameSuffix) {
		s.add(field+".nameSuffix", fmt.Sprintf("%q can't end a name", k.NameSuffix), "use lower case letters, digits, - and ., ending with a letter or digit")
	}
	validateMarks(s, field, k)
	validateImages(s, field+".images", k.Images)
	validatePatches(s, field+".patches", k.Patches)
	for i, r := range k.Replicas {
		at := fmt.Sprintf("%s.replicas[%d]", field, i)
		if r.Name == "" {
			s.add(at+".name", "is missing", "name the Deployment, StatefulSet or other workload")
		}
		if r.Count < 0 || r.Count > math.MaxInt32 {
			s.add(at+".count", fmt.Sprintf("%d is no number of replicas", r.Count), "give 0 or more")
		}
	}
	for i, c := range k.Components {
		if c == "" || strings.HasPrefix(c, "/") || strings.Contains(c, `\`) || hasControl(c) {
			s.add(fmt.Sprintf("%s.components[%d]", field, i), fmt.Sprintf("%q is not the path of a folder", c), "name a component's folder from that of the kustomization, such as ../components/monitoring")
		}
	}
}

var (
	namePrefix = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,199}$`)
	nameSuffix = regexp.MustCompile(`^[a-z0-9.-]{0,199}[a-z0-9]$`)
)

func validateMarks(s *sink, field string, k Kustomize) {
	for _, key := range slices.Sorted(maps.Keys(k.Labels)) {
		if wrong := validation.IsQualifiedName(key); len(wrong) > 0 {
			s.add(field+".labels", fmt.Sprintf("%q is not the key of a label: %s", key, wrong[0]), "write it like team or example.com/team")
		}
		if wrong := validation.IsValidLabelValue(k.Labels[key]); len(wrong) > 0 {
			s.add(field+".labels", fmt.Sprintf("%q is not the value of a label: %s", k.Labels[key], wrong[0]), "shorten it, or make it an annotation")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(k.Annotations)) {
		if wrong := validation.IsQualifiedName(strings.ToLower(key)); len(wrong) > 0 {
			s.add(field+".annotations", fmt.Sprintf("%q is not the key of an annotation: %s", key, wrong[0]), "write it like team or example.com/team")
		}
	}
}

func validateImages(s *sink, list string, images []Image) {
	for i, image := range images {
		field := fmt.Sprintf("%s[%d]", list, i)
		switch {
		case image.Name == "":
			s.add(field+".name", "is missing", "name the image as the manifests do, without its tag")
		case image.NewName == "" && image.NewTag == "" && image.Digest == "":
			s.add(field, "changes nothing", "give newName, newTag or digest")
		case image.Digest != "" && !strings.Contains(image.Digest, ":"):
			s.add(field+".digest", fmt.Sprintf("%q is not a digest", image.Digest), "write it like sha256:…")
		}
	}
}

func validatePatches(s *sink, list string, patches []Patch) {
	for i, p := range patches {
		field := fmt.Sprintf("%s[%d]", list, i)
		if what, do := badPatch(p); what != "" {
			s.add(field+".patch", what, do)
		}
		if p.Target != nil {
			validatePatchTarget(s, field+".target", *p.Target)
		}
	}
}

// badPatch says why kustomize wouldn't take a patch. It quotes nothing of it.
func badPatch(p Patch) (what, do string) {
	var parsed any
	text := strings.TrimSpace(p.Patch)
	switch err := yaml.Unmarshal([]byte(text), &parsed); {
	case text == "":
		return "is missing", "give the fields to merge with kind and metadata.name, or a list of operations with a target"
	case err != nil:
		return "is not valid YAML", "correct it; it is a text, so begin it with | and indent it"
	case strings.HasPrefix(text, "[") && !json.Valid([]byte(text)):
		return "begins like JSON and isn't", "write each operation on a line of its own that begins with -"
	}
	switch parsed := parsed.(type) {
	case map[string]any:
		metadata, _ := parsed["metadata"].(map[string]any)
		if p.Target == nil && (parsed["kind"] == nil || metadata["name"] == nil) {
			return "doesn't say which object it is for", "give it kind and metadata.name, or a target"
		}
	case []any:
		if p.Target == nil {
			return "is a list of operations, and has no target", "give target, such as {kind: Deployment, name: web}"
		}
		for i, operation := range parsed {
			fields, _ := operation.(map[string]any)
			op, _ := fields["op"].(string)
			at, isText := fields["path"].(string)
			if !slices.Contains([]string{"add", "remove", "replace", "move", "copy", "test"}, op) || !isText || at != "" && !strings.HasPrefix(at, "/") {
				return fmt.Sprintf("operation %d of it is none of JSON patch", i+1), "write it like {op: replace, path: /spec/replicas, value: 2}"
			}
		}
	default:
		return "is neither fields nor a list of operations", "give the fields to merge, or a list of operations with a target"
	}
	return "", ""
}

func validatePatchTarget(s *sink, field string, t PatchTarget) {
	if t == (PatchTarget{}) {
		s.add(field, "selects every object", "name a kind at least, such as Deployment")
	}
	for _, part := range []struct{ name, pattern string }{
		{"group", t.Group}, {"version", t.Version}, {"kind", t.Kind}, {"name", t.Name}, {"namespace", t.Namespace},
	} {
		if _, err := regexp.Compile("^(?:" + part.pattern + ")$"); err != nil {
			s.add(field+"."+part.name, fmt.Sprintf("%q is not a pattern", part.pattern), "give a name, or a regular expression for all of it")
		}
	}
	if _, err := labels.Parse(t.LabelSelector); err != nil {
		s.add(field+".labelSelector", fmt.Sprintf("%q selects no labels", t.LabelSelector), "write it like app=web,tier!=cache")
	}
}
