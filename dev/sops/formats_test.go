package sops

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// formats are plain files and the rules that they are encrypted by. Each comes
// out of both programs as the same bytes, or of JSON as the same but for spaces.
var formats = map[string]struct{ rule, plain string }{
	"kinds.yaml":       {"", "int: 12\nminus: -3\nlarge: 123456789012345678\nhalf: 0.5\nwhole: 1.0\nbool: true\nnone: null\nempty: \"\"\nat: 2001-12-14T21:59:43.1-05:00\nday: 2001-12-14\nendless: -.inf\n"},
	"clear.yaml":       {"unencrypted_regex: ^clear$", "clear: {int: 12, large: 123456789012345678, half: 0.5, hex: 0x1F, at: 2001-12-14, yes: yes, none: ~, empty: \"\"}\nkey: canary\n"},
	"texts.yaml":       {"", "a: \"yes\"\nb: \"1:30\"\nc: \"012\"\nd: \"~\"\ne: \"- x\"\nf: \"a\\tb\"\ng: \" \"\nh: \"語😀\"\ni: \"\\uFEFF\\u2028\"\n\"y\": \"*x\"\n\"null\": \"\\0\"\n"},
	"lines.yaml":       {"", "a: |\n  x\n  y\nb: |+\n  x\n\n\nc: >\n  fol\n  ded\nd: |-\n  no end\ne: \"end \\n x\"\nf: \"a\\r\\nb\"\n"},
	"long.yaml":        {"", "a: " + strings.Repeat("canary", 50_000) + "\nb: " + strings.Repeat("a word ", 500) + "\n"},
	"lists.yaml":       {"", "a:\n- - 1\n  - - x\n    - null\n    - \"\"\n- {b: [], c: {}}\n- []\nd: [[], [[]]]\n"},
	"bytes.yaml":       {"", "a: !!binary gIGCg4SF\nb: !!binary Y2FuYXJ5\n"},
	"anchors.yaml":     {"", "base: &base\n  x: 1\nother:\n  also: *base\n"},
	"remarks.yaml":     {"", "# first\na: canary\n# above b\nb:\n  # in it\n  c: d\n  # after it\nlist:\n# of the list\n- canary\n# at the end\n"},
	"several.yaml":     {"", "a: 1\n---\nb: 2\n---\n---\nc: 3\n"},
	"ends.yaml":        {"encrypted_suffix: _secret", "a_secret: canary\nb: 2\nc_secret:\n  d: [canary]\n"},
	"others.yaml":      {"unencrypted_suffix: _open", "a_open: 1\nb: canary\nc_open:\n  d: 2\n"},
	"default.yaml":     {"", "a_unencrypted: 1\nb: canary\n"},
	"only.yaml":        {"encrypted_regex: ^data$\n  mac_only_encrypted: true", "data: {a: canary, e: \"\", n: null, l: [1, \"\", null]}\nother: 5\n"},
	"marked.yaml":      {"encrypted_comment_regex: 'enc:'", "# enc:next\na: canary\nb: plain\nc:\n  # enc:next\n  # and this\n  d: {x: 1, l: [2, \"\", null]}\n  e: plain\n"},
	"unmarked.yaml":    {"unencrypted_comment_regex: 'open:'", "# open:next\na: plain\nb: canary\nc:\n  # open:next\n  d: {x: 1, l: [2, \"\", null, true, 1.5]}\n  e: canary\n"},
	"onlymarked.yaml":  {"encrypted_comment_regex: 'enc:'\n  mac_only_encrypted: true", "# enc:next\na: canary\nb: plain\n"},
	"kinds.json":       {"", `{"int": 12, "minus": -3, "large": 123456789012345678, "half": 1.5, "whole": 1.0, "bool": true, "none": null, "empty": "", "list": [1, [2, {"x": "canary"}], [], {}]}`},
	"clear.json":       {"unencrypted_regex: ^clear$", `{"clear": {"whole": 1.0, "vast": 12345678901234567890, "vaster": 18765432109876543210, "vastest": 123456789012345678901234567890, "e": 1e3, "list": [1, [null, ""]]}, "a": "canary"}`},
	"only.json":        {"encrypted_regex: ^data$\n  mac_only_encrypted: true", `{"data": {"a": "canary"}, "other": 1.0}`},
	"app.env":          {"", "# a remark\nA=1\nB=a=b\nC=\nD=\"canary\"\nE=line\\nbreak\nF= lead\n# at the end\n"},
	"only.env":         {"encrypted_suffix: _secret\n  mac_only_encrypted: true", "A_secret=canary\nB=2\n"},
	"blob.bin":         {"", "\x00\x01\xff\xfe canary\r\n"},
	"object.txt":       {"", `{"a": "canary"}`},
	"empty.txt":        {"", ""},
	"groups.yaml":      {"key_groups: [{age: [%[1]s]}, {age: [%[1]s]}, {age: [%[2]s]}]\n  shamir_threshold: 2", "a: canary\n"},
	"groups.json":      {"key_groups: [{age: [%[1]s]}, {age: [%[1]s]}]\n  shamir_threshold: 2", `{"a": "canary"}`},
	"groups.env":       {"key_groups: [{age: [%[1]s]}, {age: [%[1]s]}]\n  shamir_threshold: 2", "A=canary\n"},
	"one of many.yaml": {"age: [%[2]s, %[1]s]", "a: canary\n"},
}

// other is a key that nobody has.
const other = "age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm"

// formats: whatever SOPS encrypts, and by whichever rule, Plumb opens to the same.
func (p *programs) formats(t *testing.T) {
	for name, f := range formats {
		rule := f.rule
		if !strings.Contains(rule, "age:") {
			rule = strings.TrimPrefix(rule+"\n  age: %[1]s", "\n  ")
		}
		config := p.write("rules", fmt.Sprintf("stores: {yaml: {indent: 2}}\ncreation_rules:\n- "+rule+"\n# %[1]s %[2]s\n", p.receiver, other))
		sealed := p.write("sealed-"+name, p.run("", p.sops, "--config", config, "encrypt", p.write(name, f.plain)))
		want := p.run("", p.sops, "--config", config, "decrypt", sealed)
		got := p.run("", p.plumb, "unseal", "--age-key-file", p.keys, sealed)
		if filepath.Ext(name) == ".json" {
			want, got = strings.Join(strings.Fields(want), ""), strings.Join(strings.Fields(got), "")
		}
		if want != got {
			t.Errorf("%s: plumb has\n%.2000s\nand sops\n%.2000s", name, got, want)
		}
	}
}
