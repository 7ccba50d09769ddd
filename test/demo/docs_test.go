package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/cli/dev"
	"plumb.dev/plumb/internal/cli/keys"
	"plumb.dev/plumb/internal/cli/rotate"
	"plumb.dev/plumb/internal/cli/seal"
	vetting "plumb.dev/plumb/internal/cli/vet"
	"plumb.dev/plumb/internal/manifest"
)

// pages are what people read: name and text of every Markdown file of the project.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md"} {
		files, err := filepath.Glob(filepath.Join(checkout(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(checkout(t), file)
			if err != nil {
				t.Fatal(err)
			}
			found[name] = string(text)
		}
	}
	if len(found["README.md"]) == 0 || len(found["ARCHITECTURE.md"]) == 0 {
		t.Fatalf("the pages are not where this test looks: %d found", len(found))
	}
	return found
}

// block is a fenced block of a page.
type block struct {
	page, kind string
	lines      []string
}

func blocks(t *testing.T) (found []block) {
	t.Helper()
	for page, text := range pages(t) {
		var open *block
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			kind, fence := strings.CutPrefix(strings.TrimSpace(line), blockEnds)
			switch {
			case fence && open == nil:
				open = &block{page: page, kind: kind}
			case fence:
				found = append(found, *open)
				open = nil
			case open != nil:
				open.lines = append(open.lines, line)
			}
		}
	}
	return found
}

// commands are the command lines in a block for shells.
func (b block) commands() (found []string) {
	for _, line := range b.lines {
		line, prompted := strings.CutPrefix(line, prompt)
		line, _, _ = strings.Cut(line, "  #")
		if line = strings.TrimSpace(line); line != "" && (prompted || b.kind != "console") {
			found = append(found, line)
		}
	}
	return found
}

// elsewhere are commands that are shown and that the tour doesn't give, with what tries them.
var elsewhere = map[string]string{
	"make demo": "CI, as make demo CHECK=1",
	"make test": "CI",
	"plumb run --root https://git.example.com/fleet.git --kubeconfig ~/.kube/config":                                     "TestCommandsAreThere",
	`curl -H "Authorization: Bearer $(cat ~/.local/share/plumb/token)" http://127.0.0.1:7586/api/v1/apps?sync=OutOfSync`: "the tests of internal/server",
	"plumb vet": "vet.txtar of test/verbs",
	"plumb vet --strict -o sarif > plumb.sarif":                                                      "vet.txtar of test/verbs",
	`printf '#!/bin/sh\nexec plumb vet\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit`: "vet.txtar of test/verbs, as far as it is ours",
	"plumb diff ./shop -n shop":                                                                      "apply.txtar of test/verbs",
	"plumb apply ./shop -n shop":                                                                     "apply.txtar of test/verbs",
	"plumb apply ./shop -n shop --yes --timeout 10m":                                                 "apply.txtar of test/verbs",
	"age-keygen -o age.txt":                                                                          "testdata/make.sh of internal/secret/sops, which made what its tests open",
	`sops encrypt --age age1… --encrypted-regex '^(data|stringData)$' secret.yaml > app/secret.yaml`: "testdata/make.sh of internal/secret/sops, which made what its tests open",
	"plumb run --root https://git.example.com/fleet.git --age-key-file age.txt":                      "sealed.txtar of test/verbs",
	"plumb seal --name db -n shop --prompt password --to apps/shop/db.yaml":                          "seal.txtar of internal/cli",
	"git add apps/shop/db.yaml":                                                "git",
	"plumb keys list":                                                          "keys.txtar of test/verbs",
	"plumb keys export --to plumb-keys.age":                                    "keys.txtar of internal/cli",
	"plumb keys import plumb-keys.age":                                         "keys.txtar of internal/cli",
	"plumb keys rotate":                                                        "keys.txtar of test/verbs",
	"plumb seal secret.yaml --to app/secret.yaml":                              "seal.txtar of internal/cli",
	"plumb seal secret.yaml --recipient age1… --to app/secret.yaml":            "seal.txtar of internal/cli",
	"plumb seal --in-place app/secret.yaml":                                    "seal.txtar of internal/cli",
	"plumb seal --name db --from-file tls.key=server.key --from-file note.txt": "seal.txtar of internal/cli",
	"kubectl create secret generic db --from-env-file db.env --dry-run=client -o yaml | plumb seal - --path app/db.yaml":                                                        "seal.txtar of internal/cli, but for kubectl",
	"plumb unseal --age-key-file age.txt app/secret.yaml --to /dev/shm/secret.yaml":                                                                                             "seal.txtar of internal/cli",
	"plumb seal /dev/shm/secret.yaml --age-key-file age.txt --to app/secret.yaml":                                                                                               "seal.txtar of internal/cli",
	"kubectl get secret -n kube-system -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml > sealed-secrets-keys.yaml":                                                      "the tests of internal/secret read what it writes",
	"plumb run --root https://git.example.com/fleet.git --sealed-secrets-key-file sealed-secrets-keys.yaml":                                                                     "keys.txtar of test/verbs",
	"sops keyservice --network unix --address /run/sops/keyservice.sock":                                                                                                        "the tests of dev/sops",
	"plumb run --root https://git.example.com/fleet.git --sops-keyservice unix:///run/sops/keyservice.sock --sops-keyservice-key 'arn:aws:kms:eu-central-1:111122223333:key/*'": "the tests of dev/sops",
	"plumb apply shop/web --root https://git.example.com/root.git":                                                                                                              "the tests of internal/push",
	`body='{"url":"https://git.example.com/fleet.git"}'`:                                                                                                                        "TestDocumentedCommands of test/hostile",
	`signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$(cat ~/.local/share/plumb/hook-secret)" | sed 's/.* //')`:                                                     "TestDocumentedCommands of test/hostile",
	`curl -sS -H "Content-Type: application/json" -H "X-Plumb-Signature: sha256=$signature" -d "$body" http://127.0.0.1:7586/hooks/git`:                                         "TestDocumentedCommands of test/hostile",
	`curl -sS -H "Authorization: Bearer $(cat ~/.local/share/plumb/token)" http://127.0.0.1:7586/metrics | grep ^plumb_queue_length`:                                            "TestDocumentedCommands of test/hostile",
}

