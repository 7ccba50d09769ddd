package git

import (
	"errors"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	tests := map[string]URL{
		"https://git.example.com/fleet.git":      {Scheme: "https", Host: "git.example.com", Path: "/fleet.git"},
		"https://Git.Example.com:443/a/b":        {Scheme: "https", Host: "git.example.com", Path: "/a/b"},
		"http://127.0.0.1:8080/a.git":            {Scheme: "http", Host: "127.0.0.1", Port: "8080", Path: "/a.git"},
		"https://[::1]:8443/a.git":               {Scheme: "https", Host: "::1", Port: "8443", Path: "/a.git"},
		"https://git.example.com/a%20b.git":      {Scheme: "https", Host: "git.example.com", Path: "/a b.git"},
		"ssh://git@git.example.com/fleet.git":    {Scheme: "ssh", User: "git", Host: "git.example.com", Path: "/fleet.git"},
		"ssh://git.example.com:2222/~me/x":       {Scheme: "ssh", Host: "git.example.com", Port: "2222", Path: "/~me/x"},
		"git@git.example.com:team/fleet.git":     {Scheme: "ssh", User: "git", Host: "git.example.com", Path: "team/fleet.git"},
		"git.example.com:/srv/git/fleet.git":     {Scheme: "ssh", Host: "git.example.com", Path: "/srv/git/fleet.git"},
		"org-1234@github.com:org/fleet":          {Scheme: "ssh", User: "org-1234", Host: "github.com", Path: "org/fleet"},
		"/srv/git/fleet":                         {Scheme: "file", Path: "/srv/git/fleet"},
		"file:///srv/git/fleet":                  {Scheme: "file", Path: "/srv/git/fleet"},
		"https://gitea.internal_zone.svc/x":      {Scheme: "https", Host: "gitea.internal_zone.svc", Path: "/x"},
		"https://git.example.com/team/..hidden/": {Scheme: "https", Host: "git.example.com", Path: "/team/..hidden/"},
	}
	for s, want := range tests {
		t.Run(s, func(t *testing.T) {
			t.Parallel()
			got, err := ParseURL(s)
			want.text = s
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

// TestS09URLsThatAreRefused: a crafted URL that confuses host and credentials,
// or starts a program, is refused before any program starts.
func TestS09URLsThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // URL → what the error says
		"":                                     "empty",
		"ext::sh -c touch% /tmp/pwned":         "space",
		"ext::sh":                              "transport program",
		"fd::17":                               "transport program",
		"https::git.example.com":               "transport program",
		"-oProxyCommand=touch":                 "dash",
		"--upload-pack=touch":                  "dash",
		"ssh://-oProxyCommand=touch/x":         "host",
		"ssh://git@-oProxyCommand=touch/x":     "host",
		"-oProxyCommand=touch:x":               "dash",
		"git@-oProxyCommand:x":                 "host",
		"ssh://-l@git.example.com/x":           "user name",
		"ssh://git.example.com/-x":             "dash",
		"git@git.example.com:-x":               "dash",
		"https://git.example.com/x\n":          "control",
		"https://git.example.com/x\ny":         "control",
		"https://git.example.com/x\x00y":       "control",
		"https://git.example.com/%0ahost=evil": "control",
		"https://git.example.com/%00":          "control",
		"https://evil.example.com\\@git/x":     "backslash",
		"https://git.example.com/a%5cb":        "backslash",
		"https://git.example.com@evil.com/x":   "credentials file",
		"https://user@git.example.com/x":       "credentials file",
		"https://user:hunter2@git.example.com": "credentials file",
		"https://:@git.example.com/x":          "credentials file",
		"ssh://git:hunter2@git.example.com/x":  "credentials file",
		"https://git.example.com":              "names no repository",
		"https://git.example.com/":             "names no repository",
		"https:///x":                           "host",
		"https://git.example.com/a/../b":       `".."`,
		"https://git.example.com/a/%2e%2e/b":   `".."`,
		"https://git.example.com/a%2fb":        "slash",
		"git@git.example.com:../x":             `".."`,
		"https://git.example.com/x?y=z":        "query",
		"https://git.example.com/x?":           "query",
		"https://git.example.com/x#y":          "fragment",
		"https://git.example.com:port/x":       "parsed",
		"https://git .example.com/x":           "space",
		"https://gït.example.com/x":            "host",
		"git://git.example.com/x":              "not supported",
		"ftp://git.example.com/x":              "not supported",
		"HTTPS://git.example.com/x":            "not supported",
		"file://host/x":                        "file:///absolute/path",
		"file://relative":                      "file:///absolute/path",
		"file:///x%0ay":                        "control",
		"relative/path":                        "absolute path",
		"./relative":                           "absolute path",
		"https://" + strings.Repeat("x", 3000): "longer",
	}
	for s, says := range tests {
		t.Run(s, func(t *testing.T) {
			t.Parallel()
			u, err := ParseURL(s)
			if !errors.Is(err, ErrURL) {
				t.Fatalf("got %+v, %v, want ErrURL", u, err)
			}
			if !strings.Contains(err.Error(), says) {
				t.Errorf("error %q does not say %q", err, says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q holds a password", err)
			}
		})
	}
}

func TestSameRepository(t *testing.T) {
	t.Parallel()
	one, _ := ParseURL("https://127.0.0.1:3000/fleet")
	other, _ := ParseURL("https://127.0.0.1:3001/fleet")
	if SameRepository(one, other) {
		t.Error("two ports of one scheme are two servers")
	}
	same := [][]string{
		{
			"https://git.example.com/team/fleet.git", "https://GIT.example.com/team/fleet", "https://git.example.com:443/team/fleet/",
			"http://git.example.com:3000/team/fleet.git", "git@git.example.com:team/fleet.git", "git.example.com:/team/fleet",
			"ssh://git@git.example.com/team/fleet.git", "ssh://git.example.com/Team/Fleet",
		},
		{"https://git.example.com/team/other.git"},
		{"https://example.com/team/fleet.git"},
		{"https://git.example.com:8443/fleet", "git@git.example.com:fleet"},
		{"/srv/git/fleet", "file:///srv/git/fleet", "/srv/git/../git/fleet/"},
		{"/srv/git/Fleet"},
		{"/srv/git/fleet.git"},
	}
	for i, as := range same {
		for j, bs := range same {
			for _, a := range as {
				for _, b := range bs {
					ua, errA := ParseURL(a)
					ub, errB := ParseURL(b)
					if errA != nil || errB != nil {
						t.Fatal(errA, errB)
					}
					if got := SameRepository(ua, ub); got != (i == j) {
						t.Errorf("SameRepository(%s, %s) is %t", a, b, got)
					}
				}
			}
		}
	}
}

// FuzzParseURL: what is accepted holds nothing that a program could take for an
// option, a line end or another host, and nothing panics.
func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"https://h/p", "git@h:p", "/a/b", "file:///x", "ssh://u@h:22/p", "ext::x", "https://a:b@c/d%0a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURL(s)
		if err != nil {
			return
		}
		if strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User, "-") || strings.HasPrefix(u.text, "-") || strings.Contains(u.text, "::") && u.Scheme != "file" && !strings.Contains(u.text, "[") {
			t.Errorf("%q was accepted as %+v", s, u)
		}
		if strings.ContainsAny(u.Path+u.Host+u.User, "\n\r\x00") || u.Scheme != "file" && strings.ContainsAny(u.Host+u.User, " @:/\\%") && !strings.Contains(s, "[") {
			t.Errorf("%q was accepted as %+v", s, u)
		}
		if !SameRepository(u, u) {
			t.Errorf("%q is not itself", s)
		}
	})
}
