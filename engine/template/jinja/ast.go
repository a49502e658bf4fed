package jinja

// expr is an expression; every kind knows its line.
type expr interface{ pos() int }

type at int

func (a at) pos() int { return int(a) }

type (
	constant struct {
		at
		v Value
	}
	name struct {
		at
		id string
	}
	listExpr struct {
		at
		items []expr
		tuple bool
	}
	dictExpr struct {
		at
		keys, values []expr
	}
	unary struct {
		at
		op string // "-", "+", "not"
		x  expr
	}
	binary struct {
		at
		op   string // "+", "-", "*", "/", "//", "%", "**", "and", "or"
		l, r expr
	}
	concat struct {
		at
		items []expr
	}
	compare struct {
		at
		first expr
		ops   []string // "==", "!=", "<", "<=", ">", ">=", "in", "not in"
		rest  []expr
	}
	condition struct {
		at
		test, then, other expr // other may be nil
	}
	getAttr struct {
		at
		x    expr
		name string
	}
	getItem struct {
		at
		x, key expr
	}
	slice struct {
		at
		x, from, to, step expr // bounds may be nil
	}
	call struct {
		at
		f    expr
		args arguments
	}
	filterExpr struct {
		at
		x    expr
		name string
		args arguments
	}
	testExpr struct {
		at
		x    expr
		name string
		args arguments
		not  bool
	}
)

type arguments struct {
	pos      []expr
	names    []string
	named    []expr
	star     expr // *args
	starstar expr // **kwargs
}

// stmt is a statement.
type stmt interface{ pos() int }

type (
	textStmt struct {
		at
		text string
	}
	outputStmt struct {
		at
		x expr
	}
	forStmt struct {
		at
		target     expr // name or listExpr of names
		iter, cond expr
		body, none []stmt
	}
	ifStmt struct {
		at
		tests  []expr
		bodies [][]stmt // one more than tests when there is an else
	}
	setStmt struct {
		at
		target expr // name, getAttr on a namespace, or listExpr
		value  expr // nil for a block
		body   []stmt
		filter []filterExpr // applied to a block
	}
	macroStmt struct {
		at
		name     string
		params   []string
		defaults []expr // for the last len(defaults) params
		body     []stmt
		varargs  bool
		kwargs   bool
		caller   bool
	}
	callStmt struct {
		at
		macro macroStmt
		call  expr
	}
	filterStmt struct {
		at
		filter []filterExpr
		body   []stmt
	}
	withStmt struct {
		at
		targets []expr
		values  []expr
		body    []stmt
	}
	scopeStmt struct { // generation blocks: their text, nothing more
		at
		body []stmt
	}
	jumpStmt struct {
		at
		brk bool
	}
)
