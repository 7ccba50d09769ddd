package rule

import (
	"go/ast"
	"go/constant"
	"go/types"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Unchecked reports errors that nobody looks at. Assigning one to _ says that this is meant.
//
// Closing, rolling back and clearing away at the end are excepted, for there is rarely anything left to do about their errors, save where data can
// still be lost: a file that the same function opened for writing must have the error of its Close or Sync looked at once.
var Unchecked = &analysis.Analyzer{
	Name: "unchecked",
	Doc:  "report calls whose error is dropped without a word",
	Run:  runUnchecked,
}

func runUnchecked(pass *analysis.Pass) (any, error) {
	for _, file := range pass.Files {
		for _, decl := range file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			reportDropped(pass, function.Body)
			reportLostWrites(pass, function.Body)
		}
	}
	return nil, nil
}

func reportDropped(pass *analysis.Pass, body *ast.BlockStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		call := droppedCall(n)
		_, deferred := n.(*ast.DeferStmt)
		if call == nil || !returnsError(pass, call) || harmless(pass, call) || deferred && clearsAway(pass, call) {
			return true
		}
		pass.Reportf(call.Pos(), "the error is dropped: handle it, or assign it to _ where it means nothing")
		return true
	})
}

// droppedCall is the call that a statement makes for its effect alone.
func droppedCall(n ast.Node) *ast.CallExpr {
	switch n := n.(type) {
	case *ast.ExprStmt:
		call, _ := n.X.(*ast.CallExpr)
		return call
	case *ast.DeferStmt:
		return n.Call
	case *ast.GoStmt:
		return n.Call
	}
	return nil
}

func returnsError(pass *analysis.Pass, call *ast.CallExpr) bool {
	result := pass.TypesInfo.TypeOf(call)
	if tuple, ok := result.(*types.Tuple); ok {
		if tuple.Len() == 0 {
			return false
		}
		result = tuple.At(tuple.Len() - 1).Type()
	}
	return result != nil && types.Identical(result, types.Universe.Lookup("error").Type())
}

// harmless are the calls whose error can't happen, or tells nothing that could be acted upon.
func harmless(pass *analysis.Pass, call *ast.CallExpr) bool {
	function := callee(pass, call)
	if function == nil {
		return false
	}
	if function.Signature().Recv() != nil {
		receiver := typeName(pass, call.Fun.(*ast.SelectorExpr).X)
		return function.Name() == "Close" || function.Name() == "Rollback" || writesToMemory(receiver) || receiver == toClient
	}
	switch name := function.FullName(); name {
	case "io.WriteString":
		return typeName(pass, call.Args[0]) == toClient
	case "crypto/rand.Read":
		return true
	default:
		return strings.HasPrefix(name, "fmt.Print") || strings.HasPrefix(name, "fmt.Fprint")
	}
}

// clearsAway are the calls that, deferred, try to leave nothing behind.
func clearsAway(pass *analysis.Pass, call *ast.CallExpr) bool {
	function := callee(pass, call)
	return function != nil && slices.Contains([]string{"os.Remove", "os.RemoveAll", "(*os.Process).Release"}, function.FullName())
}

// toClient is written to until the client goes away, which is the client's own affair.
const toClient = "net/http.ResponseWriter"

// writesToMemory names the types whose Write methods are documented to never fail.
func writesToMemory(kind string) bool {
	return slices.Contains([]string{"bytes.Buffer", "strings.Builder", "hash.Hash", "hash.Hash32", "hash.Hash64", "hash/maphash.Hash"}, kind)
}

func typeName(pass *analysis.Pass, e ast.Expr) string {
	return strings.TrimPrefix(types.TypeString(pass.TypesInfo.TypeOf(e), nil), "*")
}

func callee(pass *analysis.Pass, call *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return nil
	}
	function, _ := pass.TypesInfo.Uses[id].(*types.Func)
	return function
}

// reportLostWrites reports files that are opened for writing and closed without anyone asking whether the data arrived.
func reportLostWrites(pass *analysis.Pass, body *ast.BlockStmt) {
	written := writtenFiles(pass, body)
	if len(written) == 0 {
		return
	}
	dropped := map[*ast.CallExpr]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		if call := droppedCall(n); call != nil {
			dropped[call] = true
		}
		if call, ok := n.(*ast.CallExpr); ok && !dropped[call] {
			delete(written, finished(pass, call))
		}
		return true
	})
	for file, call := range written {
		pass.Reportf(call.Pos(), "%s is written, but no error of its Close or Sync is looked at: a full disk would go unseen", file.Name())
	}
}

// writtenFiles are the local variables that hold a file opened for writing, with the call that opened it. A file that leaves the function is its
// new owner's to close.
func writtenFiles(pass *analysis.Pass, body *ast.BlockStmt) map[types.Object]*ast.CallExpr {
	written := map[types.Object]*ast.CallExpr{}
	ast.Inspect(body, func(n ast.Node) bool {
		assignment, ok := n.(*ast.AssignStmt)
		if !ok || len(assignment.Rhs) != 1 {
			return true
		}
		call, ok := assignment.Rhs[0].(*ast.CallExpr)
		if !ok || !opensForWriting(pass, call) {
			return true
		}
		if id, ok := assignment.Lhs[0].(*ast.Ident); ok {
			if file := pass.TypesInfo.ObjectOf(id); file != nil && !leaves(pass, body, file) {
				written[file] = call
			}
		}
		return true
	})
	return written
}

func opensForWriting(pass *analysis.Pass, call *ast.CallExpr) bool {
	opener := callee(pass, call)
	if opener == nil {
		return false
	}
	switch opener.FullName() {
	case "os.Create", "os.CreateTemp":
		return true
	case "os.OpenFile":
		flags := pass.TypesInfo.Types[call.Args[1]].Value
		if flags == nil {
			return false
		}
		bits, _ := constant.Int64Val(flags)
		return bits&int64(os.O_WRONLY) != 0
	}
	return false
}

// leaves says whether the file is returned, kept or handed on.
func leaves(pass *analysis.Pass, body *ast.BlockStmt, file types.Object) bool {
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && pass.TypesInfo.Uses[id] == file
	}
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			found = found || slices.ContainsFunc(n.Results, is)
		case *ast.CallExpr:
			found = found || slices.ContainsFunc(n.Args, is) && !onlyWrites(callee(pass, n))
		case *ast.AssignStmt:
			found = found || slices.ContainsFunc(n.Rhs, is)
		case *ast.KeyValueExpr:
			found = found || is(n.Value)
		}
		return true
	})
	return found
}

// onlyWrites names the packages whose functions write to a file they are given and never close it.
func onlyWrites(function *types.Func) bool {
	if function == nil || function.Pkg() == nil {
		return false
	}
	path := function.Pkg().Path()
	return path == "fmt" || path == "io" || path == "bufio" || strings.HasPrefix(path, "encoding/")
}

// finished is the variable whose Close or Sync is called.
func finished(pass *analysis.Pass, call *ast.CallExpr) types.Object {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Close" && selector.Sel.Name != "Sync" {
		return nil
	}
	id, ok := selector.X.(*ast.Ident)
	if !ok {
		return nil
	}
	return pass.TypesInfo.Uses[id]
}
