package credentials

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/registry"
)

const secret = "hunter2-5ecr3t"

// folder has a credentials file, and files that it may name.
func folder(t *testing.T, credentials string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"credentials.yaml": credentials, "password": secret + "\n", "token": "token\r\n", "ca.pem": "CA", "id": "KEY", "known_hosts": "HOSTS",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := folder(t, `
- url: https://git.example.com
  username: all
  password: p
- url: https://git.example.com/team-a/
  username: team
  passwordFile: password
  caFile: ca.pem
- url: https://git.example.com/team-a/one.git
  bearerTokenFile: token
- url: https://git.example.com:8443
  bearerToken: other-port
- url: http://git.example.com
  bearerToken: plain
- url: ssh://git.example.com
  knownHostsFile: known_hosts
- url: git@git.example.com:team-a
  privateKeyFile: id
  knownHostsFile: known_hosts
`)
	f, err := Load(filepath.Join(dir, "credentials.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	team := git.Credentials{Username: "team", Password: secret, CA: []byte("CA")}
	all := git.Credentials{Username: "all", Password: "p"}
	tests := map[string]git.Credentials{
		"https://git.example.com/x.git":           all,
		"https://GIT.example.com:443/x":           all,
		"https://git.example.com/team-ab/x":       all,
		"https://git.example.com/Team-A/x":        all,
		"https://git.example.com/x/team-a/one":    all,
		"https://git.example.com/team-a/x.git":    team,
		"https://git.example.com/team-a":          team,
		"https://git.example.com/team-a/one-more": team,
		"https://git.example.com/team-a/one":      {BearerToken: "token"},
		"https://git.example.com/team-a/one.git":  {BearerToken: "token"},
		"https://git.example.com:8443/x":          {BearerToken: "other-port"},
		"http://git.example.com/x":                {BearerToken: "plain"},
		"https://git.example.com.evil.com/x":      {},
		"https://example.com/x":                   {},
		"git@git.example.com:team-a/x.git":        {PrivateKey: []byte("KEY"), KnownHosts: []byte("HOSTS")},
		"ssh://git@git.example.com/team-a/x":      {PrivateKey: []byte("KEY"), KnownHosts: []byte("HOSTS")},
		"ssh://eve@git.example.com/team-a/x":      {KnownHosts: []byte("HOSTS")},
		"git@git.example.com:team-b/x.git":        {KnownHosts: []byte("HOSTS")},
		"/srv/git/x":                              {},
	}
	for s, want := range tests {
		t.Run(s, func(t *testing.T) {
			t.Parallel()
			u, err := git.ParseURL(s)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.For(u)
			if err != nil {
				t.Fatal(err)
			}
			if !equal(got, want) {
				t.Errorf("got those of %q (CA %q, key %q), want those of %q", got.Username+got.BearerToken, got.CA, got.PrivateKey, want.Username+want.BearerToken)
			}
		})
	}
}

func equal(c, o git.Credentials) bool {
	type plain git.Credentials // without the methods that hide
	return cmp.Equal(plain(c), plain(o))
}

// TestCharts: repositories of charts have entries of the same kind, and each
// goes to where it is for.
func TestCharts(t *testing.T) {
	t.Parallel()
	dir := folder(t, `
- url: https://charts.example.com
  username: all
  password: p
- url: https://charts.example.com/team/
  bearerTokenFile: token
  caFile: ca.pem
  clientCertificateFile: ca.pem
  clientKeyFile: id
  passCredentials: [cdn.example.com, "other.example.com:8443"]
- url: oci://registry.example.com
  username: registry
  passwordFile: password
- url: oci://registry.example.com:5000/team
  bearerToken: port
- url: https://charts.example.com/team
  writes: true
  bearerToken: writes
`)
	f, err := Load(filepath.Join(dir, "credentials.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	team := registry.Credentials{BearerToken: "token", CA: []byte("CA"), Certificate: []byte("CA"), Key: []byte("KEY"), PassTo: []string{"cdn.example.com", "other.example.com:8443"}}
	for s, want := range map[string]registry.Credentials{
		"https://charts.example.com":             {Username: "all", Password: "p"},
		"https://charts.example.com/teams":       {Username: "all", Password: "p"},
		"https://charts.example.com/team":        team,
		"https://Charts.example.com:443/team/x/": team,
		"https://charts.example.com:8443/team":   {},
		"oci://charts.example.com/team":          {},
		"oci://registry.example.com":             {Username: "registry", Password: secret},
		"oci://registry.example.com/a/b":         {Username: "registry", Password: secret},
		"oci://registry.example.com:5000/team":   {BearerToken: "port"},
		"oci://registry.example.com:5000/other":  {},
		"https://registry.example.com/a":         {},
	} {
		u, err := registry.ParseURL(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.ForCharts(u)
		type plain registry.Credentials // without the methods that hide
		if diff := cmp.Diff(plain(want), plain(got)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", s, err, diff)
		}
	}
}

// TestWhoMayPush: an entry for pushing alone reads nothing, and where there is
// none, what reads is tried.
func TestWhoMayPush(t *testing.T) {
	t.Parallel()
	dir := folder(t, `
- url: https://h
  bearerToken: reads
- url: https://h/team
  bearerToken: reads-team
- url: https://h/team
  bearerToken: writes-team
  writes: true
- url: https://h/team/one
  bearerToken: reads-one
  writes: false
`)
	f, err := Load(filepath.Join(dir, "credentials.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string][2]string{
		"https://h/x": {"reads", "reads"}, "https://h/team/x": {"reads-team", "writes-team"}, "https://h/team/one": {"reads-one", "writes-team"}, "https://other/x": {},
	} {
		u, err := git.ParseURL(s)
		if err != nil {
			t.Fatal(err)
		}
		reads, err := f.For(u)
		writes, err2 := f.ForWriting(u)
		if got := [2]string{reads.BearerToken, writes.BearerToken}; got != want || err != nil || err2 != nil {
			t.Errorf("%s: got %q, %v, %v, want %q", s, got, err, err2, want)
		}
	}
}

func TestFileErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ content, says string }{
		"no list":                  {"url: x", "must be a list"},
		"a text":                   {secret, ":1: it must be a list"},
		"no YAML":                  {"- url: [\n", "line"},
		"unknown field":            {"- url: https://h\n  pasword: " + secret, "credentials.yaml:2: unknown or repeated field pasword"},
		"repeated field":           {"- url: https://h\n  password: a\n  password: " + secret, "credentials.yaml:3: unknown or repeated field password"},
		"a list for a text":        {"- url: https://h\n  password: [" + secret + "]", "credentials.yaml:2: password must be a text"},
		"nothing for a text":       {"- url: https://h\n  password:\n", "credentials.yaml:2: password must be a text"},
		"a text for an entry":      {"- " + secret, "credentials.yaml:1: it must be an entry"},
		"no url":                   {"\n- username: a\n  password: " + secret, "credentials.yaml:2: the entry has no url"},
		"password in the url":      {"- url: https://a:" + secret + "@h/x", "credentials.yaml:1: not a repository URL"},
		"a local url":              {"- url: /srv\n  password: " + secret, "takes no credentials"},
		"ssh and password":         {"- url: ssh://h\n  password: " + secret, "an ssh url takes privateKeyFile"},
		"https and key":            {"- url: https://h\n  privateKeyFile: x", "are for ssh urls"},
		"two passwords":            {"- url: https://h\n  username: u\n  password: " + secret + "\n  passwordFile: x", "give one of password"},
		"two tokens":               {"- url: https://h\n  bearerToken: " + secret + "\n  bearerTokenFile: x", "give one of bearerToken"},
		"token and password":       {"- url: https://h\n  bearerToken: " + secret + "\n  password: x", "give a bearer token, or"},
		"no password":              {"- url: https://h\n  username: u", "no password"},
		"writes what":              {"- url: https://h\n  writes: " + secret, "credentials.yaml:1: writes must be true or false"},
		"one writer twice":         {"- url: https://h\n  writes: true\n- url: https://h\n  writes: true\n", "credentials.yaml:3: there is an entry"},
		"one url twice":            {"- url: https://h/a\n- url: https://H:443/a.git\n", "credentials.yaml:2: there is an entry for this url on line 1"},
		"two documents":            {"- url: https://h\n---\n- url: https://i\n", "second document"},
		"a password in an oci url": {"- url: oci://a:" + secret + "@h/x", "credentials.yaml:1: not a URL"},
		"oci and key":              {"- url: oci://h\n  privateKeyFile: x", "are for ssh urls"},
		"oci and writes":           {"- url: oci://h\n  writes: true", "nothing is pushed to a registry"},
		"one oci url twice":        {"- url: oci://h/a\n- url: oci://H:443/a/\n", "credentials.yaml:2: there is an entry for this url on line 1"},
		"half a certificate":       {"- url: oci://h\n  clientKeyFile: x", "go together"},
		"passed to a text":         {"- url: oci://h\n  passCredentials: " + secret, "credentials.yaml:2: passCredentials must be a list"},
		"passed to nobody":         {"- url: oci://h\n  passCredentials: []", "credentials.yaml:2: passCredentials must be a list"},
		"passed to a URL":          {"- url: oci://h\n  passCredentials: ['https://" + secret + "']", "passCredentials lists hosts"},
		"passed to all":            {"- url: oci://h\n  passCredentials: ['*']", "passCredentials lists hosts"},
		"ssh and passing":          {"- url: ssh://h\n  passCredentials: [a]", "an ssh url takes privateKeyFile"},
		"an anchor":                {"- url: https://h\n  password: &a " + secret + "\n  bearerToken: *a", "credentials.yaml:3: bearerToken must be a text"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(filepath.Join(folder(t, test.content), "credentials.yaml"))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want an error that says %q", err, test.says)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error holds a secret: %v", err)
			}
		})
	}
	for _, content := range []string{"", "# nothing\n", "[]"} {
		if _, err := Load(filepath.Join(folder(t, content), "credentials.yaml")); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestFileIsForNoOneElse(t *testing.T) {
	t.Parallel()
	dir := folder(t, "- url: https://h\n  username: u\n  passwordFile: password\n")
	file := filepath.Join(dir, "credentials.yaml")
	u, err := git.ParseURL("https://h/x")
	if err != nil {
		t.Fatal(err)
	}
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o644: false, 0o604: false, 0o660: false, 0o606: false} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); (err == nil) != fine || err != nil && !strings.Contains(err.Error(), "chmod 600 "+file) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "password"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.For(u); err == nil || !strings.Contains(err.Error(), "credentials.yaml:1: passwordFile: ") || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a password file that others can read: %v", err)
	}
}