// TestCommandsAreRun: what a page shows as a command is given by the tour or by another test.
func TestCommandsAreRun(t *testing.T) {
	type given struct{ page, command string }
	toured := map[given]bool{}
	for page := range tourHeadings {
		m, err := openManual(checkout(t), page)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.steps {
			for _, p := range s.parts {
				if p.command != nil {
					toured[given{page, p.command.text}] = true
				}
			}
		}
	}
	excused := map[string]bool{}
	for _, b := range blocks(t) {
		switch b.kind {
		case "console", "sh", "bash", "shell", "":
		default:
			continue
		}
		for _, command := range b.commands() {
			_, known := elsewhere[command]
			excused[command] = known
			if b.kind == "" && !strings.HasPrefix(command, "plumb ") {
				continue // a drawing
			}
			if !known && !toured[given{b.page, command}] {
				t.Errorf("%s shows `%s`, and nothing runs it: make it part of a tour, or say in this file what does", b.page, command)
			}
		}
	}
	for command := range elsewhere {
		if !excused[command] {
			t.Errorf("no page shows `%s` any more: take it out of this file", command)
		}
	}
}

// TestCommandsAreThere: whatever is written as a command of Plumb, in a block or in a sentence, is one, with the flags that it is given.
func TestCommandsAreThere(t *testing.T) {
	span := regexp.MustCompile("`(plumb [^`\n]+)`")
	for page, text := range pages(t) {
		for _, found := range span.FindAllStringSubmatch(text, -1) {
			checkCommand(t, page, found[1])
		}
	}
	for _, b := range blocks(t) {
		for _, command := range b.commands() {
			if strings.HasPrefix(command, "plumb ") && b.kind != "go" {
				checkCommand(t, b.page, command)
			}
		}
	}
}

var (
	verb     = regexp.MustCompile(`^[a-z]+$`)
	longFlag = regexp.MustCompile(`--[a-z-]+`)
)

