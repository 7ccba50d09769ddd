package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestNameOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/srv/shop": "shop", "/srv/Shop_Front": "shop-front", "/srv/one.yaml": "one", "/srv/.hidden": "hidden", "/": "folder",
		"/srv/überall": "berall", "/srv/--": "folder", "/srv/v1.2": "v1-2", "/srv/" + strings.Repeat("a", 62) + "-b": strings.Repeat("a", 62),
	} {
		got := nameOf(path)
		if got != want || len(validation.IsDNS1123Label(got)) > 0 {
			t.Errorf("%s is named %q, want %q", path, got, want)
		}
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	apps := map[string]int{"team-a/shop": 1, "team-b/shop": 2, "team-b/web": 3, "team-b/the-web": 4}
	for name, want := range map[string]string{
		"web": "3", "team-a/shop": "1", "team-b/shop": "2", "shop": "shop could be any of team-a/shop, team-b/shop: name the namespace as well",
		"db": "the root declares no App db", "b/web": "the root declares no App b/web", "": "the root declares no App ",
	} {
		found, err := named(apps, name)
		got := string(rune('0' + found))
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q means %s, want %s", name, got, want)
		}
	}
}
