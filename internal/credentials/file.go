// Package credentials says which credentials open which repositories, for
// reading and for writing: a file that operators write.
//
// It reads files and nothing else; what is done with credentials, and how they
// are kept out of sight, is the business of package git. No error repeats what
// a file holds, and a file that others may read is refused.
package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/git"
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
//
// It is read again when it changes, and the files it names each time. A file
// with secrets that others may read is refused. It is safe for concurrent use.
type File struct {
	path string

	mu      sync.Mutex
	read    fs.FileInfo
	entries []entry
}

// Load reads a file of credentials.
func Load(path string) (*File, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("credentials file %s: %w", path, err)
	}
	f := &File{path: absolute}
	_, err = f.current()
	return f, err
}

// For is what opens a repository for reading; nothing, if no entry is for it.
func (f *File) For(u git.URL) (git.Credentials, error) { return f.find(u, false) }

// ForWriting is what may push to a repository: of the entries that are for
// pushing alone, or else what it is read with.
func (f *File) ForWriting(u git.URL) (git.Credentials, error) { return f.find(u, true) }

func (f *File) find(u git.URL, writes bool) (git.Credentials, error) {
	entries, err := f.current()
	if err != nil {
		return git.Credentials{}, err
	}
	e, found := best(entries, u, writes)
	if !found && writes {
		e, found = best(entries, u, false)
	}
	if !found {
		return git.Credentials{}, nil
	}
	c, err := e.load(filepath.Dir(f.path))
	if err != nil {
		return git.Credentials{}, fmt.Errorf("%s:%d: %w", f.path, e.line, err)
	}
	return c, nil
}

// best is the longest entry for a URL; among equals, one that names the user.
func best(entries []entry, u git.URL, writes bool) (entry, bool) {
	var found *entry
	for i, e := range entries {
		if e.writes != writes || !e.opens(u) {
			continue
		}
		if found == nil || len(e.parts) > len(found.parts) || len(e.parts) == len(found.parts) && e.url.User != "" {
			found = &entries[i]
		}
	}
	if found == nil {
		return entry{}, false
	}
	return *found, true
}

// current are the entries, read again if the file has changed.
func (f *File) current() ([]entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, fmt.Errorf("credentials file: %w", err)
	}
	if f.read != nil && os.SameFile(info, f.read) && info.ModTime().Equal(f.read.ModTime()) && info.Size() == f.read.Size() &&
		info.Mode() == f.read.Mode() {
		return f.entries, nil
	}
	content, err := readSecret(f.path)
	if err != nil {
		return nil, fmt.Errorf("credentials file: %w", err)
	}
	entries, err := parse(f.path, content)
	if err != nil {
		return nil, err
	}
	f.read, f.entries = info, entries
	return entries, nil
}

// maxSecret bounds a file of credentials, or one that it names.
const maxSecret = 1 << 20

// readSecret reads a file that only its owner, and at most its group, may read.
func readSecret(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return nil, fmt.Errorf("%s has mode %04o, so others can read or change it: chmod 600 %s", path, mode, path)
	}
	return readBounded(path, file)
}

func readBounded(path string, file io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err == nil && len(b) > maxSecret {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxSecret)
	}
	return b, err
}

// entry is one entry, as it is written.
type entry struct {
	line   int
	url    git.URL
	parts  []string // of the path
	writes bool     // it is for pushing alone

	username, password, passwordFile, bearerToken, bearerTokenFile string
	caFile, privateKeyFile, knownHostsFile                         string
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
			if other.writes == e.writes && other.url.Origin() == e.url.Origin() && other.url.User == e.url.User && slices.Equal(other.parts, e.parts) {
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
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
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

// setURL reads the start of a URL, which may be a host alone.
func (e *entry) setURL(s string) error {
	if s == "" {
		return errors.New("the entry has no url")
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
	e.url, e.parts = u, parts(u.Path)
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

func (e *entry) check() error {
	ssh := e.url.Scheme == "ssh"
	forHTTP := e.username + e.password + e.passwordFile + e.bearerToken + e.bearerTokenFile + e.caFile
	switch {
	case ssh && forHTTP != "":
		return errors.New("an ssh url takes privateKeyFile and knownHostsFile only")
	case !ssh && e.privateKeyFile+e.knownHostsFile != "":
		return errors.New("privateKeyFile and knownHostsFile are for ssh urls")
	case e.password != "" && e.passwordFile != "":
		return errors.New("give one of password and passwordFile")
	case e.bearerToken != "" && e.bearerTokenFile != "":
		return errors.New("give one of bearerToken and bearerTokenFile")
	case e.bearerToken+e.bearerTokenFile != "" && e.username+e.password+e.passwordFile != "":
		return errors.New("give a bearer token, or a user name and password")
	case e.username+e.password+e.passwordFile != "" && e.password+e.passwordFile == "":
		return errors.New("there is a username, but no password or passwordFile")
	}
	return nil
}

// opens says whether the entry is for a URL.
func (e *entry) opens(u git.URL) bool {
	of := parts(u.Path)
	return e.url.Origin() == u.Origin() && (e.url.User == "" || e.url.User == u.User) &&
		len(e.parts) <= len(of) && slices.Equal(e.parts, of[:len(e.parts)])
}

// load reads the files that the entry names.
func (e *entry) load(folder string) (git.Credentials, error) {
	c := git.Credentials{Username: e.username, Password: e.password, BearerToken: e.bearerToken}
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
		c.Password = line(from("passwordFile", e.passwordFile, readSecret))
	}
	if e.bearerTokenFile != "" {
		c.BearerToken = line(from("bearerTokenFile", e.bearerTokenFile, readSecret))
	}
	c.CA = from("caFile", e.caFile, readPublic)
	c.PrivateKey = from("privateKeyFile", e.privateKeyFile, readSecret)
	c.KnownHosts = from("knownHostsFile", e.knownHostsFile, readPublic)
	return c, errors.Join(errs...)
}

func readPublic(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readBounded(path, file)
}
