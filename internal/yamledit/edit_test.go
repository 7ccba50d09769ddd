package yamledit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edit is one edit of a table: what is set at a path, or, where it is absent,
// removed.
type edit struct {
	in    string
	path  Path
	value any
	want  string
}

// absent stands for no value.
type absent struct{}

func (e edit) do() (string, error) {
	d, err := Open([]byte(e.in), Selector{})
	if err != nil {
		return "", err
	}
	if _, removes := e.value.(absent); removes {
		d, err = d.Remove(e.path)
	} else {
		d, err = d.Set(e.path, e.value)
	}
	if err != nil {
		return "", err
	}
	return string(d.Bytes()), nil
}

func tryEdits(t *testing.T, edits map[string]edit) {
	t.Helper()
	for name, e := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := e.do()
			if err != nil {
				t.Fatalf("%v in\n%s", err, e.in)
			}
			if diff := cmp.Diff(e.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s\ngot:\n%s", diff, got)
			}
		})
	}
}

func TestSetScalar(t *testing.T) {
	t.Parallel()
	a := Keys("a")
	tryEdits(t, map[string]edit{
		"plain":                       {"a: x\n", a, "w", "a: w\n"},
		"number":                      {"a: 1\nb: 2\n", a, 3, "a: 3\nb: 2\n"},
		"comment beside":              {"a:   x   # why\n", a, "w", "a:   w   # why\n"},
		"comments around":             {"# 1\n\na: x\n# 2\n", a, "w", "# 1\n\na: w\n# 2\n"},
		"no line break at the end":    {"a: x", a, "w", "a: w"},
		"windows":                     {"a: x\r\nb: 1\r\n", a, "w", "a: w\r\nb: 1\r\n"},
		"byte order mark":             {"\xef\xbb\xbfa: x\n", a, "w", "\xef\xbb\xbfa: w\n"},
		"single quotes":               {"a: 'x'\n", a, "it's", "a: 'it''s'\n"},
		"double quotes":               {"a: \"x\"\n", a, "say \"y\"", "a: \"say \\\"y\\\"\"\n"},
		"single quotes don't do":      {"a: 'x'\n", a, "y\nz", "a: |-\n  y\n  z\n"},
		"quotes go for a number":      {"a: \"1\"\n", a, 2, "a: 2\n"},
		"quotes come for text":        {"a: 1\n", a, "2", "a: \"2\"\n"},
		"quotes of the file":          {"a: 1\nb: 'x'\n", a, "2", "a: '2'\nb: 'x'\n"},
		"boolean of old":              {"a: x\n", a, "yes", "a: \"yes\"\n"},
		"boolean of very old":         {"a: x\n", a, "n", "a: \"n\"\n"},
		"octal":                       {"a: x\n", a, "0644", "a: \"0644\"\n"},
		"octal number":                {"mode: 0644\na: 0755\n", a, 0o600, "mode: 0644\na: 384\n"},
		"base 60":                     {"a: x\n", a, "22:22", "a: \"22:22\"\n"},
		"date":                        {"a: x\n", a, "2024-01-01", "a: \"2024-01-01\"\n"},
		"empty":                       {"a: x\n", a, "", "a: \"\"\n"},
		"null":                        {"a: x\n", a, nil, "a: null\n"},
		"nothing there":               {"a:\nb: 1\n", a, "x", "a: x\nb: 1\n"},
		"nothing there, comment":      {"a: # c\nb: 1\n", a, "x", "a: x # c\nb: 1\n"},
		"nothing there, at the end":   {"b: 1\na:", a, "x", "b: 1\na: x"},
		"colon":                       {"a: x\n", a, "b: c", "a: \"b: c\"\n"},
		"hash":                        {"a: x\n", a, "b #c", "a: \"b #c\"\n"},
		"image":                       {"a: nginx:1.2\n", a, "registry.example.com:5000/nginx:1.3@sha256:0a", "a: registry.example.com:5000/nginx:1.3@sha256:0a\n"},
		"flags":                       {"a: x\n", a, "--log-level=debug", "a: --log-level=debug\n"},
		"star":                        {"a: x\n", a, "*", "a: \"*\"\n"},
		"float":                       {"a: 1.5\n", a, 2.25, "a: 2.25\n"},
		"large float":                 {"a: 1.5\n", a, 1e30, "a: 1e+30\n"},
		"boolean":                     {"a: yes\n", a, false, "a: false\n"},
		"several lines of plain text": {"a: x\n  y\n\n  z # c\nb: 1\n", a, "w", "a: w # c\nb: 1\n"},
		"value on the next line":      {"a:\n  # c\n  x\nb: 1\n", a, "w", "a:\n  # c\n  w\nb: 1\n"},
		"several lines, quoted":       {"a: \"x\n  y \\\n  z\" # c\nb: 1\n", a, "w", "a: \"w\" # c\nb: 1\n"},
		"escapes":                     {"a: \"x\"\n", a, "tab\tbell\a é ☃ 😀 \u0085\u2028", "a: \"tab\\tbell\\u0007 é ☃ 😀 \\u0085\\u2028\"\n"},
		"letters before it":           {"{é: ☃, a: x}\n", a, "w", "{é: ☃, a: w}\n"},
		"strange line breaks before":  {"b: \"x\u2028w\"\nc: 'p\u0085q'\na: x\n", a, "w", "b: \"x\u2028w\"\nc: 'p\u0085q'\na: w\n"},
		"anchor that nobody uses":     {"a: &x 1\nb: 2\n", a, 3, "a: &x 3\nb: 2\n"},
		"alias":                       {"b: &x 1\na: *x\n", a, 3, "b: &x 1\na: 3\n"},
		"alias, then a comment":       {"b: &x 1\na: *x # c\n", a, "q", "b: &x 1\na: q # c\n"},
		"flow":                        {"{a: x, b: [1, 2]}\n", a, "y,z", "{a: \"y,z\", b: [1, 2]}\n"},
		"flow, nothing there":         {"{a: , b: 1}\n", a, "w", "{a: w, b: 1}\n"},
		"json":                        {"{\n  \"a\": \"x\",\n  \"b\": 1\n}", a, "y\n<&>", "{\n  \"a\": \"y\\n<&>\",\n  \"b\": 1\n}"},
		"json, tight":                 {`{"b":[1,2],"a":"x"}`, a, 5, `{"b":[1,2],"a":5}`},
		"json, tabs":                  {"{\n\t\"a\": \"x\",\n\t\"b\": 1\n}\n", a, "y", "{\n\t\"a\": \"y\",\n\t\"b\": 1\n}\n"},
		"json, character that json escapes in pairs": {`{"a": "x"}`, a, "\U000e0001", "{\"a\": \"\U000e0001\"}"},
		"index":   {"- x\n- y\n", Keys("1"), "z", "- x\n- z\n"},
		"element": {"c:\n- name: a\n  image: x\n- image: y\n  name: b\n", Path{{Key: "c"}, Element("name", "b"), {Key: "image"}}, "z", "c:\n- name: a\n  image: x\n- image: z\n  name: b\n"},
		"element by number": {"ports: [{containerPort: 80, hostPort: 1}, {containerPort: 81}]\n", Path{{Key: "ports"}, {Match: []Match{{"containerPort", 80}, {"protocol", "TCP"}}}, {Key: "hostPort"}}, 2,
			"ports: [{containerPort: 80, hostPort: 2}, {containerPort: 81}]\n"},
		"element that is the value": {"f:\n- a\n- b # c\n", Path{{Key: "f"}, {Match: []Match{{"", "b"}}}}, "d", "f:\n- a\n- d # c\n"},
		"unchanged":                 {"a: 'x'\n", a, "x", "a: 'x'\n"},
		"marker":                    {"---\na: x\n...\n# end\n", a, "w", "---\na: w\n...\n# end\n"},
		"directive":                 {"%YAML 1.1\n---\na: x\n", a, "w", "%YAML 1.1\n---\na: w\n"},
		"on the marker's line":      {"--- {a: x} # c\n", a, "w", "--- {a: w} # c\n"},
		"long lines stay":           {"b: " + strings.Repeat("long ", 500) + "\na: x\n", a, strings.Repeat("word ", 300) + "end", "b: " + strings.Repeat("long ", 500) + "\na: " + strings.Repeat("word ", 300) + "end\n"},
	})
}

