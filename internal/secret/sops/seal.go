package sops

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/secret"
)

// Seal encrypts the values of Secrets as SOPS does, for age recipients. What
// isn't a Secret is refused, and no error tells a value.
//
// Where the keys open what was there before, values that didn't change keep
// their ciphertext, so that a diff shows what did; a file in which nothing did
// comes out as it was. Once somebody is to read it no more, everything is
// encrypted by another key.
func Seal(s secret.Sealing) ([]byte, error) {
	if len(s.Content) > MaxBytes {
		return nil, fmt.Errorf("%s has %d bytes, above the limit of %d", s.Name, len(s.Content), MaxBytes)
	}
	docs, write, err := plainDocuments(&s)
	if err != nil {
		return nil, err
	}
	if err := checkSecrets(docs); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	recipients, err := recipientsOf(s)
	if err != nil {
		return nil, err
	}
	before, err := earlierOf(s)
	if err != nil {
		return nil, err
	}
	e, err := before.goOn(recipients)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if err := e.seal(docs, recipients, s.Now); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	out, err := write(docs)
	if err != nil {
		return nil, fmt.Errorf("%s: it can't be written as SOPS would", s.Name)
	}
	return out, e.check(s.Name, out)
}

// recipientsOf are all for whom it is to be sealed.
func recipientsOf(s secret.Sealing) ([]string, error) {
	recipients := unique(s.Recipients)
	if p, encrypted := parse(s.Name, s.Before); encrypted && s.Keep {
		m, err := parseMetadata(p.metadata)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		recipients = unique(append(recipients, m.ageNames()...))
	}
	if len(recipients) == 0 {
		return nil, errors.New("there is nobody to seal it for")
	}
	_, err := secret.Recipients(recipients)
	return recipients, err
}

// Encrypted says whether a file is encrypted with SOPS.
func Encrypted(name string, content []byte) bool {
	_, encrypted := parse(name, content)
	return encrypted
}

// writer writes documents out.
type writer = func([]*yaml.Node) ([]byte, error)

// plainDocuments are the documents that are to be sealed. Encrypted ones are
// opened, and count as what was there before.
func plainDocuments(s *secret.Sealing) ([]*yaml.Node, writer, error) {
	if _, encrypted := parse(s.Name, s.Content); encrypted {
		plain, err := Unseal(s.Keys, s.Name, s.Content)
		if err != nil {
			return nil, nil, err
		}
		if s.Before == nil {
			s.Before = s.Content
		}
		s.Content = plain
	}
	if isJSON(s.Content) {
		top, err := wholeJSON(s.Content)
		if err != nil {
			return nil, nil, fmt.Errorf("%s is no JSON", s.Name)
		}
		return []*yaml.Node{top}, writeJSON, nil
	}
	docs, err := documents(s.Content)
	if err != nil {
		return nil, nil, fmt.Errorf("%s is no YAML of Secrets%s", s.Name, inLine(err))
	}
	return docs, encodeYAML, nil
}

var lineOf = regexp.MustCompile(`\bline \d+\b`)

// inLine is in which line an error is. The rest of it might tell a value.
func inLine(err error) string {
	if line := lineOf.FindString(err.Error()); line != "" {
		return ": see " + line
	}
	return ""
}

// encodeYAML writes documents as people write them.
func encodeYAML(docs []*yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	for _, doc := range docs {
		if err := e.Encode(doc); err != nil {
			return nil, err
		}
	}
	err := e.Close()
	return out.Bytes(), err
}

