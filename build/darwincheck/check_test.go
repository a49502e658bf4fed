package darwincheck

import (
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qwill/app/macos"
)

const root = "../.."

// all is every package of the app with its window, and the engine.
var all = []string{".", "./app/...", "./engine/..."}

func TestDarwin(t *testing.T) {
	r, err := Check(absolute(t), nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range r.Errors {
		t.Error(err)
	}
	for _, want := range []string{"qwill/app/macos", "qwill/app/desktop", "qwill/engine/mlx", "github.com/progrium/darwinkit/macos/appkit"} {
		if r.Packages[want] == nil {
			t.Errorf("%s was not checked", want)
		}
	}
	t.Logf("%d packages of Qwill, %d in all", len(r.Ours("qwill")), len(r.Packages))
}

// TestSelectors holds the selectors against the methods of the type that
// darwinkit makes the provider of: it looks them up by name at run time, and
// panics, on the Mac alone, when one is missing or has another shape.
func TestSelectors(t *testing.T) {
	r, err := Check(absolute(t), nil, "./app/macos")
	if err != nil {
		t.Fatal(err)
	}
	provider := r.Packages["qwill/app/macos"].Scope().Lookup("servicesProvider")
	if provider == nil {
		t.Fatal("app/macos has no type servicesProvider")
	}
	fields := provider.Type().Underlying().(*types.Struct)
	if fields.NumFields() != 1 || fields.Field(0).Type().String() != "github.com/progrium/darwinkit/objc.Object" {
		t.Errorf("servicesProvider must hold objc.Object and nothing else, has %v", fields)
	}
	methods := types.NewMethodSet(provider.Type()) // of the value: darwinkit never calls pointer methods
	var own []string
	for m := range methods.Methods() {
		if strings.HasSuffix(m.Obj().Name(), "UserDataError") {
			own = append(own, m.Obj().Name())
		}
	}
	var wanted []string
	for _, selector := range macos.Selectors {
		if n := strings.Count(selector, ":"); n != 3 {
			t.Errorf("%s takes %d arguments; AppKit passes 3", selector, n)
		}
		name := macos.GoMethod(selector)
		wanted = append(wanted, name)
		m := methods.Lookup(provider.Pkg(), name)
		if m == nil {
			t.Errorf("%s needs the method %s", selector, name)
			continue
		}
		got := types.TypeString(m.Type(), func(p *types.Package) string { return p.Name() })
		if want := "func(pb appkit.Pasteboard, userData string, message unsafe.Pointer)"; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	slices.Sort(own)
	slices.Sort(wanted)
	if !slices.Equal(own, wanted) {
		t.Errorf("methods %v, selectors want %v", own, wanted)
	}
}

// TestPlantedMistakes proves that the check sees what it is for.
func TestPlantedMistakes(t *testing.T) {
	const kit, session = "app/macos/kit_darwin.go", "app/desktop/session_darwin.go"
	tests := []struct{ name, file, old, new, want string }{
		{"wrong type for darwinkit", kit, "menu.AddItem(item)", "menu.AddItem(e.Title)", "cannot use e.Title"},
		{"method that darwinkit lacks", kit, "k.item.SetMenu(menuOf", "k.item.SetMenue(menuOf", "SetMenue undefined"},
		{"unused import", kit, `"time"`, `"time"` + "\n\t\"os\"", `"os" imported and not used`},
		{"missing return", kit, "func NewStatus() *Status { return &Status{kit: mac} }", "func NewStatus() *Status {}", "missing return"},
		{"interface not implemented", kit, "func (k *appKit) accessory() {", "func (k *appKit) accessories() {", "missing method accessory"},
		{"wrong count of arguments", kit, "appkit.NewMenuWithTitle(title)", "appkit.NewMenuWithTitle(title, 1)", "too many arguments"},
		{"our own interface changed", session, "keep() bool {", "keep() int {", "wrong type for method keep"},
		{"syntax", kit, "func onMain(f func()) {", "func onMain(f func() {", "missing ','"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := absolute(t)
			source, err := os.ReadFile(filepath.Join(dir, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(source), tt.old, tt.new, 1)
			if changed == string(source) {
				t.Fatalf("%s has no %q", tt.file, tt.old)
			}
			r, err := Check(dir, map[string]string{tt.file: changed}, "./"+filepath.Dir(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range r.Errors {
				if strings.Contains(err.Error(), tt.want) {
					return
				}
			}
			t.Errorf("not caught: %v", r.Errors)
		})
	}
}

func absolute(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
