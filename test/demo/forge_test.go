package main

import (
	"os"
	"strings"
	"testing"
)

// The forge takes pushes of those who may push, and shows nothing to strangers.
func TestForge(t *testing.T) {
	s := &stand{dir: t.TempDir(), forge: &forge{}}
	if err := s.apart(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(s.fleet(), os.DirFS(checkout(t)+"/examples/fleet")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "--all"},
		{"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "--message=Begin"},
	} {
		if _, err := s.git(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.serveFleet(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.forge.close(); err != nil {
			t.Error(err)
		}
	})
	as := func(user, password string) string {
		return strings.Replace(s.forge.url(), "//", "//"+user+":"+password+"@", 1)
	}
	for name, test := range map[string]struct {
		args []string
		want string // part of the error; empty where it works
	}{
		"the writer pushes":       {[]string{"push", as(writer, s.forge.password[writer]), "main:by-plumb"}, ""},
		"the reader reads":        {[]string{"ls-remote", as(reader, s.forge.password[reader])}, ""},
		"the reader doesn't push": {[]string{"push", as(reader, s.forge.password[reader]), "main:by-reader"}, "403"},
		"a wrong password":        {[]string{"ls-remote", as(reader, "wrong")}, "Authentication failed"},
		"a stranger":              {[]string{"ls-remote", as("mallory", "")}, "Authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.git(t.Context(), append([]string{"-c", "credential.helper=", "-c", "core.askPass=true"}, test.args...)...)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}
