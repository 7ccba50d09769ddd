package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/archive"
	"plumb.dev/plumb/internal/tree"
)

// member is one entry of an archive, as it is packed.
type member struct {
	name, content string
	kind          byte
	link          string
}

func packed(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.content)), Typeflag: m.kind, Linkname: m.link}
		if m.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		members []member
		want    string
	}{
		"a chart":          {[]member{{name: "a", kind: tar.TypeDir}, {name: "a/Chart.yaml", content: "1"}, {name: "a/templates/b.yaml", content: "2"}}, "Chart.yaml=1 templates/b.yaml=2"},
		"two at the top":   {[]member{{name: "b/x", content: "1"}, {name: "a/x", content: "2"}}, "a/x=2 b/x=1"},
		"a file at top":    {[]member{{name: "./Chart.yaml", content: "1"}, {name: "./templates//x", content: "2"}}, "Chart.yaml=1 templates/x=2"},
		"backslashes":      {[]member{{name: `a\b\c`, content: "1"}}, "b/c=1"},
		"a link inside":    {[]member{{name: "a/b/x", kind: tar.TypeSymlink, link: "../y"}, {name: "a/y", content: "1"}}, "b/x=../y y=1"},
		"nothing":          {nil, ""},
		"a global comment": {[]member{{name: "pax_global_header", kind: tar.TypeXGlobalHeader}, {name: "a/x", content: "1"}}, "x=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			members := test.members
			var p []byte
			if name == "a global comment" {
				p = withComment(t, members[1:])
			} else {
				p = packed(t, members...)
			}
			files, err := archive.Unpack(p, archive.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range files {
				got = append(got, f.Name+"="+string(f.Content))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if _, err := archive.Tree(files); err != nil {
				t.Error(err)
			}
		})
	}
}

