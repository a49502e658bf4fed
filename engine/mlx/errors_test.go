package mlx_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
)

// failures are calls that must end in an *Error naming the operation, wherever
// MLX notices: building the graph or computing it.
var failures = []struct {
	name, op string
	f        func(th *mlx.Thread)
}{
	{"matmul shapes", "matmul", func(th *mlx.Thread) { mlx.MatMul(th.Zeros(mlx.Float32, 2, 3), th.Zeros(mlx.Float32, 2, 3)) }},
	{"broadcast", "add", func(th *mlx.Thread) { mlx.Add(th.Zeros(mlx.Float32, 2), th.Zeros(mlx.Float32, 3)) }},
	{"reshape", "reshape", func(th *mlx.Thread) { mlx.Reshape(th.Zeros(mlx.Float32, 4), 3) }},
	{"reshape huge", "shape", func(th *mlx.Thread) { mlx.Reshape(th.Zeros(mlx.Float32, 4), 1<<40) }},
	{"transpose axes", "transpose", func(th *mlx.Thread) { mlx.Transpose(th.Zeros(mlx.Float32, 2, 2), 0, 5) }},
	{"squeeze", "squeeze", func(th *mlx.Thread) { mlx.Squeeze(th.Zeros(mlx.Float32, 2), 0) }},
	{"slice ranks", "slice", func(th *mlx.Thread) { mlx.Slice(th.Zeros(mlx.Float32, 2), []int{0, 0}, []int{1, 1}) }},
	{"slice update", "slice_update", func(th *mlx.Thread) {
		mlx.SliceUpdate(th.Zeros(mlx.Float32, 4), th.Zeros(mlx.Float32, 3), []int{0}, []int{2})
	}},
	{"reduce axis", "sum", func(th *mlx.Thread) { mlx.Sum(th.Zeros(mlx.Float32, 4), 3, false) }},
	{"concatenate", "concatenate", func(th *mlx.Thread) { mlx.Concatenate(nil, 0) }},
	{"concatenate shapes", "concatenate", func(th *mlx.Thread) {
		mlx.Concatenate([]mlx.Array{th.Zeros(mlx.Float32, 2, 2), th.Zeros(mlx.Float32, 3, 3)}, 0)
	}},
	{"dtype", "astype", func(th *mlx.Thread) { mlx.AsType(th.Zeros(mlx.Float32, 4), mlx.Dtype(99)) }},
	{"bytes too few", "from_bytes", func(th *mlx.Thread) { th.FromBytes(mlx.Float32, make([]byte, 7), 2) }},
	{"negative shape", "from_bytes", func(th *mlx.Thread) { th.FromBytes(mlx.Uint8, nil, -1) }},
	{"shape overflow", "from_bytes", func(th *mlx.Thread) { th.FromBytes(mlx.Uint8, nil, 1<<31, 1<<31, 1<<31) }},
	{"absent", "add", func(th *mlx.Thread) { mlx.Add(th.Zeros(mlx.Float32, 1), mlx.Array{}) }},
	{"absent first", "exp", func(th *mlx.Thread) { mlx.Exp(mlx.Array{}) }},
	{"freed", "add", func(th *mlx.Thread) {
		s := th.Enter()
		a := th.Zeros(mlx.Float32, 1)
		s.Close()
		mlx.Add(a, a)
	}},
	{"item of many", "item", func(th *mlx.Thread) { th.Zeros(mlx.Float32, 2).Item() }},
	{"quantize group", "quantize", func(th *mlx.Thread) { mlx.Quantize(th.Zeros(mlx.Float32, 4, 48), 32, 4) }},
	{"quantized matmul", "quantized_matmul", func(th *mlx.Thread) {
		mlx.QuantizedMatMul(th.Zeros(mlx.Float32, 1, 99), mlx.Quantize(th.Zeros(mlx.Float32, 4, 64), 32, 4), true)
	}},
	{"linear width", "linear", func(th *mlx.Thread) {
		mlx.Linear(th.Zeros(mlx.Float32, 1, 99), mlx.Quantize(th.Zeros(mlx.Float32, 4, 64), 32, 4), mlx.Array{}, mlx.Exact)
	}},
	{"linear bits", "linear", func(th *mlx.Thread) {
		w := mlx.Quantize(th.Zeros(mlx.Float32, 4, 64), 32, 4)
		w.Bits = 3
		mlx.Linear(th.Zeros(mlx.Float32, 1, 64), w, mlx.Array{}, mlx.Exact)
	}},
	{"linear group of 0", "linear", func(th *mlx.Thread) {
		w := mlx.Quantize(th.Zeros(mlx.Float32, 4, 64), 32, 4)
		w.GroupSize = 0
		mlx.Linear(th.Zeros(mlx.Float32, 1, 64), w, mlx.Array{}, mlx.Exact)
	}},
	{"linear scales", "linear", func(th *mlx.Thread) {
		w := mlx.Quantize(th.Zeros(mlx.Float32, 4, 64), 32, 4)
		w.Scales = th.Zeros(mlx.Float32, 4, 1)
		mlx.Linear(th.Zeros(mlx.Float32, 1, 64), w, mlx.Array{}, mlx.Exact)
	}},
	{"linear integers", "linear", func(th *mlx.Thread) {
		mlx.Linear(th.Zeros(mlx.Float32, 1, 64), mlx.Weight{W: th.Zeros(mlx.Int32, 4, 64)}, mlx.Array{}, mlx.Exact)
	}},
	{"mlp", "mlp", func(th *mlx.Thread) {
		w := mlx.Weight{W: th.Zeros(mlx.Float32, 4, 64)}
		mlx.MLP(th.Zeros(mlx.Float32, 1, 64), w, w, w, mlx.Exact)
	}},
	{"norm width", "rms_norm", func(th *mlx.Thread) { mlx.RMSNorm(th.Zeros(mlx.Float32, 1, 8), th.Zeros(mlx.Float32, 9), 1) }},
	{"rope heads", "norm_rope", func(th *mlx.Thread) {
		mlx.NormRope(th.Zeros(mlx.Float32, 1, 8), mlx.Array{}, 0, th.Zeros(mlx.Float32, 2), 3, 0)
	}},
	{"rope of no heads", "norm_rope", func(th *mlx.Thread) {
		mlx.NormRope(th.Zeros(mlx.Float32, 1, 8), mlx.Array{}, 0, th.Zeros(mlx.Float32, 2), 0, 0)
	}},
	{"cache overrun", "append_kv", func(th *mlx.Thread) {
		x := th.Zeros(mlx.Float32, 3, 8)
		th.NewKV(mlx.Float32, 1, 4, 8).Append(x, x, 2)
	}},
	{"cache before its start", "append_kv", func(th *mlx.Thread) {
		x := th.Zeros(mlx.Float32, 1, 8)
		th.NewKV(mlx.Float32, 1, 4, 8).Append(x, x, -1)
	}},
	{"attention overrun", "attention", func(th *mlx.Thread) {
		mlx.Attention(th.Zeros(mlx.Float32, 1, 8), th.NewKV(mlx.Float32, 1, 4, 8), 4, 1)
	}},
	{"attention heads", "attention", func(th *mlx.Thread) {
		mlx.Attention(th.Zeros(mlx.Float32, 1, 24), th.NewKV(mlx.Float32, 2, 4, 8), 0, 1)
	}},
	{"block lengths", "attention_block", func(th *mlx.Thread) {
		q, k := th.Zeros(mlx.Float32, 2, 8), th.Zeros(mlx.Float32, 1, 8)
		mlx.AttentionBlock(q, k, k, th.NewKV(mlx.Float32, 1, 4, 8), mlx.Array{}, mlx.Array{}, 0, th.Zeros(mlx.Float32, 4), 0, 1)
	}},
	{"token beyond the vocabulary", "read", func(th *mlx.Thread) {
		mlx.Embed(th.FromInts([]int{1, 4}), mlx.Quantize(th.Zeros(mlx.Float32, 4, 64), 32, 4)).Float32s()
		if mlx.Kernels() == "" {
			mlx.FailingArray(th, true).Float32s()
		}
	}},
	{"negative token", "read", func(th *mlx.Thread) {
		mlx.Embed(th.FromInts([]int{-1}), mlx.Weight{W: th.Zeros(mlx.Float32, 4, 64)}).Float32s()
		if mlx.Kernels() == "" {
			mlx.FailingArray(th, true).Float32s()
		}
	}},
	{"tokens of two dimensions", "embed", func(th *mlx.Thread) {
		mlx.Embed(th.Zeros(mlx.Int32, 2, 2), mlx.Weight{W: th.Zeros(mlx.Float32, 4, 64)})
	}},
	{"endless range", "arange", func(th *mlx.Thread) { th.Arange(mlx.Int32, 0, 1e18, 1) }},
	{"range without steps", "arange", func(th *mlx.Thread) { th.Arange(mlx.Float32, 0, 1, 0) }},
	{"refused by the kernel", "read", func(th *mlx.Thread) {
		const dim = 1 << 14 // wider than any head
		mlx.NormRope(th.Zeros(mlx.Float32, 1, dim), mlx.Array{}, 0, th.Zeros(mlx.Float32, dim/2), 1, 0).Float32s()
		if mlx.Kernels() == "" {
			mlx.FailingArray(th, true).Float32s()
		}
	}},
	{"too large for memory", "full", func(th *mlx.Thread) { mlx.Eval(th.Zeros(mlx.Float32, 1<<30, 1<<17)) }},
	{"too large to count", "full", func(th *mlx.Thread) { mlx.Eval(th.Zeros(mlx.Float32, 1<<30, 1<<30, 1<<30)) }},
	{"cache too large", "full", func(th *mlx.Thread) { th.NewKV(mlx.Float32, 8, 1<<30, 128) }},
	{"product too large", "matmul", func(th *mlx.Thread) {
		mlx.MatMul(th.Zeros(mlx.Float32, 1<<24, 1), th.Zeros(mlx.Float32, 1, 1<<24))
	}},
	{"thrown while computing", "eval", func(th *mlx.Thread) { mlx.Eval(mlx.FailingArray(th, true)) }},
	{"thrown while scheduling", "eval", func(th *mlx.Thread) { mlx.Eval(mlx.FailingArray(th, false)) }},
	{"thrown under a consumer", "eval", func(th *mlx.Thread) { mlx.Eval(mlx.Exp(mlx.AddScalar(mlx.FailingArray(th, true), 1))) }},
	{"thrown and read", "read", func(th *mlx.Thread) { mlx.FailingArray(th, true).Float32s() }},
	{"thrown and read later", "read or async_eval", func(th *mlx.Thread) {
		y := mlx.Exp(mlx.FailingArray(th, true))
		mlx.AsyncEval(y)
		y.Float32s()
	}},
}

