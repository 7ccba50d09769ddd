package rule

import (
	"go/ast"

	"golang.org/x/tools/go/analysis"
)

// Context reports contexts that are kept: a kept context outlives the call it was for, and what it ends can no longer be seen where it is used.
var Context = &analysis.Analyzer{
	Name: "context",
	Doc:  "report struct fields that hold a context",
	Run:  runContext,
}

func runContext(pass *analysis.Pass) (any, error) {
	for _, file := range pass.Files {
		if isTest(pass, file) {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			structure, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range structure.Fields.List {
				if kind := pass.TypesInfo.TypeOf(field.Type); kind != nil && kind.String() == "context.Context" {
					pass.Reportf(field.Pos(), "a struct must not keep a context: pass it to the calls that need it")
				}
			}
			return true
		})
	}
	return nil, nil
}
