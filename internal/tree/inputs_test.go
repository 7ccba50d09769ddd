package tree_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// TestRecorded: each read leaves exactly what its answer hung on.
func TestRecorded(t *testing.T) {
	t.Parallel()
	root := "folder"
	tests := map[string]struct {
		read func(tree.Reader)
		want map[string]string
	}{
		"a file": {
			func(r tree.Reader) { _, _ = r.ReadFile("apps/shop/app.yaml") },
			map[string]string{"": root, "apps": "folder", "apps/shop": "folder", "apps/shop/app.yaml": "file read"},
		},
		"a file that was only asked about": {
			func(r tree.Reader) { _, _ = r.Stat("run.sh") },
			map[string]string{"": root, "run.sh": "file"},
		},
		"a folder": {
			func(r tree.Reader) { _, _ = r.ReadDir("apps/shop") },
			map[string]string{"": root, "apps": "folder", "apps/shop": "folder listed"},
		},
		"the root": {
			func(r tree.Reader) { _, _ = r.ReadDir("") },
			map[string]string{"": "folder listed"},
		},
		"what is absent, by its first missing name": {
			func(r tree.Reader) { _, _ = r.ReadFile("apps/web/base/x.yaml") },
			map[string]string{"": root, "apps": "folder", "apps/web": "absent"},
		},
		"links on the way": {
			func(r tree.Reader) { _, _ = r.ReadFile("apps/shop/base/kustomization") },
			map[string]string{
				"": root, "apps": "folder", "apps/shop": "folder", "apps/shop/base": "link read",
				"base": "folder", "base/kustomization": "file read",
			},
		},
		"a dangling link": {
			func(r tree.Reader) { _, _ = r.ReadFile("links/dangling") },
			map[string]string{"": root, "links": "folder", "links/dangling": "link read", "links/nowhere": "absent"},
		},
		"a link out": {
			func(r tree.Reader) { _, _ = r.ReadFile("links/absolute") },
			map[string]string{"": root, "links": "folder", "links/absolute": "link read"},
		},
		"a file in the way of a folder": {
			func(r tree.Reader) { _, _ = r.ReadFile("README.md/x") },
			map[string]string{"": root, "README.md": "file"},
		},
		"a pointer, so that it counts when it is replaced": {
			func(r tree.Reader) { _, _ = r.ReadFile("assets/big.bin") },
			map[string]string{"": root, "assets": "folder", "assets/big.bin": "file read"},
		},
		"a submodule": {
			func(r tree.Reader) { _, _ = r.ReadDir("vendor/lib") },
			map[string]string{"": root, "vendor": "folder", "vendor/lib": "submodule"},
		},
		"reading, listing and asking together": {
			func(r tree.Reader) {
				_, _ = r.Stat("run.sh")
				_, _ = r.ReadFile("run.sh")
				_, _ = r.Stat("run.sh")
				_, _ = r.ReadDir("base")
				_, _ = r.Stat("base")
			},
			map[string]string{"": root, "run.sh": "file read", "base": "folder listed"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tree.Record(treetest.New(repository))
			test.read(r)
			if diff := cmp.Diff(test.want, described(r.Inputs())); diff != "" {
				t.Errorf("inputs (-want +got):\n%s", diff)
			}
		})
	}
}

func described(in tree.Inputs) map[string]string {
	modes := []string{tree.File: "file", tree.Executable: "executable", tree.Folder: "folder", tree.Link: "link", tree.Submodule: "submodule"}
	got := map[string]string{}
	for path, i := range in.All() {
		s := "absent"
		if i.Present {
			s = modes[i.Mode]
		}
		if i.Content != "" {
			s += " read"
		}
		if i.Listing != "" {
			s += " listed"
		}
		got[path] = s
	}
	return got
}