const childVariable = "QWILL_MLX_TEST_CHILD"

// Whatever aborts a process cannot be caught in it, so the failures run in a
// child, each leaving the thread usable for the next.
func TestFailuresAreErrors(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		failureChild()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFailuresAreErrors$", "-test.v")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	for _, f := range failures {
		want := "ok: " + f.name + "\n"
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: no proper error; child said:\n%s", f.name, grep(string(out), f.name))
		}
	}
	if !strings.Contains(string(out), "live: 0\n") {
		t.Errorf("handles leaked:\n%s", grep(string(out), "live"))
	}
}

func grep(text, word string) string {
	var hits []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			hits = append(hits, line)
		}
	}
	return strings.Join(hits, "")
}

func failureChild() {
	th, err := mlx.Start()
	if err != nil {
		fmt.Println("start:", err)
		os.Exit(1)
	}
	for _, f := range failures {
		err := th.Do(func() error {
			defer th.Enter().Close()
			f.f(th)
			return nil
		})
		var e *mlx.Error
		if !errors.As(err, &e) || !strings.Contains(f.op, e.Op) || e.Message == "" {
			fmt.Printf("bad: %s: %T %v\n", f.name, err, err)
			continue
		}
		// The thread must still compute rightly.
		var sum float32
		err = th.Do(func() error {
			defer th.Enter().Close()
			x := th.FromFloat32([]float32{1, 2, 3})
			sum = mlx.Sum(mlx.Multiply(x, x), 0, false).Item()
			th.Synchronize()
			return nil
		})
		if err != nil || sum != 14 {
			fmt.Printf("bad: %s: afterwards %v, sum %v\n", f.name, err, sum)
			continue
		}
		fmt.Printf("ok: %s\n", f.name)
		fmt.Printf("   %v\n", e)
	}
	th.Do(func() error { fmt.Printf("live: %d\n", th.Live()); return nil })
	th.Stop()
}

