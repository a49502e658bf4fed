package worker

import (
	"qwill/engine/generate"
	"qwill/engine/kv"
	"qwill/engine/load"
	"qwill/engine/mlx"
	"qwill/engine/models"
	"qwill/engine/proto"
)

// network is a model's weights as a generation uses them.
type network struct {
	info proto.ModelInfo // what the checkpoint tells
	net  decoder
	free func() // on the MLX thread
}

// decoder gives a models.Model the types of package generate.
type decoder struct{ m *models.Model }

func (d decoder) NewCache() (generate.Cache, error) { return d.m.NewCache(), nil }

func (d decoder) Forward(ids mlx.Array, c generate.Cache) mlx.Array {
	return d.m.Forward(ids, c.(*kv.Cache))
}

func (d decoder) ForwardBatch(ids mlx.Array, cs []generate.Cache) mlx.Array {
	caches := make([]*kv.Cache, len(cs))
	for i, c := range cs {
		caches[i] = c.(*kv.Cache)
	}
	return d.m.ForwardBatch(ids, caches)
}

func (d decoder) Pack(ids mlx.Array, lengths []int) mlx.Array { return d.m.Pack(ids, lengths) }

func (d decoder) Logits(hidden mlx.Array) mlx.Array { return d.m.Logits(hidden) }

func (network) fork(c generate.Cache, n int) (generate.Cache, error) { return c.(*kv.Cache).Fork(n) }

// kvBytes is the size of a cached number: caches are float32.
const kvBytes = 4

// loadNetwork checks the checkpoint and reads its weights.
func (w *Worker) loadNetwork(p proto.OpenParams, progress func(done, total int64)) (*network, error) {
	c, err := load.Open(p.Path)
	if err != nil {
		return nil, err
	}
	mode := mlx.Exact
	if p.Mode == proto.ModeFast {
		mode = mlx.Fast
	}
	var m *models.Model
	if err := w.thread.Do(func() (err error) {
		m, err = models.Load(w.thread, c, mode, progress)
		return err
	}); err != nil {
		return nil, err
	}
	return &network{
		info: proto.ModelInfo{Architecture: c.Config.ModelType, Quantization: c.Quantization(), Context: c.Config.Context,
			Vocabulary: c.Config.Vocab, Layers: c.Config.Layers, Parameters: c.Parameters, WeightBytes: c.WeightBytes,
			KVBytesPerToken: 2 * kvBytes * int64(c.Config.Layers) * int64(c.Config.KVHeads) * int64(c.Config.HeadDim)},
		net:  decoder{m},
		free: m.Close,
	}, nil
}