// TestTouched names each way a change meets inputs or doesn't. The index and
// the recheck without changes must say the same.
func TestTouched(t *testing.T) {
	t.Parallel()
	before := map[string]string{
		"a/one":      "1",
		"a/two":      "2",
		"a/sub/file": "3",
		"b/link":     "-> ../a",
		"exec":       "#!",
		"module":     treetest.Submodule,
	}
	readFile := func(path string) func(tree.Reader) { return func(r tree.Reader) { _, _ = r.ReadFile(path) } }
	readDir := func(path string) func(tree.Reader) { return func(r tree.Reader) { _, _ = r.ReadDir(path) } }
	stat := func(path string) func(tree.Reader) { return func(r tree.Reader) { _, _ = r.Stat(path) } }
	tests := map[string]struct {
		read   func(tree.Reader)
		change map[string]string // path → new content; "" removes
		want   bool
	}{
		"the file that was read":                 {readFile("a/one"), map[string]string{"a/one": "x"}, true},
		"the file beside it":                     {readFile("a/one"), map[string]string{"a/two": "x"}, false},
		"a new file beside it":                   {readFile("a/one"), map[string]string{"a/new": "x"}, false},
		"it is removed":                          {readFile("a/one"), map[string]string{"a/one": ""}, true},
		"it becomes a folder":                    {readFile("a/one"), map[string]string{"a/one": "", "a/one/x": "1"}, true},
		"it becomes a link":                      {readFile("a/one"), map[string]string{"a/one": "-> two"}, true},
		"a file that was only asked about":       {stat("a/one"), map[string]string{"a/one": "x"}, false},
		"asked about, then removed":              {stat("a/one"), map[string]string{"a/one": ""}, true},
		"asked about, then a folder":             {stat("a/one"), map[string]string{"a/one": "", "a/one/x": "1"}, true},
		"a file in a listed folder changes":      {readDir("a"), map[string]string{"a/one": "x"}, false},
		"a file comes to a listed folder":        {readDir("a"), map[string]string{"a/new": "x"}, true},
		"a file leaves a listed folder":          {readDir("a"), map[string]string{"a/one": ""}, true},
		"a folder comes to a listed folder":      {readDir("a"), map[string]string{"a/new/x": "x"}, true},
		"a folder leaves a listed folder":        {readDir("a"), map[string]string{"a/sub/file": ""}, true},
		"a file comes deeper":                    {readDir("a"), map[string]string{"a/sub/new": "x"}, false},
		"a listed file becomes a link":           {readDir("a"), map[string]string{"a/one": "-> two"}, true},
		"a listed folder becomes a file":         {readDir("a"), map[string]string{"a/one": "", "a/two": "", "a/sub/file": "", "a": "x"}, true},
		"a listed folder is gone":                {readDir("a/sub"), map[string]string{"a/sub/file": ""}, true},
		"a file comes to a listed root":          {readDir(""), map[string]string{"new": "x"}, true},
		"a file comes below a listed root":       {readDir(""), map[string]string{"a/new": "x"}, false},
		"what was absent appears":                {readFile("a/gone"), map[string]string{"a/gone": "x"}, true},
		"it appears through a new folder":        {readFile("c/d/e"), map[string]string{"c/d/e": "x"}, true},
		"its folder appears as a link":           {readFile("c/one"), map[string]string{"c": "-> a"}, true},
		"something else appears":                 {readFile("a/gone"), map[string]string{"a/other": "x"}, false},
		"a link's target file changes":           {readFile("b/link/one"), map[string]string{"a/one": "x"}, true},
		"a file beside a link's target":          {readFile("b/link/one"), map[string]string{"a/two": "x"}, false},
		"a link changes":                         {readFile("b/link/one"), map[string]string{"b/link": "-> ../a/sub"}, true},
		"a link becomes a folder":                {readFile("b/link/one"), map[string]string{"b/link": "", "b/link/one": "1"}, true},
		"a dangling link's target comes":         {readFile("dangling"), map[string]string{"dangling": "-> a/one"}, true},
		"a folder that is passed becomes a link": {readFile("a/gone"), map[string]string{"a/one": "", "a/two": "", "a/sub/file": "", "a": "-> b"}, true},
		"a submodule moves on":                   {readDir("module"), map[string]string{"module": treetest.Submodule + "2"}, false},
		"a submodule becomes a folder":           {readDir("module"), map[string]string{"module": "", "module/x": "x"}, true},
		"nothing":                                {readFile("a/one"), nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := treetest.NewStore()
			old, now := store.Tree(before), store.Tree(changed(before, test.change))
			changes, err := tree.Diff(old, now)
			if err != nil {
				t.Fatal(err)
			}
			r := tree.Record(old)
			test.read(r)
			in := r.Inputs()
			if got := in.Touched(changes); got != test.want {
				t.Errorf("Touched: got %t, want %t (changes %v)", got, test.want, changes)
			}
			if got := !in.Valid(now); got != test.want {
				t.Errorf("not Valid: got %t, want %t", got, test.want)
			}
			var x tree.Index
			x.Set("reader", in)
			if got := len(x.Affected(changes)) == 1; got != test.want {
				t.Errorf("Affected: got %t, want %t", got, test.want)
			}
		})
	}
}

