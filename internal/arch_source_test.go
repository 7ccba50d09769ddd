package internal_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// A repository is the source text that the rules look at: every Go file below the top, but for testdata and what is built or downloaded.
type repository struct {
	module   string // the product's module path
	goMod    *modfile.File
	fset     *token.FileSet
	packages []*pkg // by folder
}

// A pkg is one folder with Go files in it, its external tests included.
type pkg struct {
	dir    string // from the top, with slashes
	nested bool   // belongs to a module of its own
	files  []*file
}

type file struct {
	path    string
	test    bool
	lines   int
	syntax  *ast.File
	imports []imported
}

type imported struct {
	path string
	line int
}

func load(tree fs.FS) (*repository, error) {
	repo := &repository{fset: token.NewFileSet()}
	var nested []string
	content, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		return nil, err
	}
	if repo.goMod, err = modfile.Parse("go.mod", content, nil); err != nil {
		return nil, err
	}
	repo.module = repo.goMod.Module.Mod.Path
	byDir := map[string]*pkg{}
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && skipped(entry.Name()):
			return fs.SkipDir
		case entry.Name() == "go.mod" && name != "go.mod":
			nested = append(nested, path.Dir(name))
		case !entry.IsDir() && strings.HasSuffix(name, ".go"):
			return repo.add(tree, name, byDir)
		}
		return nil
	})
	for _, p := range repo.packages {
		p.nested = slices.ContainsFunc(nested, func(module string) bool { return p.dir == module || strings.HasPrefix(p.dir, module+"/") })
	}
	return repo, err
}

func skipped(folder string) bool {
	return folder == "testdata" || folder == "bin" || folder == "node_modules" || folder == "vendor" ||
		strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
}

func (r *repository) add(tree fs.FS, name string, byDir map[string]*pkg) error {
	content, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(r.fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := &file{path: name, test: strings.HasSuffix(name, "_test.go"), lines: bytes.Count(content, []byte("\n")), syntax: syntax}
	for _, spec := range syntax.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		f.imports = append(f.imports, imported{target, r.line(spec)})
	}
	dir := path.Dir(name)
	if byDir[dir] == nil {
		byDir[dir] = &pkg{dir: dir}
		r.packages = append(r.packages, byDir[dir])
	}
	byDir[dir].files = append(byDir[dir].files, f)
	return nil
}

func (r *repository) line(n ast.Node) int { return r.fset.Position(n.Pos()).Line }

// lines is how many lines the node takes, its comment not counted.
func (r *repository) lines(n ast.Node) int {
	return r.fset.Position(n.End()).Line - r.fset.Position(n.Pos()).Line + 1
}

// product are the packages that are the product itself, without its tools, tests and benchmarks.
func (r *repository) product() iter.Seq[*pkg] {
	return func(yield func(*pkg) bool) {
		for _, p := range r.packages {
			if !p.nested && (below(p.dir, "api") || below(p.dir, "cmd") || below(p.dir, "internal")) && !yield(p) {
				return
			}
		}
	}
}

func below(dir, folder string) bool {
	return folder == "." || dir == folder || strings.HasPrefix(dir, folder+"/")
}

// all are the files of every package, tools and tests included.
func (r *repository) all() iter.Seq[*file] {
	return func(yield func(*file) bool) {
		for _, p := range r.packages {
			for _, f := range p.files {
				if !ast.IsGenerated(f.syntax) && !yield(f) {
					return
				}
			}
		}
	}
}

// code are the files that aren't tests.
func (p *pkg) code() iter.Seq[*file] {
	return func(yield func(*file) bool) {
		for _, f := range p.files {
			if !f.test && !yield(f) {
				return
			}
		}
	}
}

// forTests says whether the package is there for the tests of its parent and of its parent's users, as targettest is.
func forTests(dir string) bool { return strings.HasSuffix(dir, "test") && strings.Count(dir, "/") > 1 }

// functions are all that have a name and a body.
func (f *file) functions() iter.Seq[*ast.FuncDecl] {
	return func(yield func(*ast.FuncDecl) bool) {
		for _, decl := range f.syntax.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok && function.Body != nil && !yield(function) {
				return
			}
		}
	}
}

// called is PATH.NAME where the call is of another package's function by its name, and NAME where it is of a builtin or of one's own.
func (f *file) called(call *ast.CallExpr) string {
	switch function := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		if x, ok := function.X.(*ast.Ident); ok {
			if path, ok := f.imported(x.Name); ok {
				return path + "." + function.Sel.Name
			}
		}
	case *ast.IndexExpr: // a generic function, its type given
		return f.called(&ast.CallExpr{Fun: function.X})
	}
	return ""
}

// imported is the path behind a package's name in this file. The last part of the path is taken for the name where the import gives none.
func (f *file) imported(name string) (string, bool) {
	for i, spec := range f.syntax.Imports {
		target := f.imports[i].path
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && lastPart(target) == name {
			return target, true
		}
	}
	return "", false
}

func lastPart(target string) string {
	name := path.Base(target)
	if len(name) > 1 && name[0] == 'v' && name[1] >= '0' && name[1] <= '9' {
		name = path.Base(path.Dir(target))
	}
	return name
}
