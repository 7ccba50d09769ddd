// Package credentials says which credentials open which repositories, for
// reading and for writing: a file that operators write. Repositories are those
// of Git, and those of charts.
//
// It reads files and nothing else; what is done with credentials, and how they
// are kept out of sight, is the business of packages git and registry. No error
// repeats what a file holds, and a file that others may read is refused.
package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/private"
	"plumb.dev/plumb/internal/registry"
)

// File says which credentials open which repositories. It is a YAML
// list; of the entries whose URL is where a repository's URL begins, scheme,
// host and whole parts of the path, the longest counts:
//
//   - url: https://git.example.com/team-a
//     username: plumb
//     passwordFile: /run/secrets/team-a   # or password, bearerToken, bearerTokenFile
//     caFile: /etc/plumb/ca.pem
//   - url: ssh://git@git.example.com
//     privateKeyFile: id_ed25519          # relative to this file's folder
//     knownHostsFile: known_hosts
//   - url: oci://registry.example.com
//     username: plumb
//     passwordFile: /run/secrets/registry
//     passCredentials: [auth.example.com]
//
// It is read again when it changes, and the files it names each time. A file
// with secrets that others may read is refused. It is safe for concurrent use.
type File struct{ entries *private.File[[]entry] }

// Load reads a file of credentials.
func Load(path string) (*File, error) {
	entries, err := private.Open(path, func(content []byte) ([]entry, error) { return parse(path, content) })
	if err != nil {
		return nil, fmt.Errorf("credentials file: %w", err)
	}
	f := &File{entries: entries}
	_, err = f.current()
	return f, err
}

// For is what opens a repository of Git for reading; nothing, if no entry is for it.
func (f *File) For(u git.URL) (git.Credentials, error) { return f.ofGit(u, false) }

// ForWriting is what may push to a repository of Git: of the entries that are
// for pushing alone, or else what it is read with.
func (f *File) ForWriting(u git.URL) (git.Credentials, error) { return f.ofGit(u, true) }

func (f *File) ofGit(u git.URL, writes bool) (git.Credentials, error) {
	s, err := f.find(place{origin: u.Origin(), user: u.User, parts: parts(u.Path)}, writes)
	return git.Credentials{
		Username: s.username, Password: s.password, BearerToken: s.bearerToken,
		CA: s.ca, PrivateKey: s.privateKey, KnownHosts: s.knownHosts,
	}, err
}

// ForCharts is what opens a repository of charts; nothing, if no entry is for it.
func (f *File) ForCharts(u registry.URL) (registry.Credentials, error) {
	s, err := f.find(place{origin: u.Origin(), parts: parts(u.Path)}, false)
	return registry.Credentials{
		Username: s.username, Password: s.password, BearerToken: s.bearerToken,
		CA: s.ca, Certificate: s.clientCertificate, Key: s.clientKey, PassTo: s.passTo,
	}, err
}

func (f *File) find(at place, writes bool) (secrets, error) {
	entries, err := f.current()
	if err != nil {
		return secrets{}, err
	}
	e, found := best(entries, at, writes)
	if !found && writes {
		e, found = best(entries, at, false)
	}
	if !found {
		return secrets{}, nil
	}
	s, err := e.load(filepath.Dir(f.entries.Path()))
	if err != nil {
		return secrets{}, fmt.Errorf("%s:%d: %w", f.entries.Path(), e.line, err)
	}
	return s, nil
}

func (f *File) current() ([]entry, error) {
	entries, err := f.entries.Current()
	if err != nil {
		return nil, fmt.Errorf("credentials file: %w", err)
	}
	return entries, nil
}

// best is the longest entry for a URL; among equals, one that names the user.
func best(entries []entry, at place, writes bool) (entry, bool) {
	var found *entry
	for i, e := range entries {
		if e.writes != writes || !e.at.holds(at) {
			continue
		}
		if found == nil || len(e.at.parts) > len(found.at.parts) || len(e.at.parts) == len(found.at.parts) && e.at.user != "" {
			found = &entries[i]
		}
	}
	if found == nil {
		return entry{}, false
	}
	return *found, true
}

// place is where a repository is, or where the URLs of several begin.
type place struct {
	origin string // scheme, host and port
	user   string
	parts  []string // of the path
}

