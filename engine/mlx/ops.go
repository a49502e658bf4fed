package mlx

// #include "shim.h"
import "C"

func unary(name string, op C.int, a Array) Array {
	p := a.ptr(name)
	return a.n.t.out(name, C.qm_unary_op(op, p))
}

func binary(name string, op C.int, a, b Array) Array {
	p, q := a.ptr(name), b.ptr(name)
	return a.n.t.out(name, C.qm_binary_op(op, p, q))
}

// Add is a + b, element by element with broadcasting, as the operations below.
func Add(a, b Array) Array { return binary("add", C.QM_ADD, a, b) }

// Subtract is a - b.
func Subtract(a, b Array) Array { return binary("subtract", C.QM_SUB, a, b) }

// Multiply is a * b.
func Multiply(a, b Array) Array { return binary("multiply", C.QM_MUL, a, b) }

// Divide is a / b.
func Divide(a, b Array) Array { return binary("divide", C.QM_DIV, a, b) }

// Maximum is the larger of a and b.
func Maximum(a, b Array) Array { return binary("maximum", C.QM_MAXIMUM, a, b) }

// Minimum is the smaller of a and b.
func Minimum(a, b Array) Array { return binary("minimum", C.QM_MINIMUM, a, b) }

// Equal is a == b as booleans.
func Equal(a, b Array) Array { return binary("equal", C.QM_EQ, a, b) }

// NotEqual is a != b.
func NotEqual(a, b Array) Array { return binary("not_equal", C.QM_NE, a, b) }

// Less is a < b.
func Less(a, b Array) Array { return binary("less", C.QM_LT, a, b) }

// LessEqual is a <= b.
func LessEqual(a, b Array) Array { return binary("less_equal", C.QM_LE, a, b) }

// Greater is a > b.
func Greater(a, b Array) Array { return binary("greater", C.QM_GT, a, b) }

// GreaterEqual is a >= b.
func GreaterEqual(a, b Array) Array { return binary("greater_equal", C.QM_GE, a, b) }

// And is a && b.
func And(a, b Array) Array { return binary("and", C.QM_AND, a, b) }

// Or is a || b.
func Or(a, b Array) Array { return binary("or", C.QM_OR, a, b) }

// MatMul is the matrix product over the last two dimensions.
func MatMul(a, b Array) Array { return binary("matmul", C.QM_MATMUL, a, b) }

func scalar(name string, op C.int, a Array, b float64, reversed C.int) Array {
	p := a.ptr(name)
	return a.n.t.out(name, C.qm_binary_scalar(op, p, C.double(b), reversed))
}

// AddScalar is a + b in a's type.
func AddScalar(a Array, b float64) Array { return scalar("add", C.QM_ADD, a, b, 0) }

// MultiplyScalar is a * b in a's type.
func MultiplyScalar(a Array, b float64) Array { return scalar("multiply", C.QM_MUL, a, b, 0) }

// DivideScalar is a / b in a's type.
func DivideScalar(a Array, b float64) Array { return scalar("divide", C.QM_DIV, a, b, 0) }

// GreaterScalar is a > b.
func GreaterScalar(a Array, b float64) Array { return scalar("greater", C.QM_GT, a, b, 0) }

// LessScalar is a < b.
func LessScalar(a Array, b float64) Array { return scalar("less", C.QM_LT, a, b, 0) }

// Negative is -a.
func Negative(a Array) Array { return unary("negative", C.QM_NEG, a) }

// Exp is e^a.
func Exp(a Array) Array { return unary("exp", C.QM_EXP, a) }

// Log is the natural logarithm.
func Log(a Array) Array { return unary("log", C.QM_LOG, a) }

// Sigmoid is 1/(1+e^-a).
func Sigmoid(a Array) Array { return unary("sigmoid", C.QM_SIGMOID, a) }

// SiLU is a*sigmoid(a).
func SiLU(a Array) Array { return unary("silu", C.QM_SILU, a) }

// Tanh is the hyperbolic tangent.
func Tanh(a Array) Array { return unary("tanh", C.QM_TANH, a) }

// Sqrt is the square root.
func Sqrt(a Array) Array { return unary("sqrt", C.QM_SQRT, a) }

// Rsqrt is 1/sqrt(a).
func Rsqrt(a Array) Array { return unary("rsqrt", C.QM_RSQRT, a) }

// Square is a*a.
func Square(a Array) Array { return unary("square", C.QM_SQUARE, a) }

// Abs is the absolute value.
func Abs(a Array) Array { return unary("abs", C.QM_ABS, a) }

// IsFinite is true where a is neither infinite nor NaN.
func IsFinite(a Array) Array { return unary("isfinite", C.QM_ISFINITE, a) }

// Not is !a.
func Not(a Array) Array { return unary("not", C.QM_NOT, a) }