func TestSetBlockText(t *testing.T) {
	t.Parallel()
	a := Keys("a")
	tryEdits(t, map[string]edit{
		"a line of it":           {"a: |\n  one\n\n  two\n  three\nb: 1\n", a, "one\n\n2\nthree\n", "a: |\n  one\n\n  2\n  three\nb: 1\n"},
		"deeper":                 {"a: |\n      one\n        two\n", a, "one\n  2\n", "a: |\n      one\n        2\n"},
		"end goes":               {"a: | # c\n  one\n\n\nb: 1\n", a, "2", "a: |- # c\n  2\n\n\nb: 1\n"},
		"ends kept":              {"a: |+\n  one\n\n\nb: 1\n", a, "2\n\n", "a: |+\n  2\n\nb: 1\n"},
		"windows":                {"a: |\r\n  one\r\n  two\r\nb: 1\r\n", a, "one\n2\n3\n", "a: |\r\n  one\r\n  2\r\n  3\r\nb: 1\r\n"},
		"spaces on empty lines":  {"a: |\n  one\n  \n  two\n", a, "one\n\n2\n", "a: |\n  one\n  \n  2\n"},
		"indent is given":        {"a: |2\n    one\n  two\n", a, "    1\ntwo\n", "a: |2\n      1\n  two\n"},
		"becomes a word":         {"a: |\n  one\nb: 1\n", a, 5, "a: 5\nb: 1\n"},
		"comment stays":          {"a: | # c\n  one\nb: 1\n", a, 5, "a: 5 # c\nb: 1\n"},
		"can't be a block":       {"a: |\n  one\nb: 1\n", a, "bell\a\n", "a: \"bell\\u0007\\n\"\nb: 1\n"},
		"begins with a space":    {"a: |\n  one\nb: 1\n", a, " one\n", "a: \" one\\n\"\nb: 1\n"},
		"in a list":              {"- |\n  one\n- x\n", Keys("0"), "2\n", "- |\n  2\n- x\n"},
		"in a list of a mapping": {"a:\n- |\n  one\n- x\n", Keys("a", "0"), "2\n", "a:\n- |\n  2\n- x\n"},
		"folded":                 {"a: >\n  one\n  two\nb: 1\n", a, "three\n", "a: >\n  three\nb: 1\n"},
		"folded, in the middle":  {"a: > # c\n  one two\n  three four\n  five six\nb: 1\n", a, "one two three new five six\n", "a: > # c\n  one two\n  three new\n  five six\nb: 1\n"},
		"folded, paragraphs":     {"a: >-\n  one\n  two\n\n  three\n\n\n  four\n", a, "one two\n3\n\nfour", "a: >-\n  one\n  two\n\n  3\n\n\n  four\n"},
		"folded, more of them":   {"a: >\n  one\n\n  two\nb: 1\n", a, "one\nand\ntwo", "a: >-\n  one\n\n  and\n\n  two\nb: 1\n"},
		"folded, indented":       {"a: >\n  one\n    code\n  two\nb: 1\n", a, "one\n  more\ntwo\n", "a: |\n  one\n    more\n  two\nb: 1\n"},
		"from a word":            {"a: one # c\nb: 1\n", a, "one\ntwo\n", "a: | # c\n  one\n  two\nb: 1\n"},
		"from nothing":           {"a:\nb: 1\n", a, "one\ntwo\n", "a: |\n  one\n  two\nb: 1\n"},
		"script with #":          {"a: |\n  #!/bin/sh\n  # c\n  x\n# after\nb: 1\n", a, "#!/bin/sh\n# c\ny\n", "a: |\n  #!/bin/sh\n  # c\n  y\n# after\nb: 1\n"},
		"last in the file":       {"a: |\n  one", a, "two", "a: |-\n  two"},
		"markers in it":          {"a: |\n  one\n", a, "---\none\n", "a: |\n  ---\n  one\n"},
	})
}