// holds says whether a repository is at a place or below it.
func (p place) holds(r place) bool {
	return p.origin == r.origin && (p.user == "" || p.user == r.user) && len(p.parts) <= len(r.parts) && slices.Equal(p.parts, r.parts[:len(p.parts)])
}

func (p place) scheme() string {
	scheme, _, _ := strings.Cut(p.origin, "://")
	return scheme
}

// entry is one entry, as it is written.
type entry struct {
	line   int
	at     place
	writes bool // it is for pushing alone

	username, password, passwordFile, bearerToken, bearerTokenFile string
	caFile, privateKeyFile, knownHostsFile                         string
	clientCertificateFile, clientKeyFile                           string
	passTo                                                         []string
}

// plain is what someone wrote, cut and without what isn't a word.
func plain(s string) string {
	const longest = 40
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), longest)], ""))
}

// quoted is where the YAML library repeats what it read.
var quoted = regexp.MustCompile("`[^`]*`")

// parse reads a list of entries. No error repeats what it read.
func parse(path string, content []byte) ([]entry, error) {
	var doc yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %s", path, quoted.ReplaceAllString(err.Error(), "…"))
	case len(doc.Content) != 1 || doc.Content[0].Kind != yaml.SequenceNode:
		return nil, fmt.Errorf("%s:%d: it must be a list of entries, each with a url", path, max(1, doc.Line))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: there is a second document after the list", path)
	}
	var entries []entry
	for _, node := range doc.Content[0].Content {
		e, err := parseEntry(node)
		if err != nil {
			return nil, fmt.Errorf("%s:%w", path, err)
		}
		for _, other := range entries {
			if other.writes == e.writes && other.at.origin == e.at.origin && other.at.user == e.at.user && slices.Equal(other.at.parts, e.at.parts) {
				return nil, fmt.Errorf("%s:%d: there is an entry for this url on line %d already", path, e.line, other.line)
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// parseEntry reads one entry. Its errors begin with the line.
func parseEntry(node *yaml.Node) (entry, error) {
	if node.Kind != yaml.MappingNode {
		return entry{}, fmt.Errorf("%d: it must be an entry with a url", node.Line)
	}
	e := entry{line: node.Line}
	var url, writes string
	fields := map[string]*string{
		"url": &url, "writes": &writes, "username": &e.username, "password": &e.password, "passwordFile": &e.passwordFile,
		"bearerToken": &e.bearerToken, "bearerTokenFile": &e.bearerTokenFile,
		"caFile": &e.caFile, "privateKeyFile": &e.privateKeyFile, "knownHostsFile": &e.knownHostsFile,
		"clientCertificateFile": &e.clientCertificateFile, "clientKeyFile": &e.clientKeyFile,
	}
	lists := map[string]*[]string{"passCredentials": &e.passTo}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if list := lists[key.Value]; list != nil {
			if err := texts(key.Value, value, list); err != nil {
				return e, err
			}
			delete(lists, key.Value)
			continue
		}
		field, known := fields[key.Value]
		switch {
		case !known:
			return e, fmt.Errorf("%d: unknown or repeated field %s", key.Line, plain(key.Value))
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null" || value.Value == "":
			return e, fmt.Errorf("%d: %s must be a text", value.Line, key.Value)
		}
		*field = value.Value
		delete(fields, key.Value)
	}
	if err := e.setURL(url); err != nil {
		return e, fmt.Errorf("%d: %w", e.line, err)
	}
	if e.writes = writes == "true"; !e.writes && writes != "" && writes != "false" {
		return e, fmt.Errorf("%d: writes must be true or false", e.line)
	}
	if err := e.check(); err != nil {
		return e, fmt.Errorf("%d: %w", e.line, err)
	}
	return e, nil
}

// texts reads a list of texts.
func texts(field string, node *yaml.Node, into *[]string) error {
	for _, item := range node.Content {
		if node.Kind != yaml.SequenceNode || item.Kind != yaml.ScalarNode || item.Tag == "!!null" || item.Value == "" {
			return fmt.Errorf("%d: %s must be a list of texts", item.Line, field)
		}
		*into = append(*into, item.Value)
	}
	if len(*into) == 0 {
		return fmt.Errorf("%d: %s must be a list of texts", node.Line, field)
	}
	return nil
}

// setURL reads the start of a URL, which may be a host alone.
func (e *entry) setURL(s string) error {
	if s == "" {
		return errors.New("the entry has no url")
	}
	if strings.HasPrefix(s, "oci:") {
		u, err := registry.ParseURL(s)
		e.at = place{origin: u.Origin(), parts: parts(u.Path)}
		return err
	}
	u, err := git.ParseURL(s)
	if err != nil { // perhaps only for want of a path
		var whole error
		if u, whole = git.ParseURL(strings.TrimSuffix(s, "/") + "/repository"); whole != nil {
			return err
		}
		u.Path = ""
	}
	if u.Local() {
		return fmt.Errorf("%s: a local repository takes no credentials", s)
	}
	e.at = place{origin: u.Origin(), user: u.User, parts: parts(u.Path)}
	return nil
}

// parts are the names in a path, the last without .git.
func parts(path string) []string {
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// passHost is a host that credentials may be passed to, with or without a port.
var passHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

func (e *entry) check() error {
	ssh := e.at.scheme() == "ssh"
	forHTTP := e.username + e.password + e.passwordFile + e.bearerToken + e.bearerTokenFile + e.caFile + e.clientCertificateFile + e.clientKeyFile + strings.Join(e.passTo, "")
	switch {
	case ssh && forHTTP != "":
		return errors.New("an ssh url takes privateKeyFile and knownHostsFile only")
	case !ssh && e.privateKeyFile+e.knownHostsFile != "":
		return errors.New("privateKeyFile and knownHostsFile are for ssh urls")
	case e.writes && e.at.scheme() == "oci":
		return errors.New("writes is for repositories of Git: nothing is pushed to a registry")
	case e.password != "" && e.passwordFile != "":
		return errors.New("give one of password and passwordFile")
	case e.bearerToken != "" && e.bearerTokenFile != "":
		return errors.New("give one of bearerToken and bearerTokenFile")
	case e.bearerToken+e.bearerTokenFile != "" && e.username+e.password+e.passwordFile != "":
		return errors.New("give a bearer token, or a user name and password")
	case e.username+e.password+e.passwordFile != "" && e.password+e.passwordFile == "":
		return errors.New("there is a username, but no password or passwordFile")
	case (e.clientCertificateFile == "") != (e.clientKeyFile == ""):
		return errors.New("clientCertificateFile and clientKeyFile go together")
	}
	for _, host := range e.passTo {
		if !passHost.MatchString(host) {
			return errors.New("passCredentials lists hosts, such as auth.example.com, each with a port if it isn't the usual one")
		}
	}
	return nil
}

// secrets are what an entry stands for, its files read.
type secrets struct {
	username, password, bearerToken string
	ca, privateKey, knownHosts      []byte
	clientCertificate, clientKey    []byte
	passTo                          []string
}

// load reads the files that the entry names.
func (e *entry) load(folder string) (secrets, error) {
	s := secrets{username: e.username, password: e.password, bearerToken: e.bearerToken, passTo: e.passTo}
	var errs []error
	from := func(field, path string, read func(string) ([]byte, error)) []byte {
		if path == "" {
			return nil
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		b, err := read(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
		}
		return b
	}
	line := func(b []byte) string { return strings.TrimRight(string(b), "\r\n") }
	if e.passwordFile != "" {
		s.password = line(from("passwordFile", e.passwordFile, private.Read))
	}
	if e.bearerTokenFile != "" {
		s.bearerToken = line(from("bearerTokenFile", e.bearerTokenFile, private.Read))
	}
	s.ca = from("caFile", e.caFile, readPublic)
	s.privateKey = from("privateKeyFile", e.privateKeyFile, private.Read)
	s.knownHosts = from("knownHostsFile", e.knownHostsFile, readPublic)
	s.clientCertificate = from("clientCertificateFile", e.clientCertificateFile, readPublic)
	s.clientKey = from("clientKeyFile", e.clientKeyFile, private.Read)
	return s, errors.Join(errs...)
}

// readPublic reads a file that anyone may read.
func readPublic(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, private.MaxBytes+1))
	if err == nil && len(b) > private.MaxBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, private.MaxBytes)
	}
	return b, err
}
