package health

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
)

// The built-in rules, a file for each API group: GROUP.yaml. The core group is
// core.yaml; any.SUFFIX.yaml is for all groups that end in .SUFFIX and have no
// file, and any.yaml for custom kinds that no other file knows.
//
//go:embed rules/*.yaml
var ruleFiles embed.FS

const anyGroup = "any"

// ruleFile is what a file of rules holds.
type ruleFile struct {
	// Of is what people call it.
	Of    string        `json:"of"`
	Rules []builtinRule `json:"rules"`
}

// builtinRule is one for some kinds of a group.
type builtinRule struct {
	// Kinds are names, or patterns such as *Template. The first rule that names
	// a kind is its rule.
	Kinds []string `json:"kinds"`
	// In words, for people.
	Words       string `json:"words"`
	Suspended   string `json:"suspended"`
	Degraded    string `json:"degraded"`
	Progressing string `json:"progressing"`
	Healthy     string `json:"healthy"`
	Message     string `json:"message"`
	// Otherwise is kstatus where that judges what no expression knows.
	Otherwise string `json:"otherwise"`
}

func (b builtinRule) rule() v1alpha1.HealthRule {
	return v1alpha1.HealthRule{Suspended: b.Suspended, Degraded: b.Degraded, Progressing: b.Progressing, Healthy: b.Healthy, Message: b.Message}
}

func (b builtinRule) isFor(kind string) bool {
	for _, pattern := range b.Kinds {
		if ok, err := path.Match(pattern, kind); ok && err == nil {
			return true
		}
	}
	return false
}

// ruleFor makes the built-in rule for a kind, or nil where there is none.
func (j *Judge) ruleFor(gk schema.GroupKind) *rule {
	file, err := rulesOf(gk.Group)
	if err != nil {
		return nil // a test reads all files
	}
	for _, b := range file.Rules {
		if b.isFor(gk.Kind) {
			r := newRule(j.language, b.rule())
			r.habit = b.Otherwise == "kstatus"
			r.unknown = "its status says nothing that Plumb knows of this kind"
			if gk.Group == anyGroup {
				r.unknown = "nothing in its status says whether it works; a rule in spec.health.rules can tell"
			}
			return r
		}
	}
	return nil
}

// rulesOf reads the rules of a group: its own file, or that of the longest suffix.
func rulesOf(group string) (ruleFile, error) {
	if group == "" {
		group = "core"
	}
	text, err := fs.ReadFile(ruleFiles, "rules/"+group+".yaml")
	for suffix := group; err != nil; {
		var more bool
		if _, suffix, more = strings.Cut(suffix, "."); !more {
			return ruleFile{}, err
		}
		text, err = fs.ReadFile(ruleFiles, "rules/any."+suffix+".yaml")
	}
	var file ruleFile
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return ruleFile{}, fmt.Errorf("the rules of %s: %w", group, err)
	}
	return file, nil
}

// isKubernetes says whether a group is one of Kubernetes itself, whose kinds
// have a status only where there is something to tell.
func isKubernetes(group string) bool { return kubernetesGroups[group] }

var kubernetesGroups = map[string]bool{
	"": true, "apps": true, "autoscaling": true, "batch": true, "extensions": true, "policy": true,
	"admissionregistration.k8s.io": true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true, "authentication.k8s.io": true,
	"authorization.k8s.io": true, "certificates.k8s.io": true, "coordination.k8s.io": true, "discovery.k8s.io": true, "events.k8s.io": true,
	"flowcontrol.apiserver.k8s.io": true, "internal.apiserver.k8s.io": true, "networking.k8s.io": true, "node.k8s.io": true,
	"rbac.authorization.k8s.io": true, "resource.k8s.io": true, "scheduling.k8s.io": true, "storage.k8s.io": true, "storagemigration.k8s.io": true,
}