// Contiguous lays a out row-major.
func Contiguous(a Array) Array { return unary("contiguous", C.QM_CONTIGUOUS, a) }

func reduce(name string, op C.int, a Array, axis int, keep bool) Array {
	p := a.ptr(name)
	return a.n.t.out(name, C.qm_reduce_op(op, p, C.int(axis), cbool(keep)))
}

func cbool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// Sum adds along axis; keep leaves a dimension of 1, as below.
func Sum(a Array, axis int, keep bool) Array { return reduce("sum", C.QM_SUM, a, axis, keep) }

// Mean averages along axis.
func Mean(a Array, axis int, keep bool) Array { return reduce("mean", C.QM_MEAN, a, axis, keep) }

// Max is the largest along axis.
func Max(a Array, axis int, keep bool) Array { return reduce("max", C.QM_MAX, a, axis, keep) }

// Min is the smallest along axis.
func Min(a Array, axis int, keep bool) Array { return reduce("min", C.QM_MIN, a, axis, keep) }

// All is true where every element along axis is.
func All(a Array, axis int, keep bool) Array { return reduce("all", C.QM_ALL, a, axis, keep) }

// Any is true where some element along axis is.
func Any(a Array, axis int, keep bool) Array { return reduce("any", C.QM_ANY, a, axis, keep) }

// ArgMax is the index (uint32) of the largest along axis.
func ArgMax(a Array, axis int, keep bool) Array { return reduce("argmax", C.QM_ARGMAX, a, axis, keep) }

// LogSumExp is log(sum(exp(a))) along axis.
func LogSumExp(a Array, axis int, keep bool) Array {
	return reduce("logsumexp", C.QM_LOGSUMEXP, a, axis, keep)
}

func order(name string, op C.int, a Array, kth, axis int) Array {
	p := a.ptr(name)
	return a.n.t.out(name, C.qm_sort_op(op, p, C.int(kth), C.int(axis)))
}

// Sort sorts ascending along axis.
func Sort(a Array, axis int) Array { return order("sort", C.QM_SORT, a, 0, axis) }

// ArgSort is the indices (uint32) that sort a ascending along axis.
func ArgSort(a Array, axis int) Array { return order("argsort", C.QM_ARGSORT, a, 0, axis) }

// Partition puts the kth smallest in its place, smaller ones before it.
func Partition(a Array, kth, axis int) Array { return order("partition", C.QM_PARTITION, a, kth, axis) }

// ArgPartition is the indices of [Partition].
func ArgPartition(a Array, kth, axis int) Array {
	return order("argpartition", C.QM_ARGPARTITION, a, kth, axis)
}

// AsType converts the elements.
func AsType(a Array, d Dtype) Array {
	const op = "astype"
	p := a.ptr(op)
	return a.n.t.out(op, C.qm_astype(p, C.int(d)))
}

// View reads the same bytes as another type.
func View(a Array, d Dtype) Array {
	const op = "view"
	p := a.ptr(op)
	return a.n.t.out(op, C.qm_view(p, C.int(d)))
}

// Reshape changes the shape; one size may be -1.
func Reshape(a Array, shape ...int) Array {
	const op = "reshape"
	p := a.ptr(op)
	s, n := cints(shape)
	return a.n.t.out(op, C.qm_reshape(p, s, n))
}

// BroadcastTo repeats a to a shape.
func BroadcastTo(a Array, shape ...int) Array {
	const op = "broadcast_to"
	p := a.ptr(op)
	s, n := cints(shape)
	return a.n.t.out(op, C.qm_broadcast(p, s, n))
}

// Transpose reorders the dimensions; without axes it reverses them.
func Transpose(a Array, axes ...int) Array {
	const op = "transpose"
	p := a.ptr(op)
	s, n := cints(axes)
	return a.n.t.out(op, C.qm_transpose(p, s, n))
}

// ExpandDims inserts dimensions of 1 at axes.
func ExpandDims(a Array, axes ...int) Array {
	const op = "expand_dims"
	p := a.ptr(op)
	s, n := cints(axes)
	return a.n.t.out(op, C.qm_expand_dims(p, s, n))
}

// Squeeze removes dimensions of 1 at axes, or all of them.
func Squeeze(a Array, axes ...int) Array {
	const op = "squeeze"
	p := a.ptr(op)
	s, n := cints(axes)
	return a.n.t.out(op, C.qm_squeeze(p, s, n))
}

// Slice takes start[i] <= index < stop[i] of every dimension.
func Slice(a Array, start, stop []int) Array { return SliceStep(a, start, stop, nil) }

