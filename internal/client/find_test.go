package client

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestS10_TokenGoesWithItsServer holds which token goes to which server.
func TestS10_TokenGoesWithItsServer(t *testing.T) {
	t.Parallel()
	data := sources{announced: "127.0.0.1:7000", dataTokenFile: "/data/token"}
	configured := data
	configured.config = config{Server: "https://plumb.example.com", TokenFile: "/config/token"}
	for name, test := range map[string]struct {
		places sources
		change func(*sources)
		want   settings
	}{
		"a daemon of this machine":               {data, nil, settings{server: "127.0.0.1:7000", tokenFile: "/data/token"}},
		"named as it announced itself":           {data, func(s *sources) { s.flagServer = "http://127.0.0.1:7000/" }, settings{server: "http://127.0.0.1:7000/", tokenFile: "/data/token"}},
		"another one of this machine":            {data, func(s *sources) { s.flagServer = "127.0.0.1:9" }, settings{server: "127.0.0.1:9"}},
		"another machine":                        {data, func(s *sources) { s.envServer = "https://evil.example" }, settings{server: "https://evil.example"}},
		"nothing announced":                      {data, func(s *sources) { s.announced = "" }, settings{server: DefaultAddress, tokenFile: "/data/token"}},
		"the configured one":                     {configured, nil, settings{server: "https://plumb.example.com", tokenFile: "/config/token"}},
		"the configured one, named":              {configured, func(s *sources) { s.flagServer = "HTTPS://plumb.example.com/" }, settings{server: "HTTPS://plumb.example.com/", tokenFile: "/config/token"}},
		"configured, but another named":          {configured, func(s *sources) { s.flagServer = "https://evil.example" }, settings{server: "https://evil.example"}},
		"configured, but this machine's named":   {configured, func(s *sources) { s.flagServer = "127.0.0.1:7000" }, settings{server: "127.0.0.1:7000", tokenFile: "/data/token"}},
		"only a token configured":                {data, func(s *sources) { s.config.TokenFile = "/config/token" }, settings{server: "127.0.0.1:7000", tokenFile: "/config/token"}},
		"only a token configured, another named": {data, func(s *sources) { s.config.TokenFile, s.flagServer = "/config/token", "x:1" }, settings{server: "x:1"}},
		"the flag goes before the environment": {configured, func(s *sources) {
			s.flagServer, s.envServer, s.flagTokenFile, s.envToken, s.envTokenFile = "a:1", "b:1", "/flag", "env", "/env"
		}, settings{server: "a:1", tokenFile: "/flag"}},
		"a token given outright goes before a file": {configured, func(s *sources) { s.envToken, s.envTokenFile = "env", "/env" }, settings{server: "https://plumb.example.com", token: "env"}},
		"a file of the environment":                 {configured, func(s *sources) { s.envTokenFile = "/env" }, settings{server: "https://plumb.example.com", tokenFile: "/env"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.change != nil {
				test.change(&test.places)
			}
			if diff := cmp.Diff(test.want, test.places.settle(), cmp.AllowUnexported(settings{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaultData(t *testing.T) {
	t.Parallel()
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	if got := DefaultData(env("PLUMB_DATA", "/d", "HOME", "/h")); got != "/d" {
		t.Errorf("PLUMB_DATA gives %s", got)
	}
	below := UnderHome(env("HOME", "/h"), "XDG_DATA_HOME", ".local/share")
	given := UnderHome(env("HOME", "/h", "XDG_DATA_HOME", "/x"), "XDG_DATA_HOME", ".local/share")
	relative := UnderHome(env("HOME", "/h", "XDG_DATA_HOME", "x"), "XDG_DATA_HOME", ".local/share")
	if below != "/h/.local/share" || given != "/x" || relative != below {
		t.Errorf("got %s, %s, %s", below, given, relative)
	}
}
