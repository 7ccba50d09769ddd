package gitobject_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/tree"
)

// TestGitReadsWhatIsWritten: git itself takes the pack, finds nothing wrong, and
// calls every object what we do, in both formats.
func TestGitReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for _, format := range []gitobject.Format{gitobject.SHA1, gitobject.SHA256} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			var all []gitobject.Object
			add := func(kind gitobject.Kind, content []byte) string {
				o := gitobject.New(format, kind, content)
				all = append(all, o)
				return o.ID
			}
			var lines []gitobject.Line
			for name, content := range map[string]string{"empty": "", "a.b": "1\r\n", "a-b": strings.Repeat("long ", 200_000), "bin": "\x00\xff"} {
				lines = append(lines, gitobject.Line{Mode: gitobject.ModeOf(tree.File), Name: name, ID: add(gitobject.KindBlob, []byte(content))})
			}
			inner := folder(t, []gitobject.Line{{Mode: "100755", Name: "run", ID: lines[0].ID}, {Mode: "120000", Name: "link", ID: lines[0].ID}})
			lines = append(lines, gitobject.Line{Mode: "40000", Name: "a", ID: add(gitobject.KindTree, inner)})
			draft := gitobject.Draft{
				Tree: add(gitobject.KindTree, folder(t, lines)), Author: gitobject.Person{Name: "Ada", Email: "ada@example.com"},
				Committer: gitobject.Person{Name: "Carl", Email: "c@example.com"}, Time: time.Unix(1_700_000_000, 0).In(time.FixedZone("", -5400)),
				Message: "\n\nSubject  \r\n\n\nBody\x00\n\n", Signature: "-----BEGIN X-----\n\nabc\n-----END X-----\n",
			}
			first := add(gitobject.KindCommit, encode(t, draft))
			draft.Parents = []string{first}
			second := add(gitobject.KindCommit, encode(t, draft))
			git := repository(t, format)
			git(gitobject.Pack(format, all), "unpack-objects", "-q", "--strict")
			git(nil, "update-ref", "refs/heads/main", second)
			git(nil, "fsck", "--strict", "--no-dangling")
			for _, o := range all {
				if got := git(nil, "cat-file", "-t", o.ID); got != string(o.Kind) {
					t.Errorf("%s is a %q, want a %s", o.ID, got, o.Kind)
				}
			}
			want := "Ada <ada@example.com> -0130\nSubject\n\nBody"
			if diff := cmp.Diff(want, git(nil, "log", "-1", "main", "--format=%an <%ae> %ad%n%B", "--date=format:%z")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func folder(t *testing.T, lines []gitobject.Line) []byte {
	t.Helper()
	b, err := gitobject.EncodeFolder(lines)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(t *testing.T, d gitobject.Draft) []byte {
	t.Helper()
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func repository(t *testing.T, format gitobject.Format) func(stdin []byte, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "r.git")
	run := func(stdin []byte, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_DIR=" + dir}
		cmd.Stdin = bytes.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run(nil, "init", "--quiet", "--bare", "--object-format="+string(format), dir)
	return run
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	ada := gitobject.Person{Name: "Ada", Email: "ada@example.com"}
	id := strings.Repeat("1", 40)
	for name, d := range map[string]gitobject.Draft{
		"no author":           {Tree: id, Committer: ada},
		"a header in a name":  {Tree: id, Author: gitobject.Person{Name: "A\nparent x", Email: "a"}, Committer: ada},
		"another address":     {Tree: id, Author: gitobject.Person{Name: "A <eve@x>", Email: "a"}, Committer: ada},
		"no address":          {Tree: id, Author: ada, Committer: gitobject.Person{Name: "A"}},
		"a tree that is none": {Tree: "main", Author: ada, Committer: ada},
		"no such parent":      {Tree: id, Parents: []string{"x"}, Author: ada, Committer: ada},
	} {
		if b, err := d.Encode(); err == nil {
			t.Errorf("%s: got %q", name, b)
		}
	}
	for _, l := range []gitobject.Line{{Mode: "100644", ID: id}, {Mode: "100644", Name: "a/b", ID: id}, {Mode: "100644", Name: "a", ID: "x"}} {
		if b, err := gitobject.EncodeFolder([]gitobject.Line{l}); err == nil {
			t.Errorf("%v: got %q", l, b)
		}
	}
}

func TestParsePerson(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"Plumb <plumb@example.com>": "Plumb <plumb@example.com>", " A B  < a@b > ": "A B <a@b>",
		"Plumb": "", "<a@b>": "", "A <>": "", "A <a@b": "", "A <a> <b>": "", "": "",
	} {
		p, err := gitobject.ParsePerson(s)
		if (err == nil) != (want != "") || err == nil && p.String() != want {
			t.Errorf("%q: got %v, %v, want %q", s, p, err, want)
		}
	}
}

// FuzzFolder: what is read as a folder is written as it was, if it was in order.
func FuzzFolder(f *testing.F) {
	f.Add([]byte("100644 a\x0011111111111111111111"))
	f.Fuzz(func(t *testing.T, content []byte) {
		lines, err := gitobject.ParseLines(content, 20)
		if err != nil {
			return
		}
		b, err := gitobject.EncodeFolder(lines)
		if err != nil {
			t.Fatal(err)
		}
		again, err := gitobject.ParseLines(b, 20)
		if err != nil || len(b) != len(content) || len(again) != len(lines) {
			t.Errorf("%d lines became %d, %v", len(lines), len(again), err)
		}
	})
}
