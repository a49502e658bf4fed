package mlx_test

import (
	"go/build"
	"slices"
	"strings"
	"testing"
)

// The x86 kernels are no part of a build for any other machine.
func TestKernelsAreForLinuxAMD64Only(t *testing.T) {
	const kernels = "qwill/engine/mlx/kernels"
	for _, target := range [][2]string{{"darwin", "arm64"}, {"linux", "arm64"}, {"linux", "amd64"}} {
		c := build.Default
		c.GOOS, c.GOARCH, c.CgoEnabled = target[0], target[1], true
		p, err := c.ImportDir(".", 0)
		if err != nil {
			t.Fatal(err)
		}
		want := target == [2]string{"linux", "amd64"}
		if got := slices.Contains(p.Imports, kernels); got != want {
			t.Errorf("%v imports the kernels: %v", target, got)
		}
		got := slices.ContainsFunc(p.CXXFiles, func(f string) bool { return strings.HasPrefix(f, "primitives_") })
		if got != want {
			t.Errorf("%v compiles the primitives: %v", target, got)
		}
		if !slices.Contains(p.CXXFiles, "fused.cpp") || !slices.Contains(p.CXXFiles, "shim.cpp") {
			t.Errorf("%v lacks the shim: %v", target, p.CXXFiles)
		}
	}
}
