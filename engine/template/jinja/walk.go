package jinja

// walk calls f for every expression in a list of statements.
func walk(body []stmt, f func(expr)) {
	for _, s := range body {
		switch s := s.(type) {
		case outputStmt:
			walkExpr(s.x, f)
		case forStmt:
			walkExpr(s.target, f)
			walkExpr(s.iter, f)
			walkExpr(s.cond, f)
			walk(s.body, f)
			walk(s.none, f)
		case ifStmt:
			walkAll(s.tests, f)
			for _, b := range s.bodies {
				walk(b, f)
			}
		case setStmt:
			walkExpr(s.target, f)
			walkExpr(s.value, f)
			walkFilters(s.filter, f)
			walk(s.body, f)
		case macroStmt:
			walkAll(s.defaults, f)
			walk(s.body, f)
		case callStmt:
			walkExpr(s.call, f)
			walkAll(s.macro.defaults, f)
			walk(s.macro.body, f)
		case filterStmt:
			walkFilters(s.filter, f)
			walk(s.body, f)
		case withStmt:
			walkAll(s.values, f)
			walk(s.body, f)
		case scopeStmt:
			walk(s.body, f)
		}
	}
}

func walkAll(list []expr, f func(expr)) {
	for _, e := range list {
		walkExpr(e, f)
	}
}

func walkArgs(a arguments, f func(expr)) {
	walkAll(a.pos, f)
	walkAll(a.named, f)
	walkExpr(a.star, f)
	walkExpr(a.starstar, f)
}

func walkFilters(list []filterExpr, f func(expr)) {
	for _, x := range list {
		walkArgs(x.args, f)
	}
}

func walkExpr(e expr, f func(expr)) {
	if e == nil {
		return
	}
	f(e)
	switch e := e.(type) {
	case listExpr:
		walkAll(e.items, f)
	case dictExpr:
		walkAll(e.keys, f)
		walkAll(e.values, f)
	case unary:
		walkExpr(e.x, f)
	case binary:
		walkExpr(e.l, f)
		walkExpr(e.r, f)
	case concat:
		walkAll(e.items, f)
	case compare:
		walkExpr(e.first, f)
		walkAll(e.rest, f)
	case condition:
		walkExpr(e.test, f)
		walkExpr(e.then, f)
		walkExpr(e.other, f)
	case getAttr:
		walkExpr(e.x, f)
	case getItem:
		walkExpr(e.x, f)
		walkExpr(e.key, f)
	case slice:
		walkExpr(e.x, f)
		walkExpr(e.from, f)
		walkExpr(e.to, f)
		walkExpr(e.step, f)
	case call:
		walkExpr(e.f, f)
		walkArgs(e.args, f)
	case filterExpr:
		walkExpr(e.x, f)
		walkArgs(e.args, f)
	case testExpr:
		walkExpr(e.x, f)
		walkArgs(e.args, f)
	}
}
