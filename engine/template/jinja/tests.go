package jinja

import "unicode"

type testFunc func(in *interp, line int, v Value, a args) bool

var tests map[string]testFunc

func is[T any](in *interp, line int, v Value, a args) bool {
	_, ok := v.(T)
	return ok
}

func compareTest(ok func(int) bool) testFunc {
	return func(in *interp, line int, v Value, a args) bool {
		a.need(line, "the test", 1, 1)
		return ok(in.order(line, v, a.pos[0]))
	}
}

func equalTest(in *interp, line int, v Value, a args) bool {
	a.need(line, "the test", 1, 1)
	return in.equal(v, a.pos[0], 0)
}

func notEqualTest(in *interp, line int, v Value, a args) bool { return !equalTest(in, line, v, a) }

func remainderTest(want func(line int, a args) (by, rest int64)) testFunc {
	return func(in *interp, line int, v Value, a args) bool {
		n, _, isInt, ok := number(v)
		if !ok || !isInt {
			failf(line, "the test needs an integer, not a %s", in.name(line, v))
		}
		by, rest := want(line, a)
		if by == 0 {
			failf(line, "division by zero")
		}
		return integer(binary{at: at(line), op: "%"}, n, by) == rest
	}
}

func init() {
	less := compareTest(func(c int) bool { return c < 0 })
	lessEqual := compareTest(func(c int) bool { return c <= 0 })
	greater := compareTest(func(c int) bool { return c > 0 })
	greaterEqual := compareTest(func(c int) bool { return c >= 0 })
	iterable := func(in *interp, line int, v Value, a args) bool {
		switch v.(type) {
		case Str, *List, *Dict, Undefined:
			return true
		}
		return false
	}
	tests = map[string]testFunc{
		"defined":   func(in *interp, line int, v Value, a args) bool { return !is[Undefined](in, line, v, a) },
		"undefined": is[Undefined],
		"none":      func(in *interp, line int, v Value, a args) bool { return v == nil },
		"boolean":   is[bool],
		"true":      func(in *interp, line int, v Value, a args) bool { return v == true },
		"false":     func(in *interp, line int, v Value, a args) bool { return v == false },
		"integer":   is[int64],
		"float":     is[float64],
		"number":    func(in *interp, line int, v Value, a args) bool { _, _, _, ok := number(v); return ok },
		"string":    is[Str],
		"mapping":   is[*Dict],
		"callable":  is[*Func],
		"iterable":  iterable,
		"sequence": func(in *interp, line int, v Value, a args) bool {
			return iterable(in, line, v, a)
		},
		"sameas": func(in *interp, line int, v Value, a args) bool {
			a.need(line, "sameas", 1, 1)
			return typeName(v) == typeName(a.pos[0]) && in.equal(v, a.pos[0], 0)
		},
		"eq": equalTest, "equalto": equalTest, "==": equalTest, "ne": notEqualTest, "!=": notEqualTest,
		"lt": less, "lessthan": less, "<": less, "le": lessEqual, "<=": lessEqual,
		"gt": greater, "greaterthan": greater, ">": greater, "ge": greaterEqual, ">=": greaterEqual,
		"in": func(in *interp, line int, v Value, a args) bool {
			a.need(line, "in", 1, 1)
			return in.contains(line, a.pos[0], v)
		},
		"even": remainderTest(func(int, args) (int64, int64) { return 2, 0 }),
		"odd":  remainderTest(func(int, args) (int64, int64) { return 2, 1 }),
		"divisibleby": remainderTest(func(line int, a args) (int64, int64) {
			return a.int(line, 0, "num", 0), 0
		}),
		"lower": func(in *interp, line int, v Value, a args) bool {
			return caseTest(unicode.IsLower, unicode.IsUpper)(in, line, in.str(v), a).(bool)
		},
		"upper": func(in *interp, line int, v Value, a args) bool {
			return caseTest(unicode.IsUpper, unicode.IsLower)(in, line, in.str(v), a).(bool)
		},
		"filter": func(in *interp, line int, v Value, a args) bool { _, ok := filters[in.str(v).s]; return ok },
		"test":   func(in *interp, line int, v Value, a args) bool { _, ok := tests[in.str(v).s]; return ok },
	}
}
