package vet

import (
	"bytes"
	"path"
	"regexp"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// lenient opens encrypted files and, where no key for one is there, hands it on
// as it is but for what encryption added, so that the rest is checked.
type lenient struct {
	from   render.Opener
	keys   bool // there are keys, so what they can't open is a mistake
	told   func(file, message string, l Level)
	failed bool
	seen   map[string]bool
}

// Open implements render.Opener.
func (l *lenient) Open(files tree.Reader, file string, content []byte) ([]byte, []string, error) {
	plain, secrets, err := l.from.Open(files, file, content)
	if err == nil {
		return plain, secrets, nil
	}
	var noKey bool
	if again, is := err.(interface{ Retry() bool }); is {
		noKey = again.Retry()
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	if !l.seen[file] {
		l.seen[file] = true
		if noKey && !l.keys {
			l.told(file, "is encrypted, and what it holds is not checked: name a key with --age-key-file or --pgp-key-file", Warning)
		} else {
			l.told(file, err.Error(), Error)
		}
	}
	if !noKey {
		l.failed = true
		return nil, nil, err
	}
	return stripped(file, content), []string{}, nil
}

// sealed is a value as SOPS encrypts it, and unopened stands in its place.
var sealed = regexp.MustCompile(`ENC\[AES256_GCM,data:[^\]]*\]`)

const unopened = "not-opened-here"

// stripped is an encrypted file without what was added to it, and with a word in
// the place of each value.
func stripped(file string, content []byte) []byte {
	content = sealed.ReplaceAll(content, []byte(unopened))
	switch path.Ext(file) {
	case ".yaml", ".yml", ".json":
	default:
		return content
	}
	var out [][]byte
	for part := range bytes.SplitSeq(content, []byte("\n---\n")) {
		var v map[string]any
		if err := yaml.Unmarshal(part, &v); err != nil || v == nil {
			out = append(out, part)
			continue
		}
		delete(v, "sops")
		b, err := yaml.Marshal(v)
		if err != nil {
			return content
		}
		out = append(out, b)
	}
	return bytes.Join(out, []byte("\n---\n"))
}
