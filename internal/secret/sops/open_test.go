package sops_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// The files below testdata were made by SOPS itself: testdata/make.sh.

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// keys are the private keys of some files of testdata/keys.
func keys(t *testing.T, names ...string) *secret.Keys {
	t.Helper()
	var files secret.Files
	for _, name := range names {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content(t, "keys/"+name)), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".asc") {
			files.PGP = append(files.PGP, path)
		} else {
			files.Age = append(files.Age, path)
		}
	}
	k, err := secret.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// open opens one file that lies at a path of a repository.
func open(k *secret.Keys, at, content string, others map[string]string) (string, []string, error) {
	plain, secrets, err := sops.Opener{Keys: k}.Open(tree.Record(treetest.New(others)), at, []byte(content))
	return string(plain), secrets, err
}

// meaning is what a file says, whatever its form.
func meaning(t *testing.T, name, content string) any {
	t.Helper()
	var all []any
	switch filepath.Ext(name) {
	case ".yaml":
		d := yaml.NewDecoder(strings.NewReader(content))
		var v any
		for d.Decode(&v) == nil {
			all = append(all, v)
			v = nil
		}
	case ".json":
		var v any
		if err := json.Unmarshal([]byte(content), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	case ".env":
		for line := range strings.Lines(content) {
			if !strings.HasPrefix(line, "#") {
				all = append(all, line)
			}
		}
	default:
		return content
	}
	return all
}

func TestOpensWhatSOPSMade(t *testing.T) {
	t.Parallel()
	for file, test := range map[string]struct {
		plain string
		keys  []string
	}{
		"secret.yaml":      {"secret.yaml", []string{"a.txt"}},
		"others.yaml":      {"secret.yaml", []string{"a.txt", "b.txt"}},
		"pgp.yaml":         {"secret.yaml", []string{"pgp.asc"}},
		"both.yaml":        {"secret.yaml", []string{"b.txt"}},
		"values.yaml":      {"values.yaml", []string{"a.txt"}},
		"suffix.yaml":      {"values.yaml", []string{"a.txt"}},
		"unencrypted.yaml": {"values.yaml", []string{"a.txt"}},
		"comments.yaml":    {"values.yaml", []string{"a.txt"}},
		"maconly.yaml":     {"values.yaml", []string{"a.txt"}},
		"parts.yaml":       {"values.yaml", []string{"b.txt", "pgp.asc"}},
		"several.yaml":     {"several.yaml", []string{"a.txt"}},
		"odd.yaml":         {"odd.yaml", []string{"a.txt"}},
		"values.json":      {"values.json", []string{"a.txt"}},
		"numbers.json":     {"numbers.json", []string{"a.txt"}},
		"app.env":          {"app.env", []string{"a.txt"}},
		"blob.txt":         {"blob.txt", []string{"a.txt"}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			sealed := content(t, "sealed/"+file)
			got, secrets, err := open(keys(t, test.keys...), "app/"+file, sealed, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := content(t, "plain/"+test.plain)
			if diff := cmp.Diff(meaning(t, file, want), meaning(t, file, got)); diff != "" {
				t.Errorf("(-want +got)\n%s\n%s", diff, got)
			}
			if all := strings.Join(secrets, " "); !strings.Contains(all, "canary") {
				t.Errorf("the secrets are %q", secrets)
			}
			if strings.Contains(got, "AGE ENCRYPTED FILE") || strings.Contains(got, "lastmodified") {
				t.Errorf("SOPS' section is left:\n%s", got)
			}
			for _, secret := range secrets {
				if len(secret) > 5 && strings.Contains(sealed, secret) {
					t.Errorf("%q was not encrypted", secret)
				}
			}
		})
	}
}

// A whole number stays one, whatever SOPS encrypted it as: an API server takes no
// 5432.0 for a port.
func TestWholeNumbers(t *testing.T) {
	t.Parallel()
	got, _, err := open(keys(t, "a.txt"), "a.json", content(t, "sealed/numbers.json"), nil)
	if err != nil || !strings.Contains(got, `"whole": 1,`) {
		t.Errorf("%v\n%s", err, got)
	}
}

// What follows keeps its line, for messages that say where something is.
func TestKeepsLines(t *testing.T) {
	t.Parallel()
	sealed := content(t, "sealed/several.yaml")
	got, _, err := open(keys(t, "a.txt"), "a.yaml", sealed, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"name: one", "name: two"} {
		if was, is := lineOf(sealed, text), lineOf(got, text); was != is {
			t.Errorf("%q was on line %d and is on line %d:\n%s", text, was, is, got)
		}
	}
}

func lineOf(content, text string) int {
	before, _, _ := strings.Cut(content, text)
	return 1 + strings.Count(before, "\n")
}

// What isn't encrypted stays as it is, to the byte.
func TestLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"a.yaml":     content(t, "plain/secret.yaml"),
		"chart.yaml": "sops:\n  enabled: true\n  mac: 0\n",
		"text.yaml":  "sops: yes\na: *b\n",
		"broken":     "sops:\n  mac: [\n",
		"a.json":     `{"sops": {"mac": "x"}, "data": 1}`,
		"half.json":  `{"sops": {"mac": "x", "lastmodified": "y"}`,
		"a.env":      "sops_mac\nA=1\n",
		"b.env":      "sops_mac=1\nA=1\n",
		"c.env":      "sops_lastmodified=1\nA=1\n",
		"at.yaml":    "sops: {lastmodified: 2026-01-01T00:00:00Z, age: []}\n",
		"app.ini":    "[sops]\na = b\n",
		"large.txt":  strings.Repeat("x", sops.MaxBytes+1),
		"empty":      "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, secrets, err := open(nil, name, content, nil)
			if err != nil || secrets != nil || got != content {
				t.Errorf("%v %q %.100q", err, secrets, got)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	sealed := content(t, "sealed/secret.yaml")
	const damaged = "was changed after it was encrypted, or stood somewhere else then"
	const checksum = "its checksum is wrong"
	for name, test := range map[string]struct{ at, content, want string }{
		"a value in clear":     {"a.yaml", strings.Replace(sealed, "app: db", "app: other", 1), checksum},
		"a value less":         {"a.yaml", without(sealed, "username:"), checksum},
		"a value more":         {"a.yaml", strings.Replace(sealed, "    name: db", "    name: db\n    more: x", 1), checksum},
		"a name":               {"a.yaml", strings.Replace(sealed, "username:", "user:", 1), "stringData.user " + damaged},
		"ciphertext":           {"a.yaml", strings.Replace(sealed, "username: ENC[AES256_GCM,data:", "username: ENC[AES256_GCM,data:AAAA", 1), "stringData.username " + damaged},
		"plain in place of it": {"a.yaml", strings.Replace(sealed, line(sealed, "username:"), "    username: CANARY", 1), "stringData.username " + damaged},
		"an empty checksum":    {"a.yaml", strings.Replace(sealed, line(sealed, "mac:"), `    mac: ""`, 1), "has no checksum (mac)"},
		"no checksum":          {"a.yaml", without(sealed, "mac:"), "has no checksum (mac)"},
		"dotenv without it":    {"a.env", without(content(t, "sealed/app.env"), "sops_mac="), "has no checksum (mac)"},
		"another time":         {"a.yaml", strings.Replace(sealed, line(sealed, "lastmodified:"), `    lastmodified: "2020-01-01T00:00:00Z"`, 1), checksum},
		"no time":              {"a.yaml", strings.Replace(sealed, line(sealed, "lastmodified:"), `    lastmodified: soon`, 1), "not as SOPS writes it"},
		"two rules":            {"a.yaml", sealed + "    encrypted_suffix: x\n", "not as SOPS writes it"},
		"a bad rule":           {"a.yaml", strings.Replace(sealed, line(sealed, "encrypted_regex:"), "    encrypted_regex: (", 1), "not as SOPS writes it"},
		"another rule":         {"a.yaml", strings.Replace(sealed, line(sealed, "encrypted_regex:"), "    encrypted_regex: ^none$", 1), checksum},
		"aliases":              {"a.yaml", strings.Replace(strings.Replace(sealed, "app: db", "app: *x", 1), "name: db", "name: &x db", 1), "aliases"},
		"only encrypted":       {"a.yaml", sealed + "    mac_only_encrypted: true\n", checksum},
		"too deep":             {"a.yaml", "deep: " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "\n" + sealed, "nest more than"},
		"too large":            {"a.yaml", sealed + "#" + strings.Repeat("x", sops.MaxBytes), "too large"},
		"INI":                  {"a.ini", content(t, "sealed/app.ini"), "as INI, which isn't read"},
		"dotenv":               {"a.env", strings.Replace(content(t, "sealed/app.env"), "sopsis=", "sopsit=", 1), "sopsit " + damaged},
		"JSON":                 {"a.json", strings.Replace(content(t, "sealed/values.json"), `"empty": {}`, `"empty": 1`, 1), "empty " + damaged},
		"a document less":      {"a.yaml", strings.SplitN(content(t, "sealed/several.yaml"), "\n---\n", 2)[1], checksum},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, secrets, err := open(keys(t, "a.txt"), test.at, test.content, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || plain != "" || secrets != nil {
				t.Fatalf("%v, want %q; %q %q", err, test.want, plain, secrets)
			}
			if strings.Contains(strings.ToLower(err.Error()), "canary") || !strings.HasPrefix(err.Error(), test.at) {
				t.Error(err)
			}
			if errors.As(err, new(*sops.Unreadable)) {
				t.Errorf("%v: another key would not help", err)
			}
		})
	}
}