func TestSetCollection(t *testing.T) {
	t.Parallel()
	a := Keys("a")
	m := func(kv ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i].(string)] = kv[i+1]
		}
		return out
	}
	tryEdits(t, map[string]edit{
		"only what differs":      {"a:\n  # 1\n  b: 1 # 2\n  c: 2\n  d: 3\n", a, m("b", 5, "d", 3, "e", "x"), "a:\n  # 1\n  b: 5 # 2\n  d: 3\n  e: x\n"},
		"list, middle":           {"a:\n- x # 1\n- y # 2\n- z # 3\n", a, []any{"x", "z"}, "a:\n- x # 1\n- z # 3\n"},
		"list, more":             {"a:\n- x # 1\n- z # 3\n", a, []any{"x", "u", "z", "w"}, "a:\n- x # 1\n- u\n- z # 3\n- w\n"},
		"list, in front":         {"a:\n  - x # 1\n", a, []any{"w", "x"}, "a:\n  - w\n  - x # 1\n"},
		"list, flow":             {"a: [x, y, z]\n", a, []any{"x", "w", "y", "z"}, "a: [x, w, y, z]\n"},
		"from a word":            {"a: x # c\nb:\n    c: 1\n", a, m("p", m("q", 1)), "a: # c\n    p:\n        q: 1\nb:\n    c: 1\n"},
		"list from a word":       {"a: x\nb:\n  - 1\n", a, []any{m("name", "na", "b", []any{1}), "t"}, "a:\n  - name: na\n    b:\n      - 1\n  - t\nb:\n  - 1\n"},
		"to a word":              {"a: # c\n  b:\n    - 1\n    - 2\nd: 1\n", a, "x", "a: x # c\nd: 1\n"},
		"to a word, in a list":   {"- b: 1\n  c: 2\n- d\n", Keys("0"), "x", "- x\n- d\n"},
		"to nothing":             {"a:\n  b: 1\nd: 1\n", a, m(), "a: {}\nd: 1\n"},
		"in a list, from a word": {"- x # c\n- y\n", Keys("0"), m("b", 1, "name", "na"), "- name: na # c\n  b: 1\n- y\n"},
		"alias to a mapping":     {"b: &x {c: 1}\na: *x\n", a, m("c", 2), "b: &x {c: 1}\na:\n  c: 2\n"},
		"merge is overridden":    {"b: &x {c: 1, d: 2}\na:\n  <<: *x\n  e: 3\n", a, m("c", 5, "d", 2, "e", 3), "b: &x {c: 1, d: 2}\na:\n  <<: *x\n  e: 3\n  c: 5\n"},
		"json":                   {`{"a": {"b": 1}}`, a, m("b", 1, "c", m("d", []any{1, "x"})), `{"a": {"b": 1, "c": {"d": [1, "x"]}}}`},
	})
}