// TestFileIsReadAgain: a new password counts without a restart, and
// a broken file is told of until it is mended.
func TestFileIsReadAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(folder(t, "- url: https://h\n  bearerToken: one\n"), "credentials.yaml")
	f, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	u, err := git.ParseURL("https://h/x")
	if err != nil {
		t.Fatal(err)
	}
	write := func(content string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("- url: https://h\n  bearerToken: two\n", time.Hour)
	if c, err := f.For(u); err != nil || c.BearerToken != "two" {
		t.Errorf("got %q, %v, want two", c.BearerToken, err)
	}
	write("- url: https://h\n  bearerToken\n", 2*time.Hour)
	if _, err := f.For(u); err == nil {
		t.Error("a broken file went by unnoticed")
	}
	write("- url: https://h\n  bearerToken: three\n", 3*time.Hour)
	if c, err := f.For(u); err != nil || c.BearerToken != "three" {
		t.Errorf("got %q, %v, want three", c.BearerToken, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := f.For(u); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file that is gone: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("- url: https://h\n  username: a\n  password: b\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parse("file", content)
		if err != nil {
			return
		}
		for _, e := range entries {
			if _, host, _ := strings.Cut(e.at.origin, "://"); host == "" {
				t.Errorf("an entry for no host: %q", e.at.origin)
			}
		}
	})
}
