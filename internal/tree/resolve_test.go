package tree_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

// repository has every kind of thing that a repository can hold.
var repository = map[string]string{
	"README.md":              "read me",
	"apps/shop/app.yaml":     "kind: App",
	"apps/shop/base":         "-> ../../base",
	"apps/shop/up.yaml":      "-> ./../shop/./app.yaml",
	"base/kustomization":     "resources: []",
	"base/deep/er/file":      "deep",
	"base.yaml":              "sorts between base and base/",
	"run.sh":                 "#!/bin/sh",
	"links/absolute":         "-> /etc/passwd",
	"links/out":              "-> ../../etc/passwd",
	"links/far":              "-> ../apps/../../x",
	"links/url":              "-> https://example.com/x",
	"links/nul":              "-> a\x00b",
	"links/empty":            "-> ",
	"links/dangling":         "-> nowhere/at/all",
	"links/self":             "-> self",
	"links/ping":             "-> pong",
	"links/pong":             "-> ping",
	"links/grow":             "-> grow/x",
	"links/top":              "-> ..",
	"links/file":             "-> ../README.md",
	"links/long":             "-> " + strings.Repeat("x/", 3000),
	"links/control":          "-> a\nb\x1b[31m",
	"vendor/lib":             treetest.Submodule,
	"assets/big.bin":         pointer,
	"assets/about-lfs.md":    pointer + strings.Repeat("more than a pointer may hold\n", 100),
	"assets/huge":            strings.Repeat("x", 2000),
	"odd/a\nb":               "newline",
	"odd/ space ":            "space",
	"odd/back\\slash":        "backslash",
	"odd/...":                "three dots",
	"odd/https:/example.com": "looks like a URL",
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	files := treetest.New(repository).WithLimits(tree.Limits{FileBytes: 5000})
	tests := map[string]struct {
		want string
		err  error
		says string
	}{
		"README.md":                        {want: "read me"},
		"./README.md":                      {want: "read me"},
		"apps//shop/./app.yaml":            {want: "kind: App"},
		"apps/shop/../../README.md":        {want: "read me"},
		"apps/shop/base/kustomization":     {want: "resources: []"},
		"apps/shop/base/../README.md":      {want: "read me"}, // the parent of where the link leads
		"apps/shop/up.yaml":                {want: "kind: App"},
		"links/top/base/deep/er/file":      {want: "deep"},
		"links/top/links/top/links/file":   {want: "read me"},
		"base.yaml":                        {want: "sorts between base and base/"},
		"run.sh":                           {want: "#!/bin/sh"},
		"odd/a\nb":                         {want: "newline"},
		"odd/ space ":                      {want: "space"},
		"odd/back\\slash":                  {want: "backslash"},
		"odd/...":                          {want: "three dots"},
		"odd/https:/example.com":           {want: "looks like a URL"},
		"assets/about-lfs.md":              {want: repository["assets/about-lfs.md"]},
		"gone.yaml":                        {err: tree.ErrNotFound, says: "gone.yaml"},
		"gone/../README.md":                {err: tree.ErrNotFound},
		"README.md/x":                      {err: tree.ErrNotFound, says: "README.md is a file"},
		"":                                 {err: tree.ErrFolder},
		"apps/shop":                        {err: tree.ErrFolder, says: "apps/shop is a folder"},
		"/README.md":                       {err: tree.ErrOutside},
		"/etc/passwd":                      {err: tree.ErrOutside},
		"..":                               {err: tree.ErrOutside},
		"../x":                             {err: tree.ErrOutside, says: "../x"},
		"apps/../../x":                     {err: tree.ErrOutside},
		"https://example.com/x":            {err: tree.ErrOutside, says: "URL"},
		"file:///etc/passwd":               {err: tree.ErrOutside, says: "URL"},
		"a\x00b":                           {err: tree.ErrOutside, says: "NUL"},
		"links/absolute":                   {err: tree.ErrOutside, says: "link links/absolute -> /etc/passwd"},
		"links/out":                        {err: tree.ErrOutside, says: "link links/out -> ../../etc/passwd"},
		"links/far":                        {err: tree.ErrOutside, says: "link links/far"},
		"links/url":                        {err: tree.ErrOutside, says: "link links/url"},
		"links/nul":                        {err: tree.ErrOutside, says: `"a\x00b"`},
		"links/empty":                      {err: tree.ErrNotFound, says: "link is empty"},
		"links/dangling":                   {err: tree.ErrNotFound, says: "link links/dangling -> nowhere/at/all"},
		"links/self":                       {err: tree.ErrLoop, says: "link links/self -> self"},
		"links/ping":                       {err: tree.ErrLoop, says: "links/ping: link links/p"},
		"links/grow":                       {err: tree.ErrLoop},
		"links/top/links/absolute":         {err: tree.ErrOutside},
		"links/long":                       {err: tree.ErrTooLarge, says: "target of link links/long"},
		"links/control":                    {err: tree.ErrNotFound, says: `"a\nb\x1b[31m"`},
		"vendor/lib":                       {err: tree.ErrSubmodule, says: "vendor it or declare it as an App"},
		"vendor/lib/x":                     {err: tree.ErrSubmodule, says: "vendor/lib is a submodule"},
		"assets/big.bin":                   {err: tree.ErrLFS, says: "assets/big.bin is a Git LFS pointer"},
		"apps/shop/base/" + "../../../etc": {err: tree.ErrOutside},
	}
	for path, test := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got, err := files.ReadFile(path)
			checkError(t, err, test.err, test.says)
			if string(got) != test.want {
				t.Errorf("content: got %q, want %q", got, test.want)
			}
		})
	}
}

