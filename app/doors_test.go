package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dialling are the names that open connections, by package.
var dialling = map[string][]string{
	"net/http": {"Client", "DefaultClient", "Transport", "DefaultTransport", "Get", "Head", "Post", "PostForm"},
	"net": {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "Dialer", "LookupHost", "LookupIP", "LookupAddr", "LookupTXT", "LookupMX", "LookupNS", "LookupSRV", "LookupCNAME",
		"ResolveTCPAddr", "ResolveUDPAddr", "ResolveIPAddr", "Resolver", "DefaultResolver"},
	"net/http/httputil":     {"ReverseProxy", "NewSingleHostReverseProxy", "NewClientConn", "NewProxyClientConn"},
	"syscall":               {"Connect", "Sendto", "SYS_CONNECT", "SYS_SENDTO"},
	"golang.org/x/sys/unix": {"Connect", "Sendto", "SYS_CONNECT", "SYS_SENDTO"},
	"net/textproto":         {"Dial"},
	"crypto/tls":            {"Dial", "DialWithDialer", "Dialer", "Client"},
	"net/rpc":               {"Dial", "DialHTTP"},
	"net/smtp":              {"*"}, "golang.org/x/net/websocket": {"*"}, "github.com/gorilla/websocket": {"*"}, "google.golang.org/grpc": {"*"},
}

// programs open connections for whoever starts them.
var programs = []string{"curl", "wget", "aria2c", "ssh", "scp", "sftp", "rsync", "git", "nc", "ncat", "netcat", "socat", "telnet", "ftp", "openssl", "hf", "huggingface-cli", "modelscope",
	"python", "python3", "pip", "pip3", "npm", "npx", "node"}

// starts says which of these programs a call starts; "" none.
func starts(c *ast.CallExpr, imported map[string]string) string {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok || imported[x.Name] != "os/exec" && imported[x.Name] != "os" && imported[x.Name] != "syscall" {
		return ""
	}
	for _, arg := range c.Args {
		lit, ok := arg.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		text, _ := strconv.Unquote(lit.Value)
		// The program itself, or a line for a shell.
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n;|&()`$'\"", r) }) {
			if slices.Contains(programs, filepath.Base(word)) {
				return word
			}
		}
	}
	return ""
}

// connecting lists where a file opens connections, as "LINE: NAME".
func connecting(t *testing.T, name string, source any) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]string{}
	var found []string
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		local := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			local = i.Name.Name
		}
		imported[local] = path
		if names := dialling[path]; slices.Contains(names, "*") || names != nil && local == "." {
			found = append(found, path)
		}
	}
	local := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			if program := starts(c, imported); program != "" {
				found = append(found, set.Position(c.Pos()).String()+": starts "+program)
			}
		}
		// A socket in a file of this machine leads nowhere else.
		if c, ok := n.(*ast.CallExpr); ok && len(c.Args) > 0 {
			if kind, ok := c.Args[0].(*ast.BasicLit); ok && kind.Value == `"unix"` {
				local[c.Fun] = true
			}
		}
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil && !local[s] && slices.Contains(dialling[imported[x.Name]], s.Sel.Name) {
			found = append(found, set.Position(s.Pos()).String()+": "+x.Name+"."+s.Sel.Name)
		}
		return true
	})
	return found
}

// TestOneWayOut: what the user reads in the log of connections is all there is,
// and the one switch stops it all, only as long as app/fetch alone connects.
func TestOneWayOut(t *testing.T) {
	files := 0
	for _, dir := range []string{".", "../engine", "../assets", "../build", "../main.go", "../window.go"} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "out" || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "fetch"+string(filepath.Separator)) {
				return nil
			}
			files++
			for _, f := range connecting(t, path, nil) {
				if strings.HasPrefix(path, "../build/dist/") && strings.HasSuffix(f, ": starts git") {
					continue // asks the sources' own history, on a developer's machine
				}
				t.Errorf("%s opens a connection; only app/fetch may", f)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("only %d files were read", files)
	}
}

// TestOneWayOutBites proves that each way out is found.
func TestOneWayOutBites(t *testing.T) {
	for _, body := range []string{
		`import "net/http"; var c = http.DefaultClient`,
		`import "net/http"; var c = &http.Client{}`,
		`import h "net/http"; func f() { h.Get("x") }`,
		`import "net"; func f() { net.Dial("tcp", "x") }`,
		`import "net"; func f(kind string) { net.Dial(kind, "x") }`,
		`import "net"; var d net.Dialer`,
		`import "crypto/tls"; func f() { tls.Dial("tcp", "x", nil) }`,
		`import . "net/http"`,
		`import "net/smtp"`,
		`import "net"; func f() { net.ResolveTCPAddr("tcp", "x:1") }`,
		`import "net"; func f() { new(net.Resolver).LookupHost(nil, "x") }`,
		`import "net/http"; func f() { http.Post("x", "", nil) }`,
		`import "net/http/httputil"; var p httputil.ReverseProxy`,
		`import "crypto/tls"; var d tls.Dialer`,
		`import "syscall"; func f() { syscall.Connect(0, nil) }`,
		`import "golang.org/x/sys/unix"; func f() { unix.Connect(0, nil) }`,
		`import "os/exec"; func f() { exec.Command("curl", "x") }`,
		`import "os/exec"; func f() { exec.CommandContext(nil, "/usr/bin/wget", "x") }`,
		`import "os/exec"; func f() { exec.Command("sh", "-c", "x | curl -s y") }`,
		`import e "os/exec"; func f() { e.LookPath("git") }`,
		`import "github.com/gorilla/websocket"`,
	} {
		if len(connecting(t, "x.go", "package x; "+body)) == 0 {
			t.Errorf("not found: %s", body)
		}
	}
	for _, body := range []string{`import "net/http"; var h http.Handler`, `import "net"; func f() { net.Listen("tcp", "x") }`,
		`import "os/exec"; func f() { exec.Command("qwill-engine", "serve") }`,
		`import "net"; func f() { net.Dial("unix", "x") }`, `type T struct{ Dial int }; var net T; var d = net.Dial`} {
		if found := connecting(t, "x.go", "package x; "+body); len(found) != 0 {
			t.Errorf("%s: %v", body, found)
		}
	}
}
