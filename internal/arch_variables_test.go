package internal_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
)

// checkVariables tells tables, patterns and error values, which are constants in all but name, from state. It can't prove that nobody changes a
// table through a copy of it; it does find every variable that is declared in order to be changed:
//
//   - it has no initial value (only main may have strings that the linker sets, and go:embed sets its own);
//   - its initial value is made by something not known to make constants, or holds a pointer, a channel or a lock;
//   - its own package assigns to it or to a part of it, takes its address, changes it by a method or hands it to a function that sorts or fills it;
//   - any package assigns to another package's variable; only main may say what libraries find as the standard error, before it does anything else.
func checkVariables(r *repository, _ limits) (found []finding) {
	for p := range r.product() {
		if forTests(p.dir) {
			continue
		}
		names := resolve(r, p)
		for f := range p.code() {
			for _, decl := range f.syntax.Decls {
				group, ok := decl.(*ast.GenDecl)
				if !ok || group.Tok != token.VAR {
					continue
				}
				for _, spec := range group.Specs {
					found = append(found, r.judgeVariable(f, group, spec.(*ast.ValueSpec))...)
				}
			}
			w := writes{repo: r, file: f, names: names}
			ast.Inspect(f.syntax, w.visit)
			found = append(found, w.found...)
		}
	}
	return found
}

// resolve finds out what each name of the package's own code stands for. Imports stay unknown, which is why it needs nothing built, and why the
// type checker's complaints are of no interest.
func resolve(r *repository, p *pkg) *types.Info {
	var files []*ast.File
	for f := range p.code() {
		files = append(files, f.syntax)
	}
	info := &types.Info{
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	config := types.Config{Importer: unknown{}, Error: func(error) {}}
	_, _ = config.Check(p.dir, r.fset, files, info)
	return info
}

// unknown imports every package as an empty one.
type unknown struct{}

func (unknown) Import(target string) (*types.Package, error) {
	imported := types.NewPackage(target, lastPart(target))
	imported.MarkComplete()
	return imported, nil
}

func (r *repository) judgeVariable(f *file, group *ast.GenDecl, spec *ast.ValueSpec) (found []finding) {
	for i, name := range spec.Names {
		var what string
		switch {
		case name.Name == "_" || embedded(group.Doc) || embedded(spec.Doc):
		case len(spec.Values) == 0:
			if f.syntax.Name.Name != "main" || !isString(spec.Type) {
				what = "it has no value until someone assigns one"
			}
		case stateful(f, spec.Type):
			what = "its type is there to be changed"
		default:
			what = notConstant(f, spec.Values[min(i, len(spec.Values)-1)])
		}
		if what != "" {
			found = append(found, find(f.path, r.line(name), "package variable %s: %s", name.Name, what))
		}
	}
	return found
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

func isString(kind ast.Expr) bool {
	id, ok := kind.(*ast.Ident)
	return ok && id.Name == "string"
}

// makesConstants names the functions whose results nobody changes: they have no method for it, or none that isn't a bug on sight.
func makesConstants(function string) bool {
	return slices.Contains([]string{
		"errors.New", "fmt.Errorf", "fmt.Sprintf",
		"regexp.MustCompile", "strings.NewReplacer", "strings.Join", "strings.Repeat", "text/template.Must", "html/template.Must",
		"net/netip.MustParseAddr", "net/netip.MustParsePrefix", "time.Date", "time.Unix", "math/big.NewInt",
		"k8s.io/apimachinery/pkg/api/resource.MustParse", "k8s.io/apimachinery/pkg/util/sets.New",
		"k8s.io/apimachinery/pkg/runtime/schema.ParseGroupKind", "github.com/prometheus/client_golang/prometheus.NewDesc",
		"len", "min", "max", "string",
	}, function)
}

// notConstant says what in the expression can be changed later, or nothing.
func notConstant(f *file, e ast.Expr) (what string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if what != "" {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // what it does when called is its own affair; its writes are found where they stand
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				what = "it holds a pointer"
			}
		case *ast.CompositeLit:
			if stateful(f, n.Type) {
				what = "its type is there to be changed"
			}
		case *ast.CallExpr:
			function := f.called(n)
			if _, conversion := ast.Unparen(n.Fun).(*ast.ArrayType); !conversion && !makesConstants(function) && !f.convertsTo(n) {
				what = "its value is made by a call of " + callName(n) + ", which isn't known to make constants"
			}
		}
		return true
	})
	return what
}

