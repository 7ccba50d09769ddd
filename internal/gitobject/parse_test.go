package gitobject

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
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
			got, err := ParseCommit(id, []byte(test.content))
			test.want.ID, test.want.Tree = id, root
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	if c, err := ParseCommit(id, []byte("author A <a> 1 +0000\n\n")); err == nil {
		t.Errorf("no tree: got %v", c)
	}
}

func FuzzParseCommit(f *testing.F) {
	f.Add([]byte("tree 2222222222222222222222222222222222222222\nauthor A <a> 1 +0000\ncommitter C <c> 9999999999999999999 +9999\n\nm"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := ParseCommit("x", content)
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
			entries, err := ParseFolder([]byte(test.content), 20)
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
		entries, err := ParseFolder(content, 20)
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
