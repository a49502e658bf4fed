package jinja

// arg gives argument i or the one called id.
func (a args) arg(i int, id string) (Value, bool) {
	if i < len(a.pos) {
		return a.pos[i], true
	}
	v, ok := a.named[id]
	return v, ok
}

func (a args) value(i int, id string, def Value) Value {
	if v, ok := a.arg(i, id); ok {
		return v
	}
	return def
}

func (a args) str(line, i int, id, def string) Str {
	v, ok := a.arg(i, id)
	if !ok || v == nil {
		return Trusted(def)
	}
	s, ok := v.(Str)
	if !ok {
		failf(line, "the argument %q must be a string, not a %s", id, typeName(v))
	}
	return s
}

// optStr is nil for an absent or none argument.
func (a args) optStr(line, i int, id string) *Str {
	if v, ok := a.arg(i, id); !ok || v == nil {
		return nil
	}
	s := a.str(line, i, id, "")
	return &s
}

func (a args) int(line, i int, id string, def int64) int64 {
	v, ok := a.arg(i, id)
	if !ok || v == nil {
		return def
	}
	n, _, isInt, ok := number(v)
	if !ok || !isInt {
		failf(line, "the argument %q must be an integer, not a %s", id, typeName(v))
	}
	return n
}

func (a args) bool(i int, id string, def bool) bool {
	if v, ok := a.arg(i, id); ok {
		return truth(v)
	}
	return def
}

// need refuses calls with too few or too many positional arguments.
func (a args) need(line int, what string, low, high int) {
	if n := len(a.pos) + len(a.named); n < low || len(a.pos) > high {
		failf(line, "%s takes %d to %d arguments, not %d", what, low, high, n)
	}
}

// rest drops the first n positional arguments.
func (a args) rest(n int) args {
	out := a
	out.pos = a.pos[min(n, len(a.pos)):]
	return out
}