// convertsTo takes a call of one argument by an exported or local type-like name for a conversion when that name is declared as a type in the file,
// or is one of the language's own.
func (f *file) convertsTo(call *ast.CallExpr) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok || len(call.Args) != 1 {
		return false
	}
	if object := types.Universe.Lookup(id.Name); object != nil {
		_, isType := object.(*types.TypeName)
		return isType
	}
	return slices.ContainsFunc(f.types(), func(spec *ast.TypeSpec) bool { return spec.Name.Name == id.Name })
}

func callName(call *ast.CallExpr) string { return types.ExprString(call.Fun) }

// stateful says whether the type names a channel, or anything of the packages for locks and counters.
func stateful(f *file, kind ast.Expr) (found bool) {
	if kind == nil {
		return false
	}
	ast.Inspect(kind, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ChanType:
			found = true
		case *ast.FuncType:
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				target, _ := f.imported(x.Name)
				found = found || target == "sync" || target == "sync/atomic"
			}
		}
		return true
	})
	return found
}

// writes collects the places of one file that change a package's variable.
type writes struct {
	repo  *repository
	file  *file
	names *types.Info
	found []finding
}

func (w *writes) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, left := range n.Lhs {
				w.report(left, "is assigned to")
			}
		}
	case *ast.IncDecStmt:
		w.report(n.X, "is assigned to")
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			w.report(n.Key, "is assigned to")
			w.report(n.Value, "is assigned to")
		}
	case *ast.UnaryExpr:
		if _, literal := n.X.(*ast.CompositeLit); n.Op == token.AND && !literal {
			w.report(n.X, "has its address taken")
		}
	case *ast.CallExpr:
		w.call(n)
	}
	return true
}

func (w *writes) call(call *ast.CallExpr) {
	if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
		if selection := w.names.Selections[selector]; selection != nil && byPointer(selection) {
			w.report(selector.X, "is changed by its method "+selector.Sel.Name)
		}
	}
	if function := w.file.called(call); len(call.Args) > 0 && changesArgument(function) {
		w.report(call.Args[0], "is changed by "+callName(call))
	}
}

func byPointer(selection *types.Selection) bool {
	function, ok := selection.Obj().(*types.Func)
	if !ok {
		return false
	}
	_, pointer := function.Signature().Recv().Type().(*types.Pointer)
	return pointer
}

func changesArgument(function string) bool {
	return function == "delete" || function == "clear" || function == "copy" || strings.HasPrefix(function, "sort.") ||
		strings.HasPrefix(function, "slices.Sort") && !strings.HasPrefix(function, "slices.Sorted") ||
		slices.Contains([]string{"slices.Reverse", "slices.Delete", "slices.DeleteFunc", "slices.Compact", "maps.Copy", "maps.DeleteFunc", "maps.Insert"}, function)
}

// report reports the expression when what it is rooted in is a package's variable, this one's or another's.
func (w *writes) report(e ast.Expr, what string) {
	switch root := w.root(e).(type) {
	case *ast.Ident:
		variable, ok := w.names.Uses[root].(*types.Var)
		if ok && variable.Pkg() != nil && variable.Parent() == variable.Pkg().Scope() {
			w.found = append(w.found, find(w.file.path, w.repo.line(e), "package variable %s %s", root.Name, what))
		}
	case *ast.SelectorExpr:
		if types.ExprString(root) == "os.Stderr" && w.file.syntax.Name.Name == "main" && path.Base(w.file.path) == "main.go" {
			return
		}
		w.found = append(w.found, find(w.file.path, w.repo.line(e), "another package's variable %s %s", types.ExprString(root), what))
	}
}

// root is the name that the expression starts from: v for v.a[i].b and (*v).a, and PACKAGE.v for another package's.
func (w *writes) root(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok {
				if _, ok := w.names.Uses[id].(*types.PkgName); ok {
					return x
				}
			}
			e = x.X
		default:
			return e
		}
	}
}
