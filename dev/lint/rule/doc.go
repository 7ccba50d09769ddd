// Package rule holds the checks that are Plumb's own: what security and the house ask for and no public linter knows.
//
// Rules about the shape of the tree (layers, sizes, names) are not here but in internal/arch_test.go: they need no types. A rule here looks at what
// a name stands for, so an alias or a renamed import doesn't hide anything. Each is proved able to fail by code in testdata.
package rule

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// All are the rules of this package.
func All() []*analysis.Analyzer {
	return []*analysis.Analyzer{Forbidden, Documented, Context, Unchecked}
}

// module is the import path that all of Plumb's own packages begin with.
const module = "plumb.dev/plumb"

// within says whether the package lies in one of the folders, given from the repository's top; an empty list means anywhere.
func within(pass *analysis.Pass, folders []string) bool {
	path := strings.TrimSuffix(pass.Pkg.Path(), "_test")
	path = strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
	for _, folder := range folders {
		if path == folder || strings.HasPrefix(path, folder+"/") {
			return true
		}
	}
	return len(folders) == 0
}

// isTest says whether the file is a test's, or belongs to a package that is there for tests, such as targettest.
func isTest(pass *analysis.Pass, file *ast.File) bool {
	return inTest(pass, file.FileStart) || strings.HasSuffix(pass.Pkg.Name(), "test")
}

// inTest says whether the place is in a test's file, or in what go test writes to run them.
func inTest(pass *analysis.Pass, at token.Pos) bool {
	return strings.HasSuffix(pass.Fset.File(at).Name(), "_test.go") || strings.HasSuffix(pass.Pkg.Path(), ".test")
}

// OutsideTests is the analyzer without what it finds in tests.
func OutsideTests(analyzer *analysis.Analyzer) *analysis.Analyzer {
	limited := *analyzer
	limited.Run = func(pass *analysis.Pass) (any, error) {
		quieter := *pass
		quieter.Report = func(d analysis.Diagnostic) {
			if !inTest(pass, d.Pos) {
				pass.Report(d)
			}
		}
		return analyzer.Run(&quieter)
	}
	return &limited
}