func changed(files, change map[string]string) map[string]string {
	now := maps.Clone(files)
	for path, content := range change {
		if content == "" {
			delete(now, path)
		} else {
			now[path] = content
		}
	}
	return now
}

func TestHash(t *testing.T) {
	t.Parallel()
	hash := func(files map[string]string) string {
		r := tree.Record(treetest.New(files))
		_, _ = r.ReadFile("a/one")
		_, _ = r.ReadDir("b")
		_, _ = r.Stat("gone")
		return r.Inputs().Hash()
	}
	files := map[string]string{"a/one": "1", "a/two": "2", "b/x": "3"}
	same := []map[string]string{
		{"a/two": "x"}, {"a/new": "x"}, {"b/x": "x"}, {"other": "x"},
	}
	for _, change := range same {
		if hash(files) != hash(changed(files, change)) {
			t.Errorf("%v changed the hash, but was not read", change)
		}
	}
	differ := []map[string]string{
		{"a/one": "x"}, {"a/one": ""}, {"b/new": "x"}, {"b/x": "-> y"}, {"gone": "x"},
	}
	for _, change := range differ {
		if hash(files) == hash(changed(files, change)) {
			t.Errorf("%v did not change the hash, but was read", change)
		}
	}
}

// TestRecorderShowsOnlyWhatItRecords: what isn't recorded can't be depended on.
func TestRecorderShowsOnlyWhatItRecords(t *testing.T) {
	t.Parallel()
	r := tree.Record(treetest.New(repository))
	e, err := r.Stat("run.sh")
	if want := (tree.Entry{Name: "run.sh", Mode: tree.File}); err != nil || e != want {
		t.Errorf("Stat: got %v, %v, want %v", e, err, want)
	}
	entries, err := r.ReadDir("base")
	want := []tree.Entry{{Name: "deep", Mode: tree.Folder}, {Name: "kustomization", Mode: tree.File}}
	if diff := cmp.Diff(want, entries); diff != "" || err != nil {
		t.Errorf("ReadDir: %v (-want +got):\n%s", err, diff)
	}
}

func TestRecorderLimits(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{"a": "1234", "b": "1234", "c": "1234"})
	tests := map[string]struct {
		limits tree.Limits
		says   string
	}{
		"files": {tree.Limits{Files: 2}, "c: too large: more than 2 files were read or listed"},
		"bytes": {tree.Limits{TotalBytes: 11}, "c: too large: more than 11 bytes were read in all"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tree.Record(files.WithLimits(test.limits))
			for _, path := range []string{"a", "b", "a", "b", "a"} { // again costs nothing
				if _, err := r.ReadFile(path); err != nil {
					t.Fatalf("read %s: %v", path, err)
				}
			}
			_, err := r.ReadFile("c")
			checkError(t, err, tree.ErrTooLarge, test.says)
			if name == "files" {
				_, err = r.ReadDir("")
				checkError(t, err, tree.ErrTooLarge, "the repository's top: too large")
			}
		})
	}
}