func TestCallsOutsideTheThreadFail(t *testing.T) {
	th, err := mlx.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer th.Stop()
	var a mlx.Array
	if err := th.Do(func() error {
		a = th.Full(mlx.Float32, 2, 3)
		mlx.Eval(a)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// A thread of its own, that cannot be the MLX thread.
	err = mlx.Try(func() { mlx.Exp(a) })
	var e *mlx.Error
	if !errors.As(err, &e) || e.Op != "exp" || !strings.Contains(e.Message, "outside Thread.Do") {
		t.Errorf("got %v", err)
	}
	if err := th.Do(func() error { a.Free(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestPanicsAreReturnedAndTheThreadLives(t *testing.T) {
	th, err := mlx.Start()
	if err != nil {
		t.Fatal(err)
	}
	err = th.Do(func() error {
		th.Enter() // left open on purpose
		th.Full(mlx.Float32, 2, 3)
		var m map[string]int
		m["x"] = 1
		return nil
	})
	var p *mlx.PanicError
	if !errors.As(err, &p) || !strings.Contains(p.Stack, "errors_test.go") {
		t.Fatalf("got %v", err)
	}
	if err := th.Do(func() error {
		if n := th.Live(); n != 0 {
			return fmt.Errorf("%d handles live", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	th.Stop()
	th.Stop()
	if err := th.Do(func() error { return nil }); !errors.Is(err, mlx.ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
}

// Callers on many goroutines, each with an error now and then.
func TestManyCallers(t *testing.T) {
	th, err := mlx.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer th.Stop()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				var got float32
				err := th.Do(func() error {
					defer th.Enter().Close()
					if n%10 == 9 {
						mlx.MatMul(th.Zeros(mlx.Float32, 2, 3), th.Zeros(mlx.Float32, 2, 3))
					}
					got = mlx.AddScalar(th.Full(mlx.Float32, float64(i), 1), float64(n)).Item()
					return nil
				})
				if (n%10 == 9) != (err != nil) {
					t.Errorf("caller %d call %d: %v", i, n, err)
				} else if err == nil && got != float32(i+n) {
					t.Errorf("caller %d call %d: got %v", i, n, got)
				}
			}
		})
	}
	wg.Wait()
}

func TestScopes(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		base := th.Live()
		model := th.NewScope()
		outer := th.Enter()
		inner := th.Enter()
		a, b, c := th.Full(mlx.Float32, 1, 1), th.Full(mlx.Float32, 2, 1), th.Full(mlx.Float32, 3, 1)
		d := mlx.Add(a, b)
		inner.Keep(d, mlx.Array{})
		model.Adopt(c)
		if inner.Live() != 2 || outer.Live() != 1 || model.Live() != 1 || th.Live() != base+4 {
			t.Errorf("live %d %d %d %d", inner.Live(), outer.Live(), model.Live(), th.Live()-base)
		}
		inner.Close()
		inner.Close()
		if a.OK() || b.OK() || !d.OK() || !c.OK() {
			t.Error("the wrong arrays were freed")
		}
		if d.Item() != 3 { // the graph keeps what it needs
			t.Error("d lost its inputs")
		}
		c.Replace(d)
		if d.OK() || c.Item() != 3 || outer.Live() != 0 || model.Live() != 1 {
			t.Error("replace")
		}
		outer.Close()
		if err := mlx.Try(func() { outer.Adopt(c) }); err == nil {
			t.Error("adopted into a closed scope")
		}
		model.Close()
		if th.Live() != base {
			t.Errorf("%d handles leaked", th.Live()-base)
		}
		// Closing an outer scope closes those inside.
		outer = th.Enter()
		th.Enter()
		th.Full(mlx.Float32, 1, 1)
		outer.Close()
		if th.Live() != base {
			t.Errorf("%d handles leaked", th.Live()-base)
		}
	})
}
