package git

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/tree"
)

// TestKindOf has what programs say that no test can make them say.
func TestKindOf(t *testing.T) {
	t.Parallel()
	u, err := ParseURL("https://git.example.com/certificates/timeout.git")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]error{
		"fatal: unable to access '" + u.String() + "/': Could not resolve host: git.example.com":                                ErrUnreachable,
		"fatal: unable to access '" + u.String() + "/': Failed to connect to x port 443: Connection timed out":                  ErrTimeout,
		"fatal: unable to access '" + u.String() + "/': OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection":                   ErrTLS,
		"fatal: unable to access '" + u.String() + "/': SSL certificate problem: self-signed certificate":                       ErrTLS,
		"fatal: repository '" + u.String() + "/' not found":                                                                     ErrGone,
		"remote: Repository not found.\nfatal: Authentication failed for '" + u.String() + "/'":                                 ErrWrongCredentials,
		"ERROR: Repository not found.\nfatal: Could not read from remote repository.":                                           ErrGone,
		"ssh: Could not resolve hostname git.example.com: Name or service not known":                                            ErrUnreachable,
		"ssh: connect to host git.example.com port 22: Connection refused":                                                      ErrUnreachable,
		"ssh: connect to host git.example.com port 22: Connection timed out":                                                    ErrTimeout,
		"Timeout, server git.example.com not responding.":                                                                       ErrTimeout,
		"error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF":                                   ErrUnreachable,
		"error: unable to write file: No space left on device\nfatal: write error":                                              ErrDiskFull,
		"fatal: sha1 file 'x' write error: Disk quota exceeded":                                                                 ErrDiskFull,
		"fatal: couldn't find remote ref refs/heads/fix-certificate-timeout":                                                    errMissingRef,
		"error: Server does not allow request for unadvertised object 1234":                                                     errUnadvertised,
		"fatal: remote error: upload-pack: not our ref 1234":                                                                    errNotOurRef,
		"fatal: loose object 1111 (stored in objects/11/11) is corrupt":                                                         errCorrupt,
		"fatal: bad object refs/plumb/heads/main":                                                                               errCorrupt,
		"error: file /x/objects/pack/pack-1.pack is far too short to be a packfile\nfatal: packfile /x.pack cannot be accessed": errCorrupt,
		"remote: fatal: bad object refs/heads/main\nremote: aborting\nfatal: protocol error: bad pack header":                   ErrServer,
		"fatal: something that nobody has seen before":                                                                          ErrFailed,
		"": ErrFailed,
	}
	for stderr, want := range tests {
		t.Run(stderr, func(t *testing.T) {
			t.Parallel()
			err := &failure{args: []string{"fetch"}, stderr: stderr, err: errors.New("exit status 128")}
			if got := kindOf(u, err); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	folder := []tree.Entry{{Name: "name", ID: strings.Repeat("1", 40)}}
	size := weight(folder)
	c := newCache(3 * size)
	for _, id := range []string{"a", "b", "c"} {
		c.put(id, folder)
	}
	c.get("a") // so that b is the one that was used least
	c.put("d", folder)
	c.put("large", make([]tree.Entry, 1000))
	var kept string
	for _, id := range []string{"a", "b", "c", "d", "large"} {
		if _, ok := c.get(id); ok {
			kept += id
		}
	}
	if kept != "acd" || c.size != 3*size {
		t.Errorf("kept %s in %d bytes, want acd in %d", kept, c.size, 3*size)
	}
}

func TestBoundedKeepsBothEnds(t *testing.T) {
	t.Parallel()
	b := &bounded{max: 20}
	for range 1000 {
		_, _ = b.Write([]byte("middle "))
	}
	_, _ = b.Write([]byte("the end"))
	if s := b.String(); len(s) > 30 || !strings.HasPrefix(s, "middle") || !strings.HasSuffix(s, "the end") {
		t.Errorf("got %q", s)
	}
}

func TestParseListing(t *testing.T) {
	t.Parallel()
	got := parseListing([]byte("ref: refs/heads/main\tHEAD\n1\tHEAD\n1\trefs/heads/main\n2\trefs/pull/1/head\n3\trefs/tags/v1\n4\trefs/tags/v1^{}\n"))
	want := listing{head: "main", hasHead: true, refs: map[string]bool{"refs/heads/main": true, "refs/tags/v1": true}, total: 6}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(listing{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzParseListing: whatever a server says it has, what is missing can be told.
func FuzzParseListing(f *testing.F) {
	f.Add([]byte("ref: refs/heads/main\tHEAD\n1\tHEAD\n1\trefs/heads/main\n"), "mian")
	f.Fuzz(func(t *testing.T, out []byte, branch string) {
		l := parseListing(out)
		for _, r := range []Ref{{}, {Branch: branch}, {Tag: branch}} {
			if !l.has(r) && l.missing(URL{text: "u"}, r).Error() == "" {
				t.Errorf("%v: nothing is said", r)
			}
		}
	})
}

// FuzzSpoken: whatever a server says, it is shown as words on one line.
func FuzzSpoken(f *testing.F) {
	f.Add("remote: \x1b[31mno\nremote: error: protected\u202e branch\nTo https://h/x\nERROR: read only\n")
	f.Fuzz(func(t *testing.T, stderr string) {
		s := spoken(stderr)
		if len(s) > 800 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("got %q", s)
		}
	})
}

func TestSpoken(t *testing.T) {
	t.Parallel()
	for stderr, want := range map[string]string{
		"": "", "fatal: unable to access 'https://h/': 403\n": "", "remote:\nremote: ====\n": "",
		"remote: error: GH006: Protected branch update failed for refs/heads/main.\nremote: \nremote: - Changes must be made through a pull request.        \nTo https://h/x\n": "GH006: Protected branch update failed for refs/heads/main.; - Changes must be made through a pull request.",
		"ERROR: The key you are authenticating with has been marked as read only.\nfatal: Could not read from remote repository.\n":                                             "The key you are authenticating with has been marked as read only.",
		"remote: \x1b[1;31mGitLab:\x1b[0m You are not allowed\tto push\u202e\r\n":                                                                                               "GitLab: You are not allowed to push",
	} {
		if got := spoken(stderr); got != want {
			t.Errorf("%q: got %q, want %q", stderr, got, want)
		}
	}
}

// TestRefusal has what servers say to whoever pushes that no test can make them say.
func TestRefusal(t *testing.T) {
	t.Parallel()
	u, err := ParseURL("https://git.example.com/x.git")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(reason string) string {
		return "To https://git.example.com/x.git\n!\t1:refs/heads/main\t" + reason + "\nDone\n"
	}
	tests := map[string]struct {
		report, stderr string
		want           error
	}{
		"someone was first":         {refused("[rejected] (fetch first)"), "", ErrRaced},
		"history was made anew":     {refused("[rejected] (non-fast-forward)"), "", ErrRaced},
		"someone was first there":   {refused("[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)"), "", ErrRaced},
		"as another server says":    {refused("[remote rejected] (incorrect old value provided)"), "", ErrRaced},
		"the branch came to be":     {refused("[remote rejected] (reference already exists)"), "", ErrRaced},
		"a protected branch":        {refused("[remote rejected] (protected branch hook declined)"), "remote: error: GH006\n", ErrRejected},
		"a hook":                    {refused("[remote rejected] (pre-receive hook declined)"), "", ErrRejected},
		"a checked-out branch":      {refused("[remote rejected] (branch is currently checked out)"), "", ErrRejected},
		"a branch in the way":       {refused("[remote rejected] (failed to update ref)"), "remote: error: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'\n", ErrRejected},
		"GitHub, may only read":     {"", "remote: Permission to o/r.git denied to ada.\nfatal: unable to access 'https://git.example.com/x.git/': The requested URL returned error: 403\n", ErrReadOnly},
		"GitHub, key may only read": {"", "ERROR: The key you are authenticating with has been marked as read only.\nfatal: Could not read from remote repository.\n", ErrReadOnly},
		"GitLab, may only read":     {"", "remote: You are not allowed to push code to this project.\nfatal: unable to access 'https://git.example.com/x.git/': The requested URL returned error: 403\n", ErrReadOnly},
		"Gitea, may only read":      {"", "Gitea: User: 1:ada with Key: 1:k is not authorized to write to o/r.\nERROR: no write access\n", ErrReadOnly},
		"git itself, nobody may":    {"", "fatal: unable to access 'https://git.example.com/x.git/': The requested URL returned error: 403\n", ErrReadOnly},
		"a wrong password":          {"", "fatal: Authentication failed for 'https://git.example.com/x.git/'\n", ErrWrongCredentials},
		"the server fell over":      {"", "error: RPC failed; HTTP 500\nfatal: the remote end hung up unexpectedly\n", ErrServer},
		"the mirror was made anew":  {"", "fatal: bad object 1111\n", ErrRaced},
		"nobody has seen it before": {"", "fatal: something\n", ErrFailed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := &transfer{m: &Mirror{url: u}, creds: Credentials{Username: "ada", Password: secret}}
			err := tr.refusal(test.report, spoken(test.stderr), &failure{args: []string{"push"}, stderr: test.stderr, err: errors.New("exit status 1")})
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// FuzzParseBlame: what files hold is never taken for a header.
func FuzzParseBlame(f *testing.F) {
	f.Add("1111111111111111111111111111111111111111 1 1 1")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\n") {
			t.Skip()
		}
		id := strings.Repeat("ab", 20)
		out := id + " 7 3 2\nauthor " + text + "\nfilename x\n\t" + text + "\n" + id + " 8 4\n\t" + text + "\n"
		got := parseBlame(out)
		if want := []blamedLine{{id, 3}, {id, 4}}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
