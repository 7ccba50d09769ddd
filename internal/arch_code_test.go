package internal_test

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

func checkDocs(r *repository, limit limits) (found []finding) {
	for _, p := range r.packages {
		doc, hasCode := "", false
		for f := range p.code() {
			hasCode = true
			if f.syntax.Doc != nil {
				doc += f.syntax.Doc.Text()
			}
		}
		text := strings.TrimSpace(doc)
		switch {
		case !hasCode:
		case text == "":
			found = append(found, find(p.dir, 0, "the package has no comment"))
		case len(text) < limit.doc || !strings.Contains(text, "\n"):
			found = append(found, find(p.dir, 0, "the package's comment says no more than %q", text))
		}
	}
	return found
}

func checkNames(r *repository, _ limits) (found []finding) {
	for _, p := range r.packages {
		if word := banned(path.Base(p.dir)); word != "" {
			found = append(found, find(p.dir, 0, "a folder called %s", word))
		}
		for _, f := range p.files {
			if word := banned(strings.TrimSuffix(path.Base(f.path), ".go")); word != "" {
				found = append(found, find(f.path, 0, "a file called %s", word))
			}
			if word := banned(f.syntax.Name.Name); word != "" && word != banned(path.Base(p.dir)) {
				found = append(found, find(f.path, r.line(f.syntax.Name), "a package called %s", word))
			}
			for function := range f.functions() {
				if part.MatchString(function.Name.Name) {
					found = append(found, find(f.path, r.line(function), "%s: a function is cut where its thought ends, not where a limit is met", function.Name.Name))
				}
			}
		}
	}
	return found
}

var part = regexp.MustCompile(`(?i)(part|step|phase)_?\d+$`)

// banned is the word in the name that tells the reader nothing.
func banned(name string) string {
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' }) {
		bare := strings.TrimRight(strings.ToLower(word), "0123456789")
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "shared", "misc", "base"}, strings.TrimSuffix(bare, "test")) {
			return word
		}
		if bare == "manager" && bare != word {
			return word
		}
	}
	return ""
}

func checkInit(r *repository, _ limits) (found []finding) {
	for f := range r.all() {
		for function := range f.functions() {
			if function.Recv == nil && function.Name.Name == "init" {
				found = append(found, find(f.path, r.line(function), "an init function: do it where it is needed, or in main"))
			}
		}
	}
	return found
}

func checkSleep(r *repository, _ limits) (found []finding) {
	for f := range r.all() {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if ok && f.called(&ast.CallExpr{Fun: selector}) == "time.Sleep" {
				found = append(found, find(f.path, r.line(n), "time.Sleep"))
			}
			return true
		})
	}
	return found
}

func checkPanic(r *repository, _ limits) (found []finding) {
	for p := range r.product() {
		if forTests(p.dir) {
			continue
		}
		for f := range p.code() {
			if f.syntax.Name.Name == "main" {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && f.called(call) == "panic" {
					found = append(found, find(f.path, r.line(n), "a panic outside main and tests"))
				}
				return true
			})
		}
	}
	return found
}
