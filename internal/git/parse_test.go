package git

import (
	"errors"
	"strings"
	"testing"

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
