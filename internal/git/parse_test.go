package git

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/tree"
)

func TestParseCommit(t *testing.T) {
	t.Parallel()
	id, root := strings.Repeat("1", 40), strings.Repeat("2", 40)
	tests := map[string]struct {
		content string
		want    Commit
	}{
		"usual": {
			"tree " + root + "\nparent x\nauthor Ada <a@x> 100 +0100\ncommitter Carl <c@x> 200 -0130\n\nSubject\n\nBody\n",
			Commit{Author: "Ada <a@x>", Message: "Subject\n\nBody", Time: time.Unix(200, 0)},
		},
		"signed": {
			"tree " + root + "\nauthor A <a> 1 +0000\ncommitter C <c> 2 +0000\ngpgsig -----BEGIN\n author Eve <e> 9 +0000\n tree x\n\nS",
			Commit{Author: "A <a>", Message: "S", Time: time.Unix(2, 0)},
		},
		"nothing but a tree":  {"tree " + root + "\n", Commit{}},
		"a name with a >":     {"tree " + root + "\nauthor A > B <a> 1 +0000\n\n", Commit{Author: "A > B <a>"}},
		"a time that is none": {"tree " + root + "\nauthor A <a>\ncommitter C <c> soon\n\n", Commit{Author: "A <a>"}},
		"a zone that is none": {"tree " + root + "\ncommitter C <c> 5 mars\n\n", Commit{Time: time.Unix(5, 0)}},
		"bytes that are none": {"tree " + root + "\nauthor \xff\x1b[31mA <a> 1 +0\n\nx\xff\x00\x1b[2Jy", Commit{Author: "[31mA <a>", Message: "x[2Jy"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseCommit(id, []byte(test.content))
			test.want.ID, test.want.Tree = id, root
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	if c, err := parseCommit(id, []byte("author A <a> 1 +0000\n\n")); err == nil {
		t.Errorf("no tree: got %v", c)
	}
}

func FuzzParseCommit(f *testing.F) {
	f.Add([]byte("tree 2222222222222222222222222222222222222222\nauthor A <a> 1 +0000\ncommitter C <c> 9999999999999999999 +9999\n\nm"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := parseCommit("x", content)
		if err != nil {
			return
		}
		if !utf8.ValidString(c.Author+c.Message) || len(c.Message) > MaxMessage {
			t.Errorf("got %q, %q", c.Author, c.Message)
		}
		_ = c.Time.String()
	})
}

func TestParseFolder(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("\x11", 20)
	entry := func(mode, name string) string { return mode + " " + name + "\x00" + id }
	tests := map[string]struct {
		content string
		want    string // names and modes, or an error
	}{
		"empty":             {"", ""},
		"all modes":         {entry("100644", "a") + entry("100755", "b") + entry("40000", "c") + entry("120000", "d") + entry("160000", "e"), "a0 b1 c2 d3 e4"},
		"old modes":         {entry("100664", "a") + entry("040000", "b") + entry("100600", "c"), "a0 b2 c0"},
		"git's order":       {entry("100644", "a.b") + entry("40000", "a") + entry("100644", "a0"), "a2 a.b0 a00"},
		"a space in a name": {entry("100644", "a b"), "a b0"},
		"cut off":           {entry("100644", "a")[:20], "cut off"},
		"no end of a name":  {"100644 a", "cut off"},
		"unknown mode":      {entry("777777", "a"), "unknown mode"},
		"no mode":           {entry("x", "a"), "unknown mode"},
		"empty name":        {entry("100644", ""), `name ""`},
		"dot":               {entry("100644", "."), `name "."`},
		"dot dot":           {entry("40000", ".."), `name ".."`},
		"a path":            {entry("100644", "a/b"), `name "a/b"`},
		"one name twice":    {entry("100644", "a") + entry("40000", "a"), "two entries"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries, err := parseFolder([]byte(test.content), 20)
			var got []string
			for _, e := range entries {
				got = append(got, e.Name+string(rune('0'+e.Mode)))
			}
			if err != nil {
				if !strings.Contains(err.Error(), test.want) || test.want == "" {
					t.Errorf("error %q does not say %q", err, test.want)
				}
				return
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzParseFolder(f *testing.F) {
	f.Add([]byte("100644 a\x0011111111111111111111"))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parseFolder(content, 20)
		if err != nil {
			return
		}
		for i, e := range entries {
			if strings.Contains(e.Name, "/") || e.Name == ".." || len(e.ID) != 40 || i > 0 && entries[i-1].Name >= e.Name {
				t.Errorf("entry %d is %v", i, e)
			}
		}
	})
}

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
