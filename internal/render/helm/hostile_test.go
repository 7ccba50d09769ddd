package helm

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// bad is an error that a render must come to, within time and memory.
func bad(t *testing.T, bounds work, template, want string) {
	t.Helper()
	files := in(template, map[string]string{"c/values.yaml": "loop: '{{ tpl .Values.loop . }}'\nbomb: |\n" + indented(bomb(12))})
	r := New()
	r.bounds.work, r.bounds.time = bounds, 5*time.Minute // by which a machine that does much else isn't taken for a template that does
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	result, err := render.Set{r}.Render(t.Context(), render.Work{Files: treetest.New(files), Path: "c"})
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %d objects and the error\n%v\nwant\n%s", len(result.Objects), err, want)
	}
	const enough, much = 2 * time.Minute, 4 << 30
	if allocated := after.TotalAlloc - before.TotalAlloc; took > enough || allocated > much {
		t.Errorf("took %s and allocated %d MiB", took, allocated>>20)
	}
	t.Logf("%s: %.300v", took.Round(time.Millisecond), err)
}

// Not parallel: each is held to its memory.
func TestS08TemplatesWithoutEnd(t *testing.T) {
	const deep = "use each other more than 500 deep"
	for name, test := range map[string]struct{ template, want string }{
		"includes itself":          {`{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, "c/templates/a.yaml:1"},
		"includes in a circle":     {circle(40), deep},
		"template calls itself":    {`{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, deep},
		"file includes itself":     {`{{ template "shop/templates/a.yaml" . }}`, deep},
		"tpl calls itself":         {`{{ tpl .Values.loop . }}`, deep},
		"tpl calls itself, piped":  {`{{ define "t" }}{{ (tpl .Values.loop .) | quote }}{{ end }}{{ include "t" . }}`, deep},
		"tree of templates":        {`{{ define "a" }}{{ if . }}{{ include "a" (rest .) }}{{ include "a" (rest .) }}{{ end }}{{ end }}{{ include "a" (until 60) }}`, "more than 100000 steps"},
		"range over a huge number": {`{{ range 100000000000 }}{{ end }}`, "more than 100000 steps"},
		"ranges in ranges":         {`{{ range 100000 }}{{- range 100000 -}}x{{- end -}}{{ end }}`, "more than"},
		"range in tpl":             {`{{ tpl "{{ range 100000000000 }}{{ end }}" . }}`, "more than 100000 steps"},
		"until huge":               {`{{ range until 2000000000 }}{{ end }}`, "until would yield more than"},
		"untilStep huge":           {`{{ range untilStep -2000000000 2000000000 1 }}{{ end }}`, "untilStep would yield more than"},
		"seq huge":                 {`{{ seq 2000000000 }}`, "seq would yield more than"},
		"repeat huge":              {`{{ repeat 2000000000 "x" }}`, "repeat would yield more than"},
		"indent huge":              {`{{ indent 2000000000 "x" }}`, "indent would yield more than"},
		"random huge":              {`{{ randAlphaNum 2000000000 }}`, "randAlphaNum would yield more than"},
		"printf widths":            {`{{ printf "` + strings.Repeat("%1000000d", 50) + `" 1 }}`, "printf would yield more than"},
		"replace grows":            {`{{ replace "" (repeat 10000 "x") (repeat 10000 "y") }}`, "replace would yield more than"},
		"join grows":               {`{{ join (repeat 10000 "x") (until 10000) }}`, "join would yield more than"},
		"text printed for ever":    {`{{ range 4000000 }}` + strings.Repeat("x", 1000) + `{{ end }}`, "yield more than 33554432 bytes"},
		"blanks for ever":          {`{{ define "b" }}` + strings.Repeat(" ", 64) + `{{ end }}{{ range 4000000 }}` + strings.Repeat(`{{ template "b" }}`, 100) + `{{ end }}`, "more than 100000 steps"},
		"many blanks for ever":     {`{{ define "b" }}` + strings.Repeat(" ", 65) + `{{ end }}{{ range 4000000 }}{{ template "b" }}{{ end }}`, "more than 100000 steps"},
		"value printed for ever":   {`{{ $x := repeat 1000000 "x" }}{{ range 4000000 }}{{ $x }}{{ end }}`, "yield more than 33554432 bytes"},
		"text doubles":             {`{{ $x := "xxxxxxxx" }}{{ range 60 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`, "a value has more than"},
		"included text doubles":    {`{{ define "d" }}{{ . }}{{ . }}{{ end }}{{ $x := "xxxxxxxx" }}{{ range 60 }}{{ $x = include "d" $x }}{{ end }}`, "more than"},
		"list doubles":             {`{{ $x := list 1 }}{{ range 60 }}{{ $x = concat $x $x }}{{ end }}`, "more than"},
		"list in lists, as YAML":   {`{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ toYaml $x }}`, "a value has more than"},
		"list in lists, printed":   {`{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ $x }}`, "a value has more than"},
		"value that holds itself":  {`{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toYaml $d }}`, "holds itself"},
		"itself as JSON":           {`{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d | toJson }}`, "holds itself"},
		"itself merged":            {`{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $_ = merge (dict) $d }}{{ $_ = deepCopy $d }}`, "holds itself"},
		"merged with itself":       {`{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $_ = mergeOverwrite $d $d }}`, "holds itself"},
		"wide, merged with itself": {`{{ $d := dict "a" 1 }}{{ range 60 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ $_ := mustMerge $d $d }}`, "a value has more than"},
		"wide, copied":             {`{{ $d := dict "a" 1 }}{{ range 60 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ $_ := mustDeepCopy $d }}`, "a value has more than"},
		"deep value":               {`{{ $x := dict }}{{ range 2000 }}{{ $x = dict "a" $x }}{{ end }}{{ toYaml $x }}`, "nests more than 1000 deep"},
		"deep blocks":              {strings.Repeat("{{ if true }}", 100_000) + strings.Repeat("{{ end }}", 100_000), "nest too deep"},
		"deep else":                {"{{ if false }}" + strings.Repeat("{{ else if false }}", 100_000) + "{{ end }}", "nest too deep"},
		"deep parentheses":         {"{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}", "nest too deep"},
		"keys for ever":            {`{{ range 1000 }}{{ $_ := genPrivateKey "ecdsa" }}{{ end }}`, "more than 100000 steps"},
		"split for ever":           {`{{ $x := repeat 4000000 "x" }}{{ $_ := splitList "" $x }}`, "splitList would yield more than"},
		"aliases":                  {`{{ $x := fromYaml .Values.bomb }}{{ toYaml $x }}`, "c/templates/a.yaml"},
		"many objects":             {`{{ range 30000 }}{{ "\n---\n" }}{apiVersion: v1, kind: A, metadata: {name: a{{ . }}}}{{ end }}`, "above the limit of 20000"},
	} {
		t.Run(name, func(t *testing.T) {
			bounds := usualWork()
			bounds.steps, bounds.bytes, bounds.value, bounds.nesting = 100_000, 32<<20, 4<<20, 500
			bad(t, bounds, test.template, test.want)
		})
	}
}

// circle are templates that include each other, one after the other.
func circle(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{{ define "t%d" }}{{ include "t%d" . }}{{ end }}`, i, (i+1)%n)
	}
	return b.String() + `{{ include "t0" . }}`
}

// bomb is YAML whose aliases make it large.
func bomb(levels int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < levels; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

func indented(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

// The clock ends what the other bounds let pass. It says nothing of the files:
// trying again may go well.
func TestS08TheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New()
		r.bounds.time = -1
		_, err := render.Set{r}.Render(t.Context(), render.Work{Files: treetest.New(in(`{{ range 100000 }}{{ end }}`, nil)), Path: "c"})
		if err == nil || !strings.Contains(err.Error(), render.ErrRead.Error()) || !strings.Contains(err.Error(), "the chart takes longer than") {
			t.Errorf("got the error %v", err)
		}
	})
}

func TestS05HostileFiles(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 10_001 {
		many[fmt.Sprintf("c/files/%d", i)] = ""
	}
	large := map[string]string{}
	for i := range 5 {
		large[fmt.Sprintf("c/files/%d", i)] = strings.Repeat("x", 15<<20)
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"values that expand":    {map[string]string{"c/values.yaml": bomb(12)}, "c/values.yaml"},
		"chart that expands":    {map[string]string{"c/Chart.yaml": chartYAML + bomb(12)}, "c/Chart.yaml"},
		"many files":            {many, "more than 10000 files"},
		"large files":           {large, "more than 67108864 bytes"},
		"deep folders":          {map[string]string{"c/" + strings.Repeat("d/", 30) + "f": ""}, "folders nest more than 16 deep"},
		"link out":              {map[string]string{"c/templates/x.yaml": treetest.LinkTo + "../../../etc/passwd"}, "leads out of the repository"},
		"link in a loop":        {map[string]string{"c/x": treetest.LinkTo + "y", "c/y": treetest.LinkTo + "x"}, "links in a loop"},
		"folder of itself":      {map[string]string{"c/x": treetest.LinkTo + "."}, "folders nest more than 16 deep"},
		"submodule":             {map[string]string{"c/charts/x": treetest.Submodule}, "is a submodule"},
		"name leads out":        {map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: ../../x\nversion: 1.0.0\n"}, "c/Chart.yaml: name"},
		"no name":               {map[string]string{"c/Chart.yaml": "apiVersion: v2\nversion: 1.0.0\n"}, "c/Chart.yaml: name is required; correct it"},
		"broken Chart.yaml":     {map[string]string{"c/Chart.yaml": "name: [\n"}, "c/Chart.yaml:"},
		"chart of the future":   {map[string]string{"c/Chart.yaml": "apiVersion: v9\nname: a\nversion: 1.0.0\n"}, `apiVersion "v9" is not known`},
		"library":               {map[string]string{"c/Chart.yaml": chartYAML + "type: library\n"}, "is a library chart"},
		"broken ignore":         {map[string]string{"c/.helmignore": "a/**\n"}, "c/.helmignore: a rule can't be used"},
		"wants another cluster": {map[string]string{"c/Chart.yaml": chartYAML + "kubeVersion: '<1.20'\n"}, "wants Kubernetes <1.20, and is rendered for v1.36.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rendered(t, in(configMap("x"), test.files), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v, want %s", err, test.want)
			}
		})
	}
}

func TestS01ValueFilesStayInside(t *testing.T) {
	t.Parallel()
	files := in(configMap("x"), map[string]string{"l/link.yaml": treetest.LinkTo + "/etc/passwd", "l/up.yaml": treetest.LinkTo + "../../x.yaml", "c/secret.yaml": "password: canary\n  x: y\n"})
	for file, want := range map[string]string{
		"../../etc/passwd": "leads out of the repository", "/../x": "leads out", "file:///etc/passwd": "leads out of the repository", "https://x/y": "leads out of the repository",
		"/l/link.yaml": "leads out of the repository", "../l/up.yaml": "leads out of the repository", "none.yaml": "not in the repository", "*.none": "no file matches", "secret.yaml": "c/secret.yaml:",
		"templates": "is a folder", "none/*.yaml": "no file matches", "/l/*.yaml": "leads out of the repository",
	} {
		_, err := rendered(t, files, &v1alpha1.Helm{ValueFiles: []string{file}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got the error %v", file, err)
		}
	}
}

// member of a packed chart.
type packed struct {
	name, content string
	kind          byte
	to            string // of a link; /etc/passwd where it is none
	size          int    // of a file of zeros
}

func pack(members ...packed) string {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w := tar.NewWriter(z)
	for _, m := range members {
		if m.kind == 0 {
			m.kind = tar.TypeReg
		}
		size := len(m.content) + m.size
		if m.kind != tar.TypeReg {
			size = 0
		}
		_ = w.WriteHeader(&tar.Header{Name: m.name, Typeflag: m.kind, Size: int64(size), Linkname: cmp.Or(m.to, "/etc/passwd"), Mode: 0o644})
		_, _ = w.Write([]byte(m.content))
		if m.size > 0 {
			_, _ = w.Write(make([]byte, m.size))
		}
	}
	_ = w.Close()
	_ = z.Close()
	return b.String()
}

const subYAML = "apiVersion: v2\nname: sub\nversion: 1.0.0\n"

func TestS06Archives(t *testing.T) {
	t.Parallel()
	chart := packed{name: "sub/Chart.yaml", content: subYAML}
	many := []packed{chart}
	for i := range 10_001 {
		many = append(many, packed{name: fmt.Sprintf("sub/f%d", i), content: fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))})
	}
	nested := pack(chart)
	for range 20 {
		nested = pack(chart, packed{name: "sub/charts/sub-1.0.0.tgz", content: nested})
	}
	for name, test := range map[string]struct{ content, want string }{
		"sound":           {pack(chart, packed{name: "sub/templates/a.yaml", content: "a: 1"}), "has no apiVersion"},
		"bomb":            {pack(chart, packed{name: "sub/zeros", size: 50 << 20}), "when it is unpacked"},
		"many files":      {pack(many...), " files"},
		"in each other":   {nested, "more than 16 deep"},
		"link":            {pack(chart, packed{name: "sub/link", kind: tar.TypeSymlink}), "is a link that leads out of it"},
		"link inside":     {pack(chart, packed{name: "sub/link", kind: tar.TypeSymlink, to: "Chart.yaml"}), `"link" is a link; pack it again without`},
		"hard link":       {pack(chart, packed{name: "sub/link", kind: tar.TypeLink}), "is a device or a hard link"},
		"device":          {pack(chart, packed{name: "sub/dev", kind: tar.TypeChar}), "is a device or a hard link"},
		"dots":            {pack(chart, packed{name: "sub/../../x"}), "leads out of it"},
		"dots, backslash": {pack(chart, packed{name: `sub\..\..\x`}), "leads out of it"},
		"absolute":        {pack(chart, packed{name: "/etc/x"}), "leads out of it"},
		"drive":           {pack(chart, packed{name: "sub/c:/x"}), "leads out of it"},
		"outside":         {pack(chart, packed{name: "x"}), "there is no Chart.yaml in it"},
		"twice":           {pack(chart, chart), "is in it twice"},
		"no chart":        {pack(packed{name: "sub/x"}), "there is no Chart.yaml in it"},
		"no archive":      {"hello", "is no packed chart"},
		"cut":             {pack(chart, packed{name: "sub/x", content: strings.Repeat("abcdefgh", 1000)})[:100], "is no packed chart"},
		"empty":           {pack(), "there is no Chart.yaml in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := in(configMap("x"), map[string]string{"c/charts/sub-1.0.0.tgz": test.content})
			_, err := rendered(t, files, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "c/charts/sub-1.0.0.tgz") {
				t.Errorf("got the error %v, want %s", err, test.want)
			}
		})
	}
}