// checkSecrets says what is wrong with documents that are to be Secrets.
func checkSecrets(docs []*yaml.Node) error {
	if len(docs) == 0 {
		return errors.New("there is nothing in it")
	}
	for i, doc := range docs {
		kind, version := child(doc, "kind"), child(doc, "apiVersion")
		if kind == nil || kind.Value != "Secret" || version == nil || version.Value != "v1" {
			return fmt.Errorf("document %d is no Secret (apiVersion v1): only Secrets are sealed, so put others into another file", i+1)
		}
		for _, field := range []string{"data", "stringData"} {
			if err := checkValues(field, child(doc, field)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkValues says what is wrong with the values of a Secret.
func checkValues(field string, values *yaml.Node) error {
	if values == nil || values.ShortTag() == "!!null" {
		return nil
	}
	if values.Kind != yaml.MappingNode {
		return fmt.Errorf("%s is no mapping", field)
	}
	for i := 0; i+1 < len(values.Content); i += 2 {
		name, value := values.Content[i].Value, values.Content[i+1]
		switch {
		case value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null":
		case value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str":
			return fmt.Errorf("%s.%s is no text: quote it", field, name)
		case field == "data":
			if _, err := base64.StdEncoding.DecodeString(value.Value); err != nil {
				return fmt.Errorf("data.%s is no base64: put what is plain text under stringData", name)
			}
		}
	}
	return nil
}

// earlier is the file that another takes the place of, opened.
type earlier struct {
	group
	section *yaml.Node
	mac     string // encrypted
	at      string // when it was last modified
	sum     string
	key     []byte
	known   map[place]string // ciphertext by what it is of
}

// place is a value and where it stands.
type place struct {
	doc               int
	path, kind, plain string
}

// earlierOf opens what was there before; nil where nothing was, or none of the
// keys opens it.
func earlierOf(s secret.Sealing) (*earlier, error) {
	p, encrypted := parse(s.Name, s.Before)
	if !encrypted || len(s.Before) > MaxBytes {
		return nil, nil
	}
	m, err := parseMetadata(p.metadata)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if len(m.Groups) > 0 {
		return nil, fmt.Errorf("%s needs several keys at once (key groups), which only sops keeps up: edit it with sops", s.Name)
	}
	ring, err := s.Keys.Ring()
	if err != nil {
		return nil, err
	}
	key, err := dataKey(m, ring)
	if err != nil {
		return nil, nil // then everything gets a new ciphertext
	}
	w, err := newWalk(m, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	w.known = map[place]string{}
	if err := w.open(p.docs, m); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return &earlier{group: m.group, section: p.metadata, mac: m.MAC, at: m.LastModified, sum: w.total(), key: key, known: w.known}, nil
}

// keySize is that of AES-256.
const keySize = 32

// goOn is what encrypts for some recipients. It goes on with the key of before
// unless somebody who knows that is no recipient any more.
func (b *earlier) goOn(recipients []string) (*encryption, error) {
	if b != nil {
		gone := slices.ContainsFunc(b.ageNames(), func(name string) bool { return !slices.Contains(recipients, name) })
		if !gone {
			return newEncryption(b.key, b)
		}
		if others := b.others(); len(others) > 0 {
			return nil, fmt.Errorf("someone is to read it no more, and so everything is to be encrypted anew, also for %s: do that with sops", listed(others))
		}
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // which never fails
	return newEncryption(key, nil)
}

// seal encrypts documents in place, and puts SOPS' section into each.
func (e *encryption) seal(docs []*yaml.Node, recipients []string, now time.Time) error {
	if err := e.documents(docs); err != nil {
		return err
	}
	section := written{LastModified: now.UTC().Format(time.RFC3339), EncryptedRegex: SecretFields, Version: sealedVersion}
	var err error
	if section.MAC, err = e.value(e.total(), kindText, section.LastModified); err != nil {
		return err
	}
	var before group
	var node *yaml.Node
	if b := e.before; b != nil {
		before, node = b.group, b.section
		if b.sum == e.total() && maps.Equal(setOf(b.ageNames()), setOf(recipients)) {
			section.MAC, section.LastModified = b.mac, b.at
			recipients = b.ageNames()
		}
	}
	if section.Age, err = ageKeys(recipients, e.key, before); err != nil {
		return err
	}
	for _, doc := range docs {
		written, err := section.node(node)
		if err != nil {
			return err
		}
		doc.Content = append(doc.Content, text(sectionName), written)
	}
	return nil
}

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// check opens what was sealed, as whoever gets it will.
func (e *encryption) check(name string, out []byte) error {
	broken := fmt.Errorf("%s can't be sealed: it doesn't come out again as it went in; please report it, with another value", name)
	p, encrypted := parse(name, out)
	if !encrypted {
		return broken
	}
	m, err := parseMetadata(p.metadata)
	if err != nil {
		return broken
	}
	if _, err := decrypt(p.docs, m, e.key); err != nil {
		return broken
	}
	return nil
}