func TestAdd(t *testing.T) {
	t.Parallel()
	tryEdits(t, map[string]edit{
		"entry":                         {"a:\n  b: 1 # c\n# d\ne: 1\n", Keys("a", "x"), "w", "a:\n  b: 1 # c\n  x: w\n# d\ne: 1\n"},
		"entry at the top":              {"a: 1\n\n# end\n", Keys("b"), 2, "a: 1\nb: 2\n\n# end\n"},
		"entry, no line break":          {"a:\n  b: 1", Keys("a", "x"), "w", "a:\n  b: 1\n  x: w"},
		"entry, windows":                {"a:\r\n  b: 1\r\nc: 2\r\n", Keys("a", "x"), "w", "a:\r\n  b: 1\r\n  x: w\r\nc: 2\r\n"},
		"entry behind a block text":     {"a:\n  b: |\n    x\n\nc: 2\n", Keys("a", "x"), "w", "a:\n  b: |\n    x\n  x: w\n\nc: 2\n"},
		"entry behind a kept text":      {"a:\n  b: |+\n    x\n\nc: 2\n", Keys("a", "x"), "w", "a:\n  b: |+\n    x\n\n  x: w\nc: 2\n"},
		"entry that needs quotes":       {"a:\n  b: 1\n", Keys("a", "yes"), "on", "a:\n  b: 1\n  \"yes\": \"on\"\n"},
		"annotation":                    {"metadata:\n  annotations:\n    a.b/c: \"1\"\n", Keys("metadata", "annotations", "x.y/z"), "true", "metadata:\n  annotations:\n    a.b/c: \"1\"\n    x.y/z: \"true\"\n"},
		"with what leads to it":         {"metadata:\n  name: x\nspec: {}\n", Keys("metadata", "annotations", "a/b"), "c", "metadata:\n  name: x\n  annotations:\n    a/b: c\nspec: {}\n"},
		"into nothing":                  {"a:\n  b:\nc: 1\n", Keys("a", "b", "d"), 1, "a:\n  b:\n    d: 1\nc: 1\n"},
		"into empty braces":             {"a: {}\nc: 1\n", Keys("a", "d"), 1, "a: {d: 1}\nc: 1\n"},
		"a mapping into empty braces":   {"a: {} # c\nc: 1\n", Keys("a", "d", "e"), 1, "a: # c\n  d:\n    e: 1\nc: 1\n"},
		"into braces":                   {"a: {b: 1}\n", Keys("a", "d"), "x y", "a: {b: 1, d: x y}\n"},
		"into braces over lines":        {"a: {\n  b: 1,\n  c: 2,\n}\n", Keys("a", "d"), 3, "a: {\n  b: 1,\n  c: 2,\n  d: 3,\n}\n"},
		"into braces with quotes":       {"a: {\"b\": 1}\n", Keys("a", "d"), "x", "a: {\"b\": 1, \"d\": \"x\"}\n"},
		"into json":                     {"{\n    \"a\": {\n        \"b\": 1\n    }\n}\n", Keys("a", "d"), "x", "{\n    \"a\": {\n        \"b\": 1,\n        \"d\": \"x\"\n    }\n}\n"},
		"into tight json":               {`{"a":{"b":1,"c":2}}`, Keys("a", "d"), "x", `{"a":{"b":1,"c":2,"d":"x"}}`},
		"into empty json":               {`{"a":{}}`, Keys("a", "d"), "x", `{"a":{"d": "x"}}`},
		"element at the end":            {"a:\n- 1\n# c\n- 2 # d\nb: 1\n", Keys("a", "-"), 3, "a:\n- 1\n# c\n- 2 # d\n- 3\nb: 1\n"},
		"element by its name":           {"env:\n  - name: A\n    value: x\n", Path{{Key: "env"}, Element("name", "B"), {Key: "value"}}, "1", "env:\n  - name: A\n    value: x\n  - name: B\n    value: \"1\"\n"},
		"first element by its name":     {"c:\n  - image: x\nd:\n- 1\n", Path{{Key: "c"}, {Key: "0"}, {Key: "env"}, Element("name", "B"), {Key: "value"}}, "1", "c:\n  - image: x\n    env:\n    - name: B\n      value: \"1\"\nd:\n- 1\n"},
		"element into brackets":         {"a: [x, y]\n", Keys("a", "-"), "z", "a: [x, y, z]\n"},
		"element into empty brackets":   {"a: []\n", Keys("a", "-"), "z", "a: [z]\n"},
		"mapping into empty brackets":   {"a: []\n", Path{{Key: "a"}, Element("name", "B"), {Key: "value"}}, "1", "a:\n- name: B\n  value: \"1\"\n"},
		"mapping into brackets":         {"a: [{name: A, value: x}]\n", Path{{Key: "a"}, Element("name", "B"), {Key: "value"}}, "1", "a: [{name: A, value: x}, {name: B, value: \"1\"}]\n"},
		"into a list in a list":         {"- - a\n  - b\n- c\n", Keys("0", "-"), "d", "- - a\n  - b\n  - d\n- c\n"},
		"to a mapping behind a dash":    {"- name: x\n- b\n", Keys("0", "w"), 1, "- name: x\n  w: 1\n- b\n"},
		"text of several lines":         {"data:\n  a: x\n", Keys("data", "b.sh"), "#!/bin/sh\nx\n", "data:\n  a: x\n  b.sh: |\n    #!/bin/sh\n    x\n"},
		"four spaces":                   {"a:\n    b:\n        c: 1\n", Keys("a", "d", "e"), 1, "a:\n    b:\n        c: 1\n    d:\n        e: 1\n"},
		"beside an anchor":              {"a: &x\n  b: 1\nc: 2\n", Keys("a", "d"), 1, "a: &x\n  b: 1\n  d: 1\nc: 2\n"},
		"overrides what is merged":      {"a: &x {b: 1}\nc:\n  <<: *x\n", Keys("c", "b"), 2, "a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n"},
		"behind a value of many lines":  {"a:\n  b: x\n    y\nc: 2\n", Keys("a", "d"), 1, "a:\n  b: x\n    y\n  d: 1\nc: 2\n"},
		"behind quotes over many lines": {"a:\n  b: \"x\n\n y\"   # c\n", Keys("a", "d"), 1, "a:\n  b: \"x\n\n y\"   # c\n  d: 1\n"},
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	tryEdits(t, map[string]edit{
		"entry":                       {"a: 1\nb: 2 # c\nc: 3\n", Keys("b"), absent{}, "a: 1\nc: 3\n"},
		"entry with what is below":    {"a: 1\nb:\n  # c\n  d: |\n    x\n\nc: 3\n", Keys("b"), absent{}, "a: 1\n\nc: 3\n"},
		"last entry":                  {"a: 1\nb: 2\n", Keys("b"), absent{}, "a: 1\n"},
		"last entry, no line break":   {"a: 1\nb: 2", Keys("b"), absent{}, "a: 1"},
		"only entry":                  {"a:\n  b: 1\nc: 2\n", Keys("a", "b"), absent{}, "a: {}\nc: 2\n"},
		"only entry below a comment":  {"a: # 1\n  # 2\n  b: 1 # 3\nc: 2\n", Keys("a", "b"), absent{}, "a: {} # 1\n  # 2\nc: 2\n"},
		"first behind a dash":         {"- name: x\n  w: 1\n- z\n", Keys("0", "name"), absent{}, "- w: 1\n- z\n"},
		"first behind a dash, then c": {"- name: x # 1\n  # 2\n  w: 1\n- z\n", Keys("0", "name"), absent{}, "-\n  # 2\n  w: 1\n- z\n"},
		"second behind a dash":        {"- name: x\n  w: 1\n- z\n", Keys("0", "w"), absent{}, "- name: x\n- z\n"},
		"windows":                     {"a: 1\r\nb: 2\r\nc: 3\r\n", Keys("b"), absent{}, "a: 1\r\nc: 3\r\n"},
		"element":                     {"a:\n- 1\n- 2\n- 3\n", Keys("a", "1"), absent{}, "a:\n- 1\n- 3\n"},
		"element by its name":         {"env:\n- name: A\n  value: 1\n- name: B\n  value: 2\n", Path{{Key: "env"}, Element("name", "A")}, absent{}, "env:\n- name: B\n  value: 2\n"},
		"only element":                {"a:\n- 1\nb: 2\n", Keys("a", "0"), absent{}, "a: []\nb: 2\n"},
		"first of a list in a list":   {"- - a\n  - b\n", Keys("0", "0"), absent{}, "- - b\n"},
		"in brackets":                 {"a: [x, y, z]\n", Keys("a", "1"), absent{}, "a: [x, z]\n"},
		"last in brackets":            {"a: [x, y]\n", Keys("a", "1"), absent{}, "a: [x]\n"},
		"last in brackets, comma":     {"a: [\n  x,\n  y,\n]\n", Keys("a", "1"), absent{}, "a: [\n  x,\n]\n"},
		"only in brackets":            {"a: [x]\n", Keys("a", "0"), absent{}, "a: []\n"},
		"in braces":                   {"a: {x: 1, y: 2}\n", Keys("a", "x"), absent{}, "a: {y: 2}\n"},
		"json":                        {"{\n  \"a\": 1,\n  \"b\": 2\n}\n", Keys("b"), absent{}, "{\n  \"a\": 1\n}\n"},
		"nothing there":               {"a:\nb: 2\n", Keys("a"), absent{}, "b: 2\n"},
	})
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	const file = "# top\n---\nkind: A\nmetadata: {name: x}\nv: 1\n--- # c\nkind: A\nmetadata: {name: x, namespace: n}\nv: 1\n---\n# empty\n---\nkind: List\nitems:\n- kind: B\n  metadata:\n    name: y\n  v: 1\n- {kind: B, metadata: {name: z}, v: 1}\n"
	for name, test := range map[string]struct {
		which Selector
		line  int // of the document
		v     int // the line of its v
		err   string
	}{
		"first":             {Selector{}, 3, 5, ""},
		"by namespace":      {Selector{Kind: "A", Name: "x", Namespace: "n"}, 7, 9, ""},
		"by line":           {Selector{Line: 3, Kind: "A", Name: "x"}, 3, 5, ""},
		"by a line inside":  {Selector{Line: 8}, 7, 9, ""},
		"item":              {Selector{Kind: "B", Name: "y"}, 15, 18, ""},
		"item by line":      {Selector{Line: 19}, 19, 19, ""},
		"several":           {Selector{Kind: "A", Name: "x"}, 0, 0, "the file has several documents that could be meant by A/x"},
		"none":              {Selector{Kind: "A", Name: "z", Namespace: "m", Line: 3}, 0, 0, "A/z in namespace m at line 3 isn't there"},
		"line of no item":   {Selector{Line: 14}, 0, 0, "at line 14 isn't there"},
		"line of no object": {Selector{Line: 99}, 0, 0, "at line 99 isn't there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := Open([]byte(file), test.which)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			at, err := d.Find(Keys("v"))
			if err != nil || d.Line() != test.line || at.Line != test.v || at.Value != int64(1) {
				t.Errorf("starts at %d, v is %+v, %v", d.Line(), at, err)
			}
			d, err = d.Set(Keys("v"), 2)
			if err != nil {
				t.Fatal(err)
			}
			before, after := strings.Split(file, "\n"), strings.Split(string(d.Bytes()), "\n")
			for i := range before {
				if (before[i] != after[i]) != (i == test.v-1) {
					t.Errorf("line %d is %q", i+1, after[i])
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit
		is  error
		err string
	}{
		"shared":               {edit{"a: &x {b: 1}\nc: *x\n", Keys("a", "b"), 2, ""}, ErrShared, "a.b is shared with other places, by the anchor &x; write out what differs, by hand"},
		"below an alias":       {edit{"a: &x {b: 1}\nc: *x\n", Keys("c", "b"), 2, ""}, ErrShared, "c is shared with other places: it is the alias *x; change what is anchored there, or write it out"},
		"anchor is used":       {edit{"a: &x 1\nc: *x\n", Keys("a"), 2, ""}, ErrShared, "a is shared with other places, by the anchor &x; write out what differs, by hand"},
		"merge takes it":       {edit{"a: &x {b: 1}\nc: {<<: *x}\n", Keys("a", "b"), 2, ""}, ErrShared, "a.b is shared with other places, by the anchor &x; write out what differs, by hand"},
		"merged can't go":      {edit{"a: &x {b: 1}\nc: {<<: *x}\n", Keys("c", "b"), absent{}, ""}, ErrAbsent, "c.b isn't there"},
		"absent":               {edit{"a: 1\n", Keys("b"), absent{}, ""}, ErrAbsent, "b isn't there"},
		"index too large":      {edit{"a: [1]\n", Keys("a", "2"), 1, ""}, ErrAbsent, "a.2: isn't there: the list has 1 elements"},
		"word in a list":       {edit{"a: [1]\n", Keys("a", "b"), 1, ""}, nil, "a.b: is looked for in a list, where only numbers lead on"},
		"below a word":         {edit{"a: secret\n", Keys("a", "b"), 1, ""}, nil, "a.b: can't be: what it would be part of is neither a mapping nor a list"},
		"element of a mapping": {edit{"a: {}\n", Path{{Key: "a"}, Element("name", "x")}, 1, ""}, nil, `a[name="x"]: is looked for in a mapping, and not a list`},
		"two elements":         {edit{"a: [{name: x}, {name: x}]\n", Path{{Key: "a"}, Element("name", "x"), {Key: "b"}}, 1, ""}, nil, `a[name="x"]: several elements of the list could be meant`},
		"whole":                {edit{"a: 1\n", nil, 1, ""}, nil, "a whole document can't be set"},
		"loop":                 {edit{"a: &x\n  b: *x\n", Keys("c"), 1, ""}, nil, "the document at line 1 the aliases of the document make it larger than 1048576 values, or loop"},
		"question mark":        {edit{"? a\n: secret\nb: 1\n", Keys("a"), absent{}, ""}, nil, "a is written in a way that can't be edited in place; change it by hand"},
		"tag":                  {edit{"a: !!str 1\n", Keys("a"), "2", ""}, nil, "a is written in a way that can't be edited in place; change it by hand"},
		"invalid":              {edit{"a: [secret\n", Keys("a"), "2", ""}, nil, "the document at line 1 is not valid YAML; correct it first"},
		"given twice":          {edit{"a: 1\na: 2\n", Keys("a"), "2", ""}, nil, "a a key is given twice"},
		"no text":              {edit{"\xff\xfea", Keys("a"), "2", ""}, nil, "the file is not UTF-8 text"},
		"nothing":              {edit{"# c\n", Keys("a"), "2", ""}, ErrAbsent, "document isn't there"},
		"odd value":            {edit{"a: 1\n", Keys("a"), struct{}{}, ""}, nil, "a: a struct {} can't be written as YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.do()
			if err == nil {
				t.Fatalf("made %q", got)
			}
			if err.Error() != test.err || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got %q", err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("%[2]c: &%[2]c [%[1]s]\n", strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 10), ", "), 'b'+i)
	}
	for name, test := range map[string]struct{ file, err string }{
		"bomb":        {bomb, "the document at line 1 the aliases of the document make it larger than 1048576 values, or loop"},
		"deep":        {strings.Repeat("[", 300) + strings.Repeat("]", 300), "the document at line 1 values nest more than 200 deep"},
		"deep json":   {strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300), "the document at line 1 values nest more than 200 deep"},
		"large":       {strings.Repeat("#", MaxBytes+1), "the file has 16777217 bytes, above the limit of 16777216"},
		"merge loops": {"a: &x {<<: *x}\n", "the document at line 1 the aliases of the document make it larger than 1048576 values, or loop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Open([]byte(test.file), Selector{}); err == nil || err.Error() != test.err {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestListsAreAligned(t *testing.T) {
	t.Parallel()
	a := Keys("a")
	named := func(names ...string) (list []any) {
		for _, n := range names {
			list = append(list, map[string]any{"name": n, "v": int64(1)})
		}
		return list
	}
	const three = "a:\n- name: x # 1\n  v: 1\n# 2\n- name: z # 3\n  v: 1\n- name: w\n  v: 1\n"
	changed := named("x", "z", "w")
	changed[1] = map[string]any{"name": "z", "v": int64(2)}
	tryEdits(t, map[string]edit{
		"one in between":    {three, a, named("x", "new", "z", "w"), "a:\n- name: x # 1\n  v: 1\n- name: new\n  v: 1\n# 2\n- name: z # 3\n  v: 1\n- name: w\n  v: 1\n"},
		"one less":          {three, a, named("z", "w"), "a:\n# 2\n- name: z # 3\n  v: 1\n- name: w\n  v: 1\n"},
		"the last less":     {three, a, named("x", "z"), "a:\n- name: x # 1\n  v: 1\n# 2\n- name: z # 3\n  v: 1\n"},
		"one is changed":    {three, a, changed, "a:\n- name: x # 1\n  v: 1\n# 2\n- name: z # 3\n  v: 2\n- name: w\n  v: 1\n"},
		"one is another":    {three, a, named("x", "other", "w"), "a:\n- name: x # 1\n  v: 1\n# 2\n- name: other # 3\n  v: 1\n- name: w\n  v: 1\n"},
		"words":             {"a: [b, c, d, e]\n", a, []any{"c", "x", "e", "f"}, "a: [c, x, e, f]\n"},
		"all are others":    {"a:\n- b # 1\n- c\n", a, []any{"p", "q", "r"}, "a:\n- p # 1\n- q\n- r\n"},
		"numbers of a list": {"a: [1, 2]\n", a, []any{2, 1.0, 3}, "a: [2, 1, 3]\n"},
	})
}

func TestFind(t *testing.T) {
	t.Parallel()
	const file = "# c\nimage: &i nginx\ncopy: *i\nlist:\n  - name: a\n    v: |\n      x\n  - name: b\n    v: >-\n      y\n      z\nmap:\n\n  sub: {q: 'p'}\nn: 0644\nnone:\nm: {<<: {z: 1}}\nf: [1.50]\nt: 2024-01-01\n"
	d, err := Open([]byte(file), Selector{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Place{
		"/image":     {Line: 2, Last: 2, Value: "nginx", Shared: true},
		"/copy":      {Line: 2, Last: 2, Value: "nginx", Shared: true},
		"/list":      {Line: 4, Last: 11, Value: []any{map[string]any{"name": "a", "v": "x\n"}, map[string]any{"name": "b", "v": "y z"}}},
		"/list/0/v":  {Line: 6, Last: 7, Value: "x\n", Quoted: true, Literal: true},
		"/list/1/v":  {Line: 9, Last: 11, Value: "y z", Quoted: true},
		"/map":       {Line: 12, Last: 14, Value: map[string]any{"sub": map[string]any{"q": "p"}}},
		"/map/sub/q": {Line: 14, Last: 14, Value: "p", Quoted: true},
		"/n":         {Line: 15, Last: 15, Value: int64(420)},
		"/none":      {Line: 16, Last: 16},
		"/m/z":       {Line: 17, Last: 17, Value: int64(1), Shared: true},
		"/f/0":       {Line: 18, Last: 18, Value: 1.5},
		"/t":         {Line: 19, Last: 19, Value: "2024-01-01"},
	} {
		p, err := Pointer(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Find(p)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", path, diff)
		}
	}
	if _, err := d.Find(Keys("map", "x", "y")); !errors.Is(err, ErrAbsent) {
		t.Errorf("got %v", err)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	p, err := Pointer("/metadata/annotations/a.b~1c~0")
	if err != nil {
		t.Fatal(err)
	}
	long := p.Then(Step{Match: []Match{{"port", 80}, {"protocol", "TCP"}}}, Step{Match: []Match{{"", "x"}}}, Step{Key: "y"})
	if got := long.String(); got != `metadata.annotations.a.b/c~[port=80,protocol="TCP"][="x"].y` {
		t.Error(got)
	}
	if _, err := Pointer("spec"); err == nil {
		t.Error("a pointer without a slash is taken")
	}
}
