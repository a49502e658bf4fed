package diag

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// The message of a log entry is written as it is: it must be a constant of the
// program, in every package of the app.
func TestLogMessagesAreConstants(t *testing.T) {
	calls := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "slog" && x.Name != "log" {
				return true
			}
			switch sel.Sel.Name {
			case "Debug", "Info", "Warn", "Error":
				calls++
				if lit, ok := call.Args[0].(*ast.BasicLit); !ok || lit.Kind != token.STRING {
					t.Errorf("%s: a log message that is no constant", set.Position(call.Pos()))
				}
			}
			return true
		})
		return nil
	})
	if err != nil || calls < 20 {
		t.Errorf("%d calls found, %v", calls, err)
	}
}