// TestAffectedIsSound drives random trees through random changes: a reader that
// isn't named must get the same answers from the new tree, and the index must
// agree with a recheck that knows nothing of the changes.
func TestAffectedIsSound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(80) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		store := treetest.NewStore()
		files := randomFiles(rnd)
		var x tree.Index
		reads := map[string][]read{}
		answers := map[string]string{}
		old := store.Tree(files)
		for i := range 8 {
			name := fmt.Sprint("app", i)
			reads[name] = randomReads(rnd)
			r := tree.Record(old)
			answers[name] = do(r, reads[name])
			x.Set(name, r.Inputs())
		}
		for range 10 {
			now := store.Tree(randomChange(rnd, files))
			changes, err := tree.Diff(old, now)
			if err != nil {
				t.Fatal(err)
			}
			affected := x.Affected(changes)
			for name := range reads {
				in, _ := x.Inputs(name)
				named := slices.Contains(affected, name)
				if named == in.Valid(now) {
					t.Fatalf("seed %d: %s: affected is %t, but its inputs are valid: %t\nchanges %v\ninputs %v",
						seed, name, named, in.Valid(now), changes, described(in))
				}
				r := tree.Record(now)
				answer := do(r, reads[name])
				if !named && answer != answers[name] {
					t.Fatalf("seed %d: %s is not affected, but reads differently\nchanges %v\ninputs %v\n%s",
						seed, name, changes, described(in), cmp.Diff(answers[name], answer))
				}
				if !named && r.Inputs().Hash() != in.Hash() {
					t.Fatalf("seed %d: %s is not affected, but its inputs differ", seed, name)
				}
				answers[name] = answer
				x.Set(name, r.Inputs())
			}
			old = now
		}
	}
}

type read struct {
	how  int
	path string
}

func do(r tree.Reader, reads []read) string {
	var b strings.Builder
	for _, read := range reads {
		var answer any
		var err error
		switch read.how {
		case 0:
			answer, err = r.ReadFile(read.path)
		case 1:
			answer, err = r.ReadDir(read.path)
		case 2:
			answer, err = r.Stat(read.path)
		}
		fmt.Fprintf(&b, "%d %s: %v, %v\n", read.how, read.path, answer, err)
	}
	return b.String()
}

var names = []string{"a", "b", "c", "d"}

func randomPath(rnd *rand.Rand, up bool) string {
	parts := make([]string, 1+rnd.IntN(4))
	for i := range parts {
		parts[i] = names[rnd.IntN(len(names))]
		if up && rnd.IntN(5) == 0 {
			parts[i] = ".."
		}
	}
	return strings.Join(parts, "/")
}

func randomContent(rnd *rand.Rand) string {
	switch rnd.IntN(8) {
	case 0, 1:
		return treetest.LinkTo + randomPath(rnd, true)
	case 2:
		return treetest.Submodule + fmt.Sprint(rnd.IntN(3))
	}
	return fmt.Sprint(rnd.IntN(3))
}

func randomFiles(rnd *rand.Rand) map[string]string {
	files := map[string]string{}
	for range 3 + rnd.IntN(15) {
		files[randomPath(rnd, false)] = randomContent(rnd)
	}
	return files
}

// randomChange changes files in place: some come, some go, some change.
func randomChange(rnd *rand.Rand, files map[string]string) map[string]string {
	paths := slices.Sorted(maps.Keys(files))
	for range 1 + rnd.IntN(3) {
		if len(paths) > 0 && rnd.IntN(2) == 0 {
			delete(files, paths[rnd.IntN(len(paths))])
		} else {
			files[randomPath(rnd, false)] = randomContent(rnd)
		}
	}
	return files
}

func randomReads(rnd *rand.Rand) []read {
	reads := make([]read, 1+rnd.IntN(4))
	for i := range reads {
		reads[i] = read{how: rnd.IntN(3), path: randomPath(rnd, true)}
	}
	return reads
}

// BenchmarkAffected: a one-file commit among many Apps that share their parents.
func BenchmarkAffected(b *testing.B) {
	for _, apps := range []int{100, 5000} {
		b.Run(fmt.Sprint(apps), func(b *testing.B) {
			files := map[string]string{}
			for i := range apps {
				files[fmt.Sprintf("apps/app-%d/kustomization.yaml", i)] = "x"
			}
			t := treetest.New(files)
			var x tree.Index
			for i := range apps {
				r := tree.Record(t)
				_, _ = r.ReadFile(fmt.Sprintf("apps/app-%d/kustomization.yaml", i))
				_, _ = r.ReadDir(fmt.Sprintf("apps/app-%d", i))
				x.Set(fmt.Sprint("app-", i), r.Inputs())
			}
			changes := []tree.Change{{Path: "apps"}, {Path: "apps/app-7"}, {Path: "apps/app-7/kustomization.yaml"}}
			b.ResetTimer()
			for b.Loop() {
				if got := x.Affected(changes); len(got) != 1 {
					b.Fatal(got)
				}
			}
		})
	}
}
