package rule_test

import (
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"plumb.dev/plumb/dev/lint/rule"
)

// The code in testdata says in "want" comments what is to be reported on its line; anything else reported, or not, fails.
func TestRules(t *testing.T) {
	cases := map[*analysis.Analyzer][]string{
		rule.Forbidden: {
			"plumb.dev/plumb/internal/render", "plumb.dev/plumb/internal/render/rendertest", "plumb.dev/plumb/internal/server", "plumb.dev/plumb/internal/cli",
			"plumb.dev/plumb/test/tour",
		},
		rule.Documented: {"documented"},
		rule.Context:    {"held"},
		rule.Unchecked:  {"unchecked"},
	}
	for _, analyzer := range rule.All() {
		t.Run(analyzer.Name, func(t *testing.T) {
			if len(cases[analyzer]) == 0 {
				t.Fatal("no code in testdata shows that this rule can fail")
			}
			analysistest.Run(t, analysistest.TestData(), analyzer, cases[analyzer]...)
		})
	}
}

func TestOutsideTests(t *testing.T) {
	analyzer := rule.OutsideTests(&analysis.Analyzer{
		Name: "every", Doc: "report every file", Run: func(pass *analysis.Pass) (any, error) {
			for _, file := range pass.Files {
				pass.Reportf(file.Package, "a file")
			}
			return nil, nil
		},
	})
	analysistest.Run(t, analysistest.TestData(), analyzer, "outside")
}
