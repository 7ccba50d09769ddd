package internal_test

import (
	"go/ast"
	"go/token"
	"strings"
)

// checkLength holds tests to the hard limit only: a test tells a story, and a long one is cut by moving its table out.
func checkLength(r *repository, limit limits) (found []finding) {
	var long []finding
	functions, over := 0, 0
	for f := range r.all() {
		for function := range f.functions() {
			lines := r.lines(function)
			name, line := function.Name.Name, r.line(function)
			if !f.test {
				functions++
			}
			if !f.test && lines > limit.function {
				over++
			}
			switch {
			case lines > limit.functionMost:
				found = append(found, find(f.path, line, "%s has %d lines; no function may have more than %d", name, lines, limit.functionMost))
			case lines > limit.function && !f.test:
				long = append(long, find(f.path, line, "%s has %d lines, and more than %d %% of all functions have over %d",
					name, lines, limit.longShare, limit.function))
			}
		}
	}
	if over*100 > limit.longShare*functions {
		found = append(found, long...)
	}
	return found
}

func checkComplexity(r *repository, limit limits) (found []finding) {
	for f := range r.all() {
		for function := range f.functions() {
			if ways := complexity(function); ways > limit.complexity {
				found = append(found, find(f.path, r.line(function), "%s has %d independent ways through it; at most %d", function.Name.Name, ways, limit.complexity))
			}
		}
	}
	return found
}

// complexity is McCabe's: one, and one more for each place where the way forks. Functions inside count to the one that they stand in.
func complexity(function *ast.FuncDecl) int {
	ways := 1
	ast.Inspect(function, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			ways++
		case *ast.CaseClause:
			if n.List != nil {
				ways++
			}
		case *ast.CommClause:
			if n.Comm != nil {
				ways++
			}
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				ways++
			}
		}
		return true
	})
	return ways
}

// checkFiles leaves out the API's types: they are one list, read by looking things up.
func checkFiles(r *repository, limit limits) (found []finding) {
	for f := range r.all() {
		if f.lines > limit.file && !strings.HasPrefix(f.path, "api/") {
			found = append(found, find(f.path, 0, "the file has %d lines; at most %d", f.lines, limit.file))
		}
	}
	return found
}

func checkPackages(r *repository, limit limits) (found []finding) {
	for _, p := range r.packages {
		lines := 0
		for f := range p.code() {
			if !ast.IsGenerated(f.syntax) {
				lines += f.lines
			}
		}
		if lines > limit.pkg {
			found = append(found, find(p.dir, 0, "the package has %d lines without its tests; at most %d", lines, limit.pkg))
		}
	}
	return found
}

func checkParameters(r *repository, limit limits) (found []finding) {
	report := func(f *file, n ast.Node, name string, function *ast.FuncType) {
		if count := function.Params.NumFields(); count > limit.parameters {
			found = append(found, find(f.path, r.line(n), "%s takes %d parameters; at most %d", name, count, limit.parameters))
		}
	}
	for f := range r.all() {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				report(f, n, n.Name.Name, n.Type)
			case *ast.InterfaceType:
				for _, method := range n.Methods.List {
					if function, ok := method.Type.(*ast.FuncType); ok {
						report(f, method, method.Names[0].Name, function)
					}
				}
			}
			return true
		})
	}
	return found
}

// checkInterfaces counts an interface that is embedded as one method: who needs less takes the part. Types listed in a constraint count for nothing.
func checkInterfaces(r *repository, limit limits) (found []finding) {
	for f := range r.all() {
		for _, spec := range f.types() {
			kind, ok := spec.Type.(*ast.InterfaceType)
			if !ok {
				continue
			}
			count := 0
			for _, element := range kind.Methods.List {
				switch element.Type.(type) {
				case *ast.FuncType, *ast.Ident, *ast.SelectorExpr:
					count++
				}
			}
			if count > limit.methods {
				found = append(found, find(f.path, r.line(spec), "interface %s has %d methods; at most %d", spec.Name.Name, count, limit.methods))
			}
		}
	}
	return found
}

// types are the types that the file declares at its top level.
func (f *file) types() (specs []*ast.TypeSpec) {
	for _, decl := range f.syntax.Decls {
		if group, ok := decl.(*ast.GenDecl); ok {
			for _, spec := range group.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok {
					specs = append(specs, spec)
				}
			}
		}
	}
	return specs
}