// SliceStep is [Slice] taking every step[i]-th element.
func SliceStep(a Array, start, stop, step []int) Array {
	const op = "slice"
	p := a.ptr(op)
	if nd := len(a.Shape()); len(start) != nd || len(stop) != nd || step != nil && len(step) != nd {
		fail(op, "bounds %v to %v do not fit shape %v", start, stop, a.Shape())
	}
	b, n := cints(start)
	e, _ := cints(stop)
	st, _ := cints(step)
	return a.n.t.out(op, C.qm_slice(p, b, e, st, n))
}

// SliceUpdate is a with update written over [Slice] of it. MLX reuses a's
// memory when nothing else holds it.
func SliceUpdate(a, update Array, start, stop []int) Array {
	const op = "slice_update"
	p, q := a.ptr(op), update.ptr(op)
	if nd := len(a.Shape()); len(start) != nd || len(stop) != nd {
		fail(op, "bounds %v to %v do not fit shape %v", start, stop, a.Shape())
	}
	b, n := cints(start)
	e, _ := cints(stop)
	return a.n.t.out(op, C.qm_slice_update(p, q, b, e, n))
}

// Concatenate joins arrays along axis.
func Concatenate(arrays []Array, axis int) Array {
	const op = "concatenate"
	if len(arrays) == 0 {
		fail(op, "no arrays")
	}
	ptrs := make([]C.qm_array, len(arrays))
	for i, a := range arrays {
		ptrs[i] = a.ptr(op)
	}
	return arrays[0].n.t.out(op, C.qm_concatenate(&ptrs[0], C.size_t(len(ptrs)), C.int(axis)))
}

// Take picks rows (or other slices along axis) by index.
func Take(a, indices Array, axis int) Array {
	const op = "take"
	p, q := a.ptr(op), indices.ptr(op)
	return a.n.t.out(op, C.qm_take(C.QM_TAKE, p, q, C.int(axis)))
}

// TakeAlongAxis picks one element a row along axis for each index.
func TakeAlongAxis(a, indices Array, axis int) Array {
	const op = "take_along_axis"
	p, q := a.ptr(op), indices.ptr(op)
	return a.n.t.out(op, C.qm_take(C.QM_TAKE_ALONG, p, q, C.int(axis)))
}

// PutAlongAxis is a with values written at indices along axis.
func PutAlongAxis(a, indices, values Array, axis int) Array {
	const op = "put_along_axis"
	p, q, r := a.ptr(op), indices.ptr(op), values.ptr(op)
	return a.n.t.out(op, C.qm_put_along_axis(p, q, r, C.int(axis)))
}

// ScatterAdd is a with values added at indices along axis; an index may repeat.
func ScatterAdd(a, indices, values Array, axis int) Array {
	const op = "scatter_add"
	p, q, r := a.ptr(op), indices.ptr(op), values.ptr(op)
	return a.n.t.out(op, C.qm_scatter_add_axis(p, q, r, C.int(axis)))
}

// Softmax along axis, accumulated in float32.
func Softmax(a Array, axis int) Array {
	const op = "softmax"
	p := a.ptr(op)
	return a.n.t.out(op, C.qm_softmax(p, C.int(axis), 1))
}

// CumSum is the running sum along axis. Exclusive sums leave the element
// itself out; reverse ones run from the end.
func CumSum(a Array, axis int, reverse, inclusive bool) Array {
	const op = "cumsum"
	p := a.ptr(op)
	return a.n.t.out(op, C.qm_cumsum(p, C.int(axis), cbool(reverse), cbool(inclusive)))
}

// Where is x where cond holds, y elsewhere.
func Where(cond, x, y Array) Array {
	const op = "where"
	p, q, r := cond.ptr(op), x.ptr(op), y.ptr(op)
	return cond.n.t.out(op, C.qm_where(p, q, r))
}

// Categorical draws one index (uint32) along axis from unnormalised
// log-probabilities.
func Categorical(logits Array, axis int, key Array) Array {
	const op = "categorical"
	p, q := logits.ptr(op), key.ptr(op)
	return logits.n.t.out(op, C.qm_categorical(p, C.int(axis), q))
}

// Gumbel draws standard Gumbel noise, float32.
func Gumbel(key Array, shape ...int) Array {
	const op = "gumbel"
	p := key.ptr(op)
	s, n := cints(shape)
	return key.n.t.out(op, C.qm_gumbel(p, s, n))
}

// Uniform draws from [0, 1), float32.
func Uniform(key Array, shape ...int) Array {
	const op = "uniform"
	p := key.ptr(op)
	s, n := cints(shape)
	return key.n.t.out(op, C.qm_uniform(p, s, n))
}

// SplitKey derives n keys, shape [n, 2].
func SplitKey(key Array, n int) Array {
	const op = "split_key"
	p := key.ptr(op)
	return key.n.t.out(op, C.qm_split_key(p, C.int(n)))
}