// checkCommand asks a command for its help, which fails where there is no such command, and looks for its flags there.
func checkCommand(t *testing.T, page, text string) {
	t.Helper()
	words := strings.Fields(text)[1:]
	var path []string
	for _, word := range words {
		word, _, _ = strings.Cut(word, "|")
		if !verb.MatchString(word) || len(path) == 2 {
			break
		}
		path = append(path, word)
	}
	if len(path) == 0 {
		return // plumb COMMAND
	}
	help := helpOf(path)
	if !strings.Contains(help, "plumb "+strings.Join(path, " ")) {
		help = helpOf(path[:1]) // the second word is the name of an App
	}
	if !strings.Contains(help, "plumb "+path[0]) {
		t.Errorf("%s: `%s`: there is no such command", page, text)
	}
	for _, flag := range longFlag.FindAllString(text, -1) {
		if !strings.Contains(help, flag) {
			t.Errorf("%s: `%s`: it has no flag %s", page, text, flag)
		}
	}
}

func helpOf(path []string) string {
	var out strings.Builder
	cli.Run(context.Background(), append(slices.Clone(path), "--help"), cli.Env{Out: &out, Err: io.Discard, More: []func(cli.Env) *cobra.Command{dev.Command, keys.Command, seal.Command(seal.Parts{}), seal.UnsealCommand(seal.Parts{}), rotate.Command, vetting.Command(nil)}})
	return out.String()
}

// TestDeclarationsAreSound: a declaration that a page shows is one that Plumb takes.
func TestDeclarationsAreSound(t *testing.T) {
	for _, b := range blocks(t) {
		text := strings.Join(b.lines, "\n")
		if b.kind != "yaml" || !strings.Contains(text, "apiVersion: plumb.dev/") {
			continue
		}
		for d, err := range manifest.Read(b.page, []byte(text)) {
			if err != nil {
				t.Errorf("%v\n%s", err, text)
				continue
			}
			_, wrong := v1alpha1.Decode(d.Value)
			if d.Value["kind"] == v1alpha1.KindProject {
				_, wrong = v1alpha1.DecodeProject(d.Value)
			}
			if len(wrong) > 0 {
				t.Errorf("%s: %v\n%s", b.page, wrong, text)
			}
		}
	}
}

// TestLinksLeadSomewhere: what a page links to in this repository is there.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for page, text := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(checkout(t), filepath.Dir(page), found[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, found[1], err)
			}
		}
	}
}

// TestNamedCodeIsThere: a page about the code names files, folders and functions that exist.
func TestNamedCodeIsThere(t *testing.T) {
	inFolder := regexp.MustCompile("`((?:[a-z0-9_.]+/)+[A-Za-z0-9_.]*)`")
	alone := regexp.MustCompile("`([a-z0-9_]+\\.go)`")
	function := regexp.MustCompile("`(\\w+)` (?:and `(\\w+)` )?(?:in|of) `([a-z0-9_/]+\\.go)`")
	names := goFiles(t)
	for _, page := range []string{"README.md", "ARCHITECTURE.md"} {
		text := pages(t)[page]
		for _, found := range inFolder.FindAllStringSubmatch(text, -1) {
			name := strings.TrimSuffix(found[1], "/")
			if strings.HasPrefix(name, "plumb.dev/") || strings.HasPrefix(name, "bin/") {
				continue // a label, or what is built
			}
			if _, err := os.Stat(filepath.Join(checkout(t), name)); err != nil {
				t.Errorf("%s names %s: %v", page, name, err)
			}
		}
		for _, found := range alone.FindAllStringSubmatch(text, -1) {
			if !names[found[1]] {
				t.Errorf("%s names %s, and no file is called so", page, found[1])
			}
		}
		for _, found := range function.FindAllStringSubmatch(text, -1) {
			code, err := os.ReadFile(filepath.Join(checkout(t), found[3]))
			if err != nil {
				t.Errorf("%s: %v", page, err)
			}
			for _, name := range found[1:3] {
				declared := regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type )` + name + `\b`)
				if name != "" && !declared.Match(code) {
					t.Errorf("%s names %s in %s, where it isn't", page, name, found[3])
				}
			}
		}
	}
}

// goFiles are the names of all Go files of the product.
func goFiles(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(checkout(t), "internal"), func(path string, _ os.DirEntry, err error) error {
		names[filepath.Base(path)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
