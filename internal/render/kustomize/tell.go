package kustomize

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/render"
)

// The library's errors quote what they are about: whole objects, patches and
// generators, Secrets among them. What is told of them is the sentence before.
var (
	quoted   = regexp.MustCompile("(?s) with config: `.*?`|( from)? \\[patch: .*")
	noise    = regexp.MustCompile(`: must build at directory: '[^']*': file is not directory`)
	logStamp = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)
)

// maxTold bounds a message of the library.
const maxTold = 600

// tell is a message of the library as people may see it: its first line, with
// paths as they are in the repository (it believes the tree to be a disk), and
// without anything that is secret.
func (b *build) tell(message string) string {
	message = noise.ReplaceAllString(quoted.ReplaceAllString(logStamp.ReplaceAllString(message, ""), ""), "")
	message, _, _ = strings.Cut(message, "\n")
	message, _, _ = strings.Cut(message, `\n`) // it quotes some errors once more
	message = b.withPaths(message)
	for _, secret := range b.secrets() {
		message = strings.ReplaceAll(message, secret, "***")
	}
	if len(message) > maxTold {
		message = strings.ToValidUTF8(message[:maxTold], "") + "…"
	}
	return strings.TrimSpace(message)
}

// withPaths is a message with paths as they are in the repository.
func (b *build) withPaths(message string) string {
	return strings.NewReplacer(
		".."+treeFolder+"/", "", treeFolder+"/", "", ".."+treeFolder, shown(""), treeFolder, shown(""), overlayFolder, b.declared,
	).Replace(b.withBases(message))
}

// withBases is a message with remote bases as people know them, and not as they
// are mounted.
func (b *build) withBases(message string) string {
	for mount, base := range b.remotes.bases {
		message = strings.ReplaceAll(strings.ReplaceAll(message, mount+"/", base.git.URL+"//"), mount, base.git.URL)
	}
	return message
}

// named is an error with remote bases as people know them.
func (b *build) named(err error) error {
	if len(b.remotes.bases) == 0 || errors.As(err, new(render.Missing)) {
		return err
	}
	return told{err, b.withBases(err.Error())}
}

// told is an error with another text.
type told struct {
	error
	text string
}

func (t told) Error() string { return t.text }
func (t told) Unwrap() error { return t.error }

// explain is an error of the library as people may see it. The library says
// little about a resource that can't be read, so those are looked at again.
func (b *build) explain(err error) error {
	for _, at := range b.sources.files() {
		for d, err := range manifest.Read(at, b.sources.content[at]) {
			if err == nil {
				err = d.Check()
			}
			if err != nil {
				return err
			}
		}
	}
	subject := shown(b.top)
	if b.over[chartFile] != nil {
		subject = b.declared
	}
	return fmt.Errorf("%s: kustomize: %s", subject, b.tell(err.Error()))
}

// minSecret is the shortest value that is taken out of messages: a shorter one
// is no secret, and would leave no message.
const minSecret = 3

// secrets are the values that may be secret in all that the library was given,
// in each form that it may quote them in, the longest first.
func (b *build) secrets() []string {
	var s secrets
	for at, content := range b.read {
		s.yaml(at, content)
	}
	for _, at := range b.sources.secret {
		s.text(string(b.read[at]))
	}
	slices.SortFunc(s.found, func(x, y string) int { return len(y) - len(x) })
	return slices.Compact(s.found)
}

// secrets collects values.
type secrets struct {
	found []string
	depth int // of texts in texts
}

// maxTexts is how deep YAML in YAML is looked at: a patch in a kustomization is
// one deep, a patch in a transformer in a kustomization two.
const maxTexts = 3

// yaml looks for values in a text that may be YAML.
func (s *secrets) yaml(at string, content []byte) {
	if s.depth == maxTexts {
		return
	}
	s.depth++
	defer func() { s.depth-- }()
	for d, err := range manifest.Read(at, content) {
		if err == nil {
			s.value(d.Value, d.Kind() == "Secret")
			continue
		}
		var list []any // such as the operations of a JSON patch
		if yaml.Unmarshal(content, &list) == nil {
			s.value(list, false)
		}
	}
}

// value looks for values that may be secret in parsed YAML: all of a Secret's
// data, what a generator is given, what a patch sets, and texts that are YAML.
func (s *secrets) value(v any, all bool) {
	switch v := v.(type) {
	case string:
		if all {
			s.text(v)
		}
		if strings.ContainsAny(v, "\n{[") {
			s.yaml("", []byte(v))
		}
	case []any:
		for _, item := range v {
			s.value(item, all)
		}
	case map[string]any:
		for k, item := range v {
			s.value(item, all && k != "apiVersion" && k != "kind" && k != "metadata" || k == "literals" || k == "value")
		}
	default:
		if all && v != nil {
			s.text(fmt.Sprint(v))
		}
	}
}

// text takes a text for secret: as a whole, its lines, and what KEY=VALUE holds.
func (s *secrets) text(text string) {
	for _, part := range append(strings.Split(text, "\n"), text) {
		_, value, _ := strings.Cut(part, "=")
		for _, form := range []string{part, value, strings.TrimSpace(part)} {
			if len(form) >= minSecret {
				s.found = append(s.found, form, base64.StdEncoding.EncodeToString([]byte(form)), fmt.Sprintf("%v", []byte(form)))
			}
		}
	}
}
