package rule

import (
	"go/ast"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Forbidden reports imports and names that must not be used, or not there.
var Forbidden = &analysis.Analyzer{
	Name: "forbidden",
	Doc:  "report imports and names that are not to be used, with the reason",
	Run:  runForbidden,
}

// ban is one entry of the list: the names, each a package, PACKAGE.NAME or PACKAGE.* for all its functions, and the folders where they are banned,
// none meaning everywhere.
type ban struct {
	names   []string
	in      []string
	notIn   []string
	inTests bool // tests may not use it either
	why     string
}

// pure are the folders that work on what they are given and never on the host (S01 to S04).
func pure() []string {
	return []string{"internal/render", "internal/declare", "internal/manifest", "internal/tree", "internal/object", "internal/plan"}
}

func bans() []ban {
	return []ban{
		{
			names: []string{"os", "os/exec", "net", "net/http", "io/ioutil", "syscall", "golang.org/x/sys/unix"},
			in:    pure(),
			notIn: []string{"internal/render/cache"}, // it keeps results, under names of its own making, and reads no file of a repository
			why:   "what others wrote is read through the tree only, which has no host behind it (S04)",
		},
		{
			names: []string{
				"path/filepath.Walk", "path/filepath.WalkDir", "path/filepath.Glob", "path/filepath.EvalSymlinks", "path/filepath.Abs",
				"sigs.k8s.io/kustomize/kyaml/filesys.MakeFsOnDisk",
			},
			in:  pure(),
			why: "it looks at the host's files; what others wrote is read through the tree only (S04)",
		},
		{
			names: []string{"math/rand.*", "math/rand/v2.*"}, // a *rand.Rand that is passed in is fine
			why:   "it can be guessed: secrets come from crypto/rand (S32), and randomness for jitter is passed in",
		},
		{
			names: []string{"crypto/md5", "crypto/sha1", "crypto/des", "crypto/rc4"},
			why:   "it is broken: use crypto/sha256 or better",
		},
		{
			names:   []string{"golang.org/x/crypto/ssh.InsecureIgnoreHostKey"},
			inTests: true,
			why:     "a host that isn't known is not talked to",
		},
		{
			names: []string{
				"net/http.NewRequest", "net/http.ListenAndServeTLS", "net/http.Serve", "net/http.Handle", "net/http.HandleFunc",
			},
			why: "it has no time limit or is shared by the whole process: make a client or server with limits, and requests with a context",
		},
		{
			names:   []string{"net/http.DefaultClient", "net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm"},
			inTests: true, // where the end of any test server breaks off what the shared connections are about to do
			why:     "it has no time limit, and its connections are shared by the whole process: make a client with limits and a Transport of its own",
		},
		{
			names: []string{"fmt.Print", "fmt.Printf", "fmt.Println", "os.Args"},
			in:    []string{"internal"},
			why:   "streams and arguments are handed down from main, so that a test can see them",
		},
		{
			names: []string{"os.Stdin", "os.Stdout", "os.Stderr"},
			in:    []string{"internal"},
			notIn: []string{"internal/cli"}, // where the streams come in
			why:   "streams are handed down from main, so that a test can see them",
		},
		{
			names: []string{"log"},
			in:    []string{"internal", "cmd"},
			why:   "logs are log/slog, with a constant message and key-value pairs",
		},
		{
			names: []string{"os.Exit"},
			in:    []string{"internal"},
			why:   "only main ends the process; return an error",
		},
		{
			names: []string{"os.Setenv", "os.Unsetenv", "os.Clearenv", "os.Chdir", "syscall.Umask"},
			why:   "it changes the whole process under everyone else's feet; give it to the one child that needs it",
		},
	}
}

func runForbidden(pass *analysis.Pass) (any, error) {
	list := bans()
	for _, file := range pass.Files {
		test := isTest(pass, file)
		current := slices.DeleteFunc(slices.Clone(list), func(b ban) bool {
			return test && !b.inTests || !within(pass, b.in) || len(b.notIn) > 0 && within(pass, b.notIn)
		})
		reportImports(pass, file, current)
		reportNames(pass, file, current)
		reportSkippedVerification(pass, file)
		reportIdleComments(pass, file)
	}
	return nil, nil
}

func reportImports(pass *analysis.Pass, file *ast.File, list []ban) {
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if why, ok := reason(list, path); ok {
			pass.Reportf(spec.Pos(), "%s must not be imported here: %s", path, why)
		}
	}
}

func reportNames(pass *analysis.Pass, file *ast.File, list []ban) {
	ast.Inspect(file, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		object := pass.TypesInfo.Uses[id]
		if object == nil || object.Pkg() == nil || object.Parent() != object.Pkg().Scope() {
			return true
		}
		name := object.Pkg().Path() + "." + object.Name()
		why, found := reason(list, name)
		if _, function := object.(*types.Func); function && !found {
			why, found = reason(list, object.Pkg().Path()+".*")
		}
		if found {
			pass.Reportf(id.Pos(), "%s must not be used here: %s", name, why)
		}
		return true
	})
}

func reason(list []ban, name string) (why string, found bool) {
	for _, b := range list {
		if slices.Contains(b.names, name) {
			return b.why, true
		}
	}
	return "", false
}

// reportSkippedVerification reports TLS settings that take any certificate for good (S31), in tests as well: those have a CA of their own.
func reportSkippedVerification(pass *analysis.Pass, file *ast.File) {
	const why = "%s is not to be set: trust a CA instead (S31)"
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok && skipsVerification(pass.TypesInfo.Uses[id]) && !isFalse(pass, n.Value) {
				pass.Reportf(n.Pos(), why, id.Name)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				selector, ok := left.(*ast.SelectorExpr)
				if ok && skipsVerification(pass.TypesInfo.Uses[selector.Sel]) && (len(n.Lhs) != len(n.Rhs) || !isFalse(pass, n.Rhs[i])) {
					pass.Reportf(n.Pos(), why, selector.Sel.Name)
				}
			}
		}
		return true
	})
}

// skipsVerification knows crypto/tls.Config.InsecureSkipVerify and the fields of the Kubernetes client and its kubeconfig that stand for it.
func skipsVerification(object types.Object) bool {
	field, ok := object.(*types.Var)
	if !ok || !field.IsField() || field.Pkg() == nil {
		return false
	}
	switch field.Name() {
	case "InsecureSkipVerify", "InsecureSkipTLSVerify":
		return true
	case "Insecure":
		return strings.HasPrefix(field.Pkg().Path(), "k8s.io/client-go/")
	}
	return false
}

func isFalse(pass *analysis.Pass, e ast.Expr) bool {
	value := pass.TypesInfo.Types[e].Value
	return value != nil && value.String() == "false"
}

// reportIdleComments reports exceptions written for another linter: they excuse nothing here, and look as if they did.
func reportIdleComments(pass *analysis.Pass, file *ast.File) {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if strings.HasPrefix(comment.Text, "//nolint") {
				pass.Reportf(comment.Pos(), "nolint means nothing here: write //lint:ignore CHECK reason on the line above, or drop it")
			}
		}
	}
}