func TestReadFileTooLarge(t *testing.T) {
	t.Parallel()
	_, err := treetest.New(repository).WithLimits(tree.Limits{FileBytes: 1000}).ReadFile("assets/huge")
	checkError(t, err, tree.ErrTooLarge, "assets/huge: too large: 2000 bytes (the limit for one file is 1000 bytes)")
}

func TestReadDir(t *testing.T) {
	t.Parallel()
	files := treetest.New(repository)
	tests := map[string]struct {
		want map[string]tree.Mode
		err  error
		says string
	}{
		"base":                {want: map[string]tree.Mode{"deep": tree.Folder, "kustomization": tree.File}},
		"apps/shop/base":      {want: map[string]tree.Mode{"deep": tree.Folder, "kustomization": tree.File}},
		"apps/shop":           {want: map[string]tree.Mode{"app.yaml": tree.File, "base": tree.Link, "up.yaml": tree.Link}},
		"vendor":              {want: map[string]tree.Mode{"lib": tree.Submodule}},
		"vendor/lib":          {err: tree.ErrSubmodule},
		"README.md":           {err: tree.ErrNotFolder, says: "README.md is not a folder"},
		"gone":                {err: tree.ErrNotFound},
		"links/absolute":      {err: tree.ErrOutside},
		"links/top/../../etc": {err: tree.ErrOutside},
	}
	for path, test := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			entries, err := files.ReadDir(path)
			checkError(t, err, test.err, test.says)
			var got map[string]tree.Mode
			for _, e := range entries {
				if got == nil {
					got = map[string]tree.Mode{}
				}
				got[e.Name] = e.Mode
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	files := treetest.New(repository)
	tests := map[string]struct {
		name string
		mode tree.Mode
		err  error
	}{
		"":                    {"", tree.Folder, nil},
		".":                   {"", tree.Folder, nil},
		"apps/..":             {"", tree.Folder, nil},
		"apps/shop/..":        {"apps", tree.Folder, nil},
		"apps/shop":           {"shop", tree.Folder, nil},
		"apps/shop/":          {"shop", tree.Folder, nil},
		"apps/shop/base":      {"base", tree.Folder, nil},
		"links/file":          {"file", tree.File, nil},
		"links/top":           {"top", tree.Folder, nil},
		"run.sh":              {"run.sh", tree.Executable, nil},
		"vendor/lib":          {"lib", tree.Submodule, nil},
		"links/top/base.yaml": {"base.yaml", tree.File, nil},
		"links/dangling":      {err: tree.ErrNotFound},
		"gone":                {err: tree.ErrNotFound},
	}
	for path, test := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got, err := files.Stat(path)
			checkError(t, err, test.err, "")
			if got.Name != test.name || got.Mode != test.mode {
				t.Errorf("got %q mode %d, want %q mode %d", got.Name, got.Mode, test.name, test.mode)
			}
		})
	}
}

// FuzzResolve: whatever the path and the links, reading ends, and what is read
// is in the tree.
func FuzzResolve(f *testing.F) {
	for path := range repository {
		f.Add(path, "../base")
	}
	f.Add("links/fuzz/../../..", "../../..")
	f.Add("fuzz", "fuzz/fuzz/fuzz")
	f.Add("../../../../etc/passwd", "/etc/passwd")
	inside := map[string]bool{}
	for _, content := range repository {
		inside[content] = true
	}
	f.Fuzz(func(t *testing.T, path, target string) {
		files := map[string]string{"fuzz": "-> " + target, "links/fuzz": "-> " + target}
		for p, content := range repository {
			files[p] = content
		}
		got, err := treetest.New(files).ReadFile(path)
		if err == nil && !inside[string(got)] {
			t.Errorf("ReadFile(%q) read %q, which is not in the tree", path, got)
		}
		known := []error{tree.ErrNotFound, tree.ErrOutside, tree.ErrLoop, tree.ErrTooLarge, tree.ErrSubmodule, tree.ErrLFS, tree.ErrFolder}
		if err != nil && !isOneOf(err, known) {
			t.Errorf("ReadFile(%q): unexpected error: %v", path, err)
		}
	})
}

func isOneOf(err error, known []error) bool {
	for _, k := range known {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

func checkError(t *testing.T, got, want error, says string) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error: got %v, want %v", got, want)
	}
	if want != nil && !strings.Contains(got.Error(), says) {
		t.Errorf("error %q does not say %q", got, says)
	}
}
