package nn

import "qwill/engine/mlx"

// Source gives an architecture its weights by module name, such as
// "model.layers.0.self_attn.q_proj". Faults are the source's to keep: it then
// gives absent arrays, and the load ends with its error.
type Source interface {
	Matrix(module string) mlx.Weight
	Vector(module string) mlx.Array // float32
}
