package mlx_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
)

// The shape of Qwen3-0.6B.
const (
	benchLayers, benchHidden, benchFFN = 28, 1024, 3072
	benchHeads, benchKVHeads, benchDim = 16, 8, 128
	benchVocabulary                    = 151936
)

type benchLayer struct {
	q, k, v, o, gate, up, down mlx.Weight
	attnNorm, mlpNorm, qn, kn  mlx.Array
	kv                         mlx.KV
}

type benchModel struct {
	embed  mlx.Weight
	layers []benchLayer
	norm   mlx.Array
	freq   mlx.Array
	mode   mlx.Mode
}

func newBenchModel(th *mlx.Thread, mode mlx.Mode, capacity int) *benchModel {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]byte, benchVocabulary*benchHidden/2)
	for i := 0; i+8 <= len(words); i += 8 {
		binary.LittleEndian.PutUint64(words[i:], r.Uint64())
	}
	quantized := func(n, k int) mlx.Weight {
		const group = 64
		return mlx.Weight{W: th.FromBytes(mlx.Uint32, words[:n*k/2], n, k/8), GroupSize: group, Bits: 4,
			Scales: th.Full(mlx.BFloat16, .005, n, k/group), Biases: th.Full(mlx.BFloat16, -.0375, n, k/group)}
	}
	ones := func(n int) mlx.Array { return th.Full(mlx.Float32, 1, n) }
	m := &benchModel{embed: quantized(benchVocabulary, benchHidden), norm: ones(benchHidden), freq: frequencies(th, benchDim, 1e6), mode: mode}
	all := append(m.embed.Arrays(), m.norm)
	for range benchLayers {
		l := benchLayer{
			q: quantized(benchHeads*benchDim, benchHidden), k: quantized(benchKVHeads*benchDim, benchHidden), v: quantized(benchKVHeads*benchDim, benchHidden),
			o: quantized(benchHidden, benchHeads*benchDim), gate: quantized(benchFFN, benchHidden), up: quantized(benchFFN, benchHidden), down: quantized(benchHidden, benchFFN),
			attnNorm: ones(benchHidden), mlpNorm: ones(benchHidden), qn: ones(benchDim), kn: ones(benchDim),
			kv: th.NewKV(mlx.Float16, benchKVHeads, capacity, benchDim),
		}
		for _, w := range []mlx.Weight{l.q, l.k, l.v, l.o, l.gate, l.up, l.down} {
			all = append(all, w.Arrays()...)
		}
		all = append(all, l.attnNorm, l.mlpNorm, l.qn, l.kn, l.kv.K, l.kv.V)
		m.layers = append(m.layers, l)
	}
	mlx.Eval(all...)
	return m
}

func (m *benchModel) forward(ids mlx.Array, offset int) mlx.Array {
	const eps = 1e-6
	x := mlx.Embed(ids, m.embed)
	scale := float32(1 / math.Sqrt(benchDim))
	h := mlx.RMSNorm(x, m.layers[0].attnNorm, eps)
	for i, l := range m.layers {
		p := mlx.Linears(h, m.mode, l.q, l.k, l.v)
		a := mlx.AttentionBlock(p[0], p[1], p[2], l.kv, l.qn, l.kn, eps, m.freq, offset, scale)
		x, h = mlx.AddRMSNorm(mlx.Linear(a, l.o, mlx.Array{}, m.mode), x, l.mlpNorm, eps)
		next := m.norm
		if i+1 < len(m.layers) {
			next = m.layers[i+1].attnNorm
		}
		x, h = mlx.AddRMSNorm(mlx.MLP(h, l.gate, l.up, l.down, m.mode), x, next, eps)
	}
	return h
}

func (m *benchModel) next(ids mlx.Array, offset int) mlx.Array {
	h := m.forward(ids, offset)
	if n := h.Dim(0); n > 1 {
		h = mlx.Slice(h, []int{n - 1, 0}, []int{n, benchHidden})
	}
	return mlx.ArgMax(mlx.Linear(h, m.embed, mlx.Array{}, m.mode), -1, false)
}

// The decode loop of a 28-layer model on random weights, one token ahead:
// what a generation costs without a tokenizer, a sampler and a pipe.
func BenchmarkDecode(b *testing.B) {
	for _, mode := range []mlx.Mode{mlx.Fast, mlx.Exact} {
		for _, context := range []int{16, 128, 512} {
			b.Run(fmt.Sprintf("%v/%d", mode, context), func(b *testing.B) {
				mlxtest.Run(b, func(th *mlx.Thread) {
					m := newBenchModel(th, mode, 1024)
					offset := context
					token := m.next(th.FromInts(make([]int, 1)), offset)
					mlx.AsyncEval(token)
					var build time.Duration
					step := func() {
						s := th.Enter()
						offset++
						start := time.Now()
						next := m.next(token, offset)
						build += time.Since(start)
						s.Keep(next)
						s.Close()
						mlx.AsyncEval(next)
						token.Int()
						token.Free()
						token = next
					}
					for range 3 {
						step()
					}
					build = 0
					for b.Loop() {
						step()
					}
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
					b.ReportMetric(float64(build.Microseconds())/float64(b.N), "µs-to-build")
				})
			})
		}
	}
}

// Reading a prompt of 512 tokens.
func BenchmarkPrefill(b *testing.B) {
	for _, mode := range []mlx.Mode{mlx.Fast, mlx.Exact} {
		b.Run(mode.String(), func(b *testing.B) {
			mlxtest.Run(b, func(th *mlx.Thread) {
				const n = 512
				m := newBenchModel(th, mode, 1024)
				ids := make([]int, n)
				for i := range ids {
					ids[i] = i
				}
				for b.Loop() {
					s := th.Enter()
					mlx.Eval(m.next(th.FromInts(ids), 0))
					s.Close()
				}
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		})
	}
}

// A step of several rows, as a batch of generations or a draft takes it.
func BenchmarkRows(b *testing.B) {
	for _, mode := range []mlx.Mode{mlx.Fast, mlx.Exact} {
		for _, rows := range []int{1, 2, 4, 8, 9, 16} {
			b.Run(fmt.Sprintf("%v/%d", mode, rows), func(b *testing.B) {
				mlxtest.Run(b, func(th *mlx.Thread) {
					m := newBenchModel(th, mode, 256)
					ids := th.FromInts(make([]int, rows))
					for b.Loop() {
						s := th.Enter()
						mlx.Eval(mlx.Linear(m.forward(ids, 100), m.embed, mlx.Array{}, m.mode))
						s.Close()
					}
					b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "tokens/s")
				})
			})
		}
	}
}