// line is the first line that has a text, without its end.
func line(content, text string) string {
	for l := range strings.Lines(content) {
		if strings.HasPrefix(strings.TrimSpace(l), text) {
			return strings.TrimSuffix(l, "\n")
		}
	}
	return "no such line"
}

func without(content, text string) string {
	return strings.Replace(content, line(content, text)+"\n", "", 1)
}

func TestSaysForWhom(t *testing.T) {
	t.Parallel()
	a, b := recipient(t, "a.txt"), recipient(t, "b.txt")
	rules := func(lines string) map[string]string {
		return map[string]string{".sops.yaml": "creation_rules:\n" + lines}
	}
	for name, test := range map[string]struct {
		keys   []string
		others map[string]string
		want   string
	}{
		"no keys":        {nil, nil, "it is encrypted for " + b + "; this cluster has no key: give it one with --age-key-file or --pgp-key-file"},
		"another key":    {[]string{"a.txt"}, nil, "it is encrypted for " + b + "; this cluster has " + a},
		"an old file":    {[]string{"a.txt"}, rules("- age: " + a + "," + b + "\n"), "this cluster has " + a + "; .sops.yaml has this cluster's key by now, but the file is older than that: run sops updatekeys app/s.yaml and commit it"},
		"left out":       {[]string{"a.txt"}, rules("- path_regex: ^app/\n  age: [" + b + "]\n"), "the rule of .sops.yaml for this file doesn't have this cluster's key: add it, and run sops updatekeys app/s.yaml"},
		"for others":     {[]string{"a.txt"}, rules("- key_groups:\n  - pgp: [ABCD]\n"), ".sops.yaml says that it is for others than it is"},
		"no rule":        {[]string{"a.txt"}, rules("- path_regex: \\.json$\n  age: x\n"), "no rule of .sops.yaml is for this file"},
		"nearer":         {[]string{"a.txt"}, map[string]string{".sops.yaml": "[", "app/.sops.yaml": "creation_rules: [{path_regex: ^s, age: " + b + "}]"}, "the rule of app/.sops.yaml for this file doesn't"},
		"broken rules":   {[]string{"a.txt"}, rules("- path_regex: (\n"), ".sops.yaml can't be read: correct it"},
		"not even rules": {[]string{"a.txt"}, map[string]string{".sops.yaml": "[]"}, ".sops.yaml can't be read: correct it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := open(keys(t, test.keys...), "app/s.yaml", content(t, "sealed/others.yaml"), test.others)
			var unreadable *sops.Unreadable
			if !errors.As(err, &unreadable) || !unreadable.Retry() {
				t.Fatal(err)
			}
			if got := err.Error(); !strings.HasPrefix(got, "app/s.yaml: this file cannot be read by this cluster's key: ") || !strings.Contains(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func recipient(t *testing.T, file string) string {
	t.Helper()
	ring, err := keys(t, file).Ring()
	if err != nil {
		t.Fatal(err)
	}
	return ring.Names()[0]
}

// One part of a key is not enough.
func TestParts(t *testing.T) {
	t.Parallel()
	_, _, err := open(keys(t, "a.txt"), "a.yaml", content(t, "sealed/parts.yaml"), nil)
	if !errors.As(err, new(*sops.Unreadable)) || !strings.Contains(err.Error(), "OpenPGP ") {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/sealed/*")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Base(file), b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		_, secrets, err := open(nil, name, string(b), nil)
		if secrets != nil {
			t.Errorf("opened without a key: %q %v", secrets, err)
		}
	})
}
