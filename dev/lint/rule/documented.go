package rule

import (
	"go/ast"
	"go/token"
	"slices"

	"golang.org/x/tools/go/analysis"
)

// Documented reports what a package shows to others without saying what it is. Methods that a well-known interface asks for need no words.
var Documented = &analysis.Analyzer{
	Name: "documented",
	Doc:  "report exported declarations without a comment",
	Run:  runDocumented,
}

func runDocumented(pass *analysis.Pass) (any, error) {
	if pass.Pkg.Name() == "main" {
		return nil, nil
	}
	for _, file := range pass.Files {
		if isTest(pass, file) || ast.IsGenerated(file) {
			continue
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				documentedFunc(pass, decl)
			case *ast.GenDecl:
				documentedGroup(pass, decl)
			}
		}
	}
	return nil, nil
}

func documentedFunc(pass *analysis.Pass, decl *ast.FuncDecl) {
	if decl.Doc != nil || !decl.Name.IsExported() {
		return
	}
	if decl.Recv != nil && (!receiverExported(decl) || wellKnown(decl.Name.Name)) {
		return
	}
	pass.Reportf(decl.Pos(), "exported %s has no comment: say what it does, and what its user must know", decl.Name.Name)
}

func receiverExported(decl *ast.FuncDecl) bool {
	receiver := decl.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.IsExported()
		default:
			return false
		}
	}
}

// wellKnown are methods whose meaning an interface of the standard library fixes.
func wellKnown(method string) bool {
	return slices.Contains([]string{
		"String", "Error", "Unwrap", "Is", "As", "Close", "Read", "Write", "Len", "Less", "Swap", "Push", "Pop", "ServeHTTP", "LogValue",
		"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Describe", "Collect",
	}, method)
}

// documentedGroup wants a comment on each name, or one on the group it stands in.
func documentedGroup(pass *analysis.Pass, decl *ast.GenDecl) {
	if decl.Tok == token.IMPORT || decl.Doc != nil {
		return
	}
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil {
				pass.Reportf(spec.Pos(), "exported type %s has no comment: say what it is", spec.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && spec.Doc == nil && spec.Comment == nil {
					pass.Reportf(name.Pos(), "exported %s has no comment: say what it is", name.Name)
				}
			}
		}
	}
}