// withComment is what git archive makes.
func withComment(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.content))}); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, m.content)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestS01NamesLeadNowhere: no name or link of an archive reaches outside of it.
func TestS01NamesLeadNowhere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		member member
		says   string
	}{
		"above":            {member{name: "a/../../x"}, "leads out"},
		"above, inside":    {member{name: "a/b/../x"}, "leads out"},
		"above, backwards": {member{name: `a\..\..\x`}, "leads out"},
		"absolute":         {member{name: "/etc/passwd"}, "leads out"},
		"a drive":          {member{name: `C:\x`}, "leads out"},
		"a drive, deeper":  {member{name: "a/C:/x"}, "leads out"},
		"a line end":       {member{name: "a/b\nc"}, "can't be used"},
		"a long name":      {member{name: "a/" + strings.Repeat("b/", 600) + "x"}, "can't be used"},
		"no name":          {member{name: "."}, "names no file"},
		"link to above":    {member{name: "a/x", kind: tar.TypeSymlink, link: "../../etc"}, "leads out"},
		"link out of top":  {member{name: "a/x", kind: tar.TypeSymlink, link: "../y"}, "leads out"},
		"absolute link":    {member{name: "a/x", kind: tar.TypeSymlink, link: "/etc/passwd"}, "leads out"},
		"link to nowhere":  {member{name: "a/x", kind: tar.TypeSymlink}, "leads nowhere"},
		"hard link":        {member{name: "a/x", kind: tar.TypeLink, link: "a/y"}, "hard link"},
		"device":           {member{name: "a/x", kind: tar.TypeChar}, "device"},
		"pipe":             {member{name: "a/x", kind: tar.TypeFifo}, "device"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := archive.Unpack(packed(t, test.member), archive.Limits{})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
	for name, members := range map[string][]member{
		"twice":             {{name: "a/x"}, {name: "a/./x"}},
		"file and folder":   {{name: "a/x"}, {name: "a/x/y"}, {name: "a/z"}},
		"link and folder":   {{name: "a/x", kind: tar.TypeSymlink, link: "."}, {name: "a/x/y"}},
		"folder, then file": {{name: "a/x/y/z"}, {name: "a/x"}},
	} {
		if _, err := archive.Unpack(packed(t, members...), archive.Limits{}); err == nil || !strings.Contains(err.Error(), "in it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestS06ArchiveBombs: what is read is bounded in bytes, files, depth and growth.
func TestS06ArchiveBombs(t *testing.T) {
	t.Parallel()
	many := make([]member, 101)
	for i := range many {
		many[i] = member{name: fmt.Sprint("a/", i)}
	}
	folders := make([]member, 101)
	for i := range folders {
		folders[i] = member{name: "a/", kind: tar.TypeDir}
	}
	for name, test := range map[string]struct {
		packed []byte
		limits archive.Limits
		says   string
	}{
		"bytes":         {packed(t, member{name: "a", content: strings.Repeat("ab", 600)}), archive.Limits{Bytes: 1000}, "more than 1000 bytes"},
		"many bytes":    {packed(t, member{name: "a", content: strings.Repeat("x", 600)}, member{name: "b", content: strings.Repeat("x", 600)}), archive.Limits{Bytes: 1000}, "more than 1000 bytes"},
		"growth":        {packed(t, member{name: "a", content: strings.Repeat("x", 8<<20)}), archive.Limits{}, "more than 4194304 bytes"},
		"files":         {packed(t, many...), archive.Limits{Files: 100}, "more than 100 files"},
		"folders":       {packed(t, folders...), archive.Limits{Files: 100}, "more than 100 files"},
		"depth":         {packed(t, member{name: strings.Repeat("a/", 40) + "x"}), archive.Limits{}, "more than 32 deep"},
		"a sparse file": {sparse(t, 1<<40), archive.Limits{}, "more than 4194304 bytes"},
		"no end":        {endless(t), archive.Limits{}, "more than 4194304 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := archive.Unpack(test.packed, test.limits); !errors.Is(err, archive.ErrTooLarge) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

// sparse is a file that says of itself to have a terabyte of nothing.
func sparse(t *testing.T, size int64) []byte {
	t.Helper()
	var records string
	for _, r := range [][2]string{{"GNU.sparse.major", "0"}, {"GNU.sparse.minor", "1"}, {"GNU.sparse.numblocks", "1"}, {"GNU.sparse.map", fmt.Sprintf("%d,0", size)}, {"GNU.sparse.size", fmt.Sprint(size)}, {"GNU.sparse.name", "a/x"}} {
		line := " " + r[0] + "=" + r[1] + "\n"
		n := len(line) + 2
		if n > 99 {
			t.Fatal("the record is too long for the test")
		}
		records += fmt.Sprintf("%02d", n) + line
	}
	block := func(kind byte, name string, size int) []byte {
		b := make([]byte, 512)
		copy(b, name)
		copy(b[100:], "0000644\x00")
		copy(b[124:], fmt.Sprintf("%011o\x00", size))
		copy(b[148:], "        ")
		b[156] = kind
		copy(b[257:], "ustar\x0000")
		sum := 0
		for _, c := range b {
			sum += int(c)
		}
		copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
		return b
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	body := make([]byte, (len(records)+511)/512*512)
	copy(body, records)
	for _, part := range [][]byte{block('x', "pax", len(records)), body, block('0', "a/x", 0), make([]byte, 1024)} {
		if _, err := z.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// endless is an archive whose header never ends: zeros that are packed well.
func endless(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "a/x", Size: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 16 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	whole := packed(t, member{name: "a/x", content: strings.Repeat("some text ", 100)})
	for name, b := range map[string][]byte{"nothing": nil, "text": []byte("not found"), "cut": whole[:len(whole)/2], "no tar": zipped(t, "not a tar at all, but long enough to be taken for one"+strings.Repeat(".", 512))} {
		if _, err := archive.Unpack(b, archive.Limits{}); err == nil {
			t.Errorf("%s: it was unpacked", name)
		}
	}
}

func zipped(t *testing.T, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, content)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTreesCompare: trees of two packages differ in what differs.
func TestTreesCompare(t *testing.T) {
	t.Parallel()
	read := func(members ...member) tree.Tree {
		files, err := archive.Unpack(packed(t, members...), archive.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		made, err := archive.Tree(files)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	one := read(member{name: "a/Chart.yaml", content: "1"}, member{name: "a/t/x", content: "x"}, member{name: "a/t.x", content: "x"})
	two := read(member{name: "b/t.x", content: "x"}, member{name: "b/Chart.yaml", content: "2"}, member{name: "b/t/x", content: "x"}, member{name: "b/t/y", content: "y"})
	changes, err := tree.Diff(one, two)
	want := []tree.Change{{Path: "Chart.yaml", Kind: tree.Modified}, {Path: "t", Kind: tree.Modified}, {Path: "t/y", Kind: tree.Added}}
	if diff := cmp.Diff(want, changes); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if b, err := two.ReadFile("t/y"); err != nil || string(b) != "y" {
		t.Errorf("got %q, %v", b, err)
	}
	linked := read(member{name: "a/l", kind: tar.TypeSymlink, link: "t/x"}, member{name: "a/t/x", content: "x"})
	if b, err := linked.ReadFile("l"); err != nil || string(b) != "x" {
		t.Errorf("a link: got %q, %v", b, err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(packed(f, member{name: "a/Chart.yaml", content: "1"}, member{name: "a/l", kind: tar.TypeSymlink, link: "Chart.yaml"}))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		limits := archive.Limits{Bytes: 1 << 20, Files: 100, Depth: 8}
		for _, p := range [][]byte{b, rezipped(b)} {
			files, err := archive.Unpack(p, limits)
			if err != nil {
				continue
			}
			total := 0
			for _, f := range files {
				total += len(f.Content)
				if strings.HasPrefix(f.Name, "/") || strings.Contains("/"+f.Name+"/", "/../") {
					t.Errorf("the name %q", f.Name)
				}
			}
			if total > 1<<20 || len(files) > 100 {
				t.Errorf("%d files of %d bytes", len(files), total)
			}
			made, err := archive.Tree(files)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if f.Mode == tree.Link {
					continue
				}
				if got, err := made.ReadFile(f.Name); err == nil && !bytes.Equal(got, f.Content) {
					t.Errorf("%s reads otherwise", f.Name)
				}
			}
		}
	})
}

// rezipped takes the fuzzer's bytes for a tar archive.
func rezipped(b []byte) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(b)
	_ = z.Close()
	return packed.Bytes()
}
