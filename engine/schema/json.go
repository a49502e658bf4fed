package schema

import (
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"qwill/engine/schema/automaton"
	"qwill/engine/schema/grammar"
)

// Keywords by what they concern. All others are refused by name.
var (
	annotations = []string{"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$defs", "definitions"}
	concerns    = map[string]string{
		"properties": "object", "required": "object", "additionalProperties": "object",
		"items": "array", "prefixItems": "array", "minItems": "array", "maxItems": "array", "uniqueItems": "array",
		"minLength": "string", "maxLength": "string", "pattern": "string", "format": "string",
		"minimum": "number", "maximum": "number", "exclusiveMinimum": "number", "exclusiveMaximum": "number",
	}
	general = []string{"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "nullable"}
	types   = []string{"object", "array", "string", "number", "integer", "boolean", "null"}
)

const (
	maxSchemas   = 20_000 // subschemas looked at, merged ones included
	maxStates    = 100_000
	schemaDepth  = 200
	maxEnum      = 10_000
	maxCountable = 1 << 20
)

// compiler turns one schema into a grammar.
type compiler struct {
	root   *value
	b      grammar.Builder
	rules  map[string]int // path of a $ref's target -> rule
	leaves map[string]grammar.Leaf
	limits automaton.Limits
	spent  int
	states int
	seen   int
	depth  int
	any    int // the rule of any value, -1: not made yet
}

// build makes the grammar of the JSON values that a schema allows, in one
// canonical form of each: see docs/server.md.
func build(root *value, lead lead) (*grammar.Grammar, error) {
	c := &compiler{root: root, rules: map[string]int{}, leaves: map[string]grammar.Leaf{}, any: -1}
	c.limits = automaton.Default
	c.limits.Work, c.limits.Spent = 2*c.limits.Work, &c.spent
	if s := root.fields["$schema"]; s != nil && (s.kind != "string" || !strings.Contains(s.text, "json-schema.org/")) {
		return nil, refuse("/$schema", "only JSON Schema (draft 2020-12) is supported")
	}
	e, err := c.ref("", "")
	if err != nil {
		return nil, err
	}
	start := c.b.Rule()
	c.b.Define(start, lead.before(e))
	g, err := c.b.Build(start)
	if err == grammar.ErrLeft {
		return nil, refuse("/$ref", "it refers to itself with nothing between")
	}
	return g, wrap("", err)
}

// leaf gives the leaf named by key, made by f the first time.
func (c *compiler) leaf(key string, f func() (*automaton.DFA, error)) (*grammar.Expr, error) {
	l := c.leaves[key]
	if l == nil {
		d, err := f()
		if err != nil {
			return nil, err
		}
		if c.states += d.States(); c.states > maxStates {
			return nil, automaton.ErrTooLarge
		}
		l = d
		c.leaves[key] = l
	}
	return grammar.Of(l), nil
}

// raw is the leaf of an expression over bytes.
func (c *compiler) raw(key string, e *automaton.Expr) (*grammar.Expr, error) {
	return c.leaf(key, func() (*automaton.DFA, error) { return automaton.Compile(e, automaton.UTF8, c.limits) })
}

// Leaves that do not depend on the schema are made once, and their masks too.
var fixed = sync.OnceValue(func() map[string]*automaton.DFA {
	out := map[string]*automaton.DFA{}
	for name, pattern := range map[string]string{
		"{": `\{` + gap, "}": gap + `\}`, "[": `\[` + gap, "]": gap + `\]`, ",": `,` + gap, "{}": `\}`, "[]": `\]`,
		"boolean": `true|false`, "null": `null`,
		"key": `"[^"\\\x{0}-\x{1f}]*": ?`,
	} {
		d, err := expression(pattern, automaton.Default)
		if err != nil {
			panic(err)
		}
		out[name] = d
	}
	for name, integer := range map[string]bool{"integer": true, "number": false} {
		d, err := number(integer, nil, nil, automaton.Default)
		if err != nil {
			panic(err)
		}
		out[name] = d
	}
	return out
})

// gap is the white space allowed between two parts: none, a space, or a line end
// with indentation.
const gap = `( |\n {0,40}|\n\t{1,10})?`

var anyText = &grammar.Text{Max: -1}

func mark(name string) *grammar.Expr { return grammar.Of(fixed()[name]) }

// schema gives the expression of a subschema.
func (c *compiler) schema(v *value, path string) (*grammar.Expr, error) {
	c.seen++
	c.depth++
	defer func() { c.depth-- }()
	if c.seen > maxSchemas || c.depth > schemaDepth {
		return nil, refuse(path, "the schema is too large, or combines without end")
	}
	if yes, ok := v.bool(); ok {
		if yes {
			return c.anything(), nil
		}
		return grammar.Alt(), nil
	}
	if v.kind != "object" {
		return nil, refuse(path, "a schema is an object or a boolean, not %s", v.kind)
	}
	if err := check(v, path); err != nil {
		return nil, err
	}
	e, err := c.combined(v, path)
	if err != nil {
		return nil, err
	}
	if n := v.fields["nullable"]; n != nil && n.yes {
		e = grammar.Alt(e, mark("null"))
	}
	return e, nil
}

// check refuses keywords that are not known.
func check(v *value, path string) error {
	for _, k := range v.keys {
		switch {
		case slices.Contains(annotations, k), slices.Contains(general, k), concerns[k] != "":
		case path == "" && (k == "$schema" || k == "$id"):
		default:
			return refuse(at(path, k), "the keyword %s is not supported", k)
		}
	}
	if u := v.fields["uniqueItems"]; u != nil && u.yes {
		return refuse(at(path, "uniqueItems"), "the keyword uniqueItems is not supported")
	}
	if n := v.fields["nullable"]; n != nil && n.kind != "boolean" {
		return refuse(at(path, "nullable"), "it is true or false")
	}
	return nil
}

// constrains says whether anything beside annotations is in a schema.
func constrains(v *value, but ...string) bool {
	return slices.ContainsFunc(v.keys, func(k string) bool {
		return !slices.Contains(annotations, k) && !slices.Contains(but, k) && k != "$schema" && k != "$id"
	})
}

// combined resolves the keywords that join schemas.
func (c *compiler) combined(v *value, path string) (*grammar.Expr, error) {
	switch {
	case v.fields["$ref"] != nil:
		target, err := c.target(v.fields["$ref"], at(path, "$ref"))
		if err != nil {
			return nil, err
		}
		if !constrains(v, "$ref", "nullable") {
			return c.ref(target, at(path, "$ref"))
		}
		to, err := c.lookup(target, at(path, "$ref"))
		if err != nil {
			return nil, err
		}
		m, err := c.merge(v.without("$ref", "nullable"), to, at(path, "$ref"))
		if err != nil {
			return nil, err
		}
		return c.schema(m, path)

	case v.fields["allOf"] != nil:
		parts, err := branches(v, "allOf", path)
		if err != nil {
			return nil, err
		}
		m := v.without("allOf", "nullable")
		for i, p := range parts {
			if m, err = c.merge(m, p, at(path, "allOf", i)); err != nil {
				return nil, err
			}
		}
		return c.schema(m, path)

	case v.fields["anyOf"] != nil, v.fields["oneOf"] != nil:
		key := "anyOf"
		if v.fields[key] == nil {
			key = "oneOf"
		}
		parts, err := branches(v, key, path)
		if err != nil {
			return nil, err
		}
		rest := v.without(key, "nullable")
		if key == "oneOf" {
			for i := range parts {
				for j := range i {
					if !c.disjoint(parts[j], parts[i], 0) {
						return nil, refuse(at(path, key, i), "a value might also fit /%s/%d: give both a different type, const or enum, "+
							"or a required property with a different one; or use anyOf", key, j)
					}
				}
			}
		}
		all := make([]*grammar.Expr, 0, len(parts))
		for i, p := range parts {
			if constrains(rest) {
				if p, err = c.merge(rest, p, at(path, key, i)); err != nil {
					return nil, err
				}
			}
			e, err := c.schema(p, at(path, key, i))
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
		return grammar.Alt(all...), nil

	case v.fields["enum"] != nil, v.fields["const"] != nil:
		return c.enum(v, path)
	}
	return c.typed(v, path)
}

func branches(v *value, key, path string) ([]*value, error) {
	l := v.fields[key]
	if l.kind != "array" || len(l.items) == 0 {
		return nil, refuse(at(path, key), "it is a list of schemas that is not empty")
	}
	return l.items, nil
}

// target is the path that a $ref names.
func (c *compiler) target(ref *value, path string) (string, error) {
	if ref.kind != "string" || ref.text != "#" && !strings.HasPrefix(ref.text, "#/") {
		return "", refuse(path, "only references inside the schema, such as #/$defs/NAME, are supported")
	}
	p, err := url.PathUnescape(ref.text[1:])
	if err != nil {
		return "", refuse(path, "%v", err)
	}
	return p, nil
}

// lookup finds the subschema at a JSON pointer.
func (c *compiler) lookup(pointer, path string) (*value, error) {
	v := c.root
	if pointer == "" {
		return v, nil
	}
	for _, step := range strings.Split(pointer[1:], "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		var next *value
		switch v.kind {
		case "object":
			next = v.fields[step]
		case "array":
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v.items) {
				next = v.items[i]
			}
		}
		if next == nil {
			return nil, refuse(path, "there is no #%s", pointer)
		}
		v = next
	}
	return v, nil
}

// ref is the rule of the subschema at a JSON pointer.
func (c *compiler) ref(pointer, path string) (*grammar.Expr, error) {
	if r, ok := c.rules[pointer]; ok {
		return grammar.Call(r), nil
	}
	v, err := c.lookup(pointer, path)
	if err != nil {
		return nil, err
	}
	r := c.b.Rule()
	c.rules[pointer] = r
	e, err := c.schema(v, pointer)
	if err != nil {
		return nil, err
	}
	c.b.Define(r, e)
	return grammar.Call(r), nil
}

// rule wraps an expression so that its copies are calls.
func (c *compiler) rule(e *grammar.Expr) *grammar.Expr {
	r := c.b.Rule()
	c.b.Define(r, e)
	return grammar.Call(r)
}

// anything is any JSON value.
func (c *compiler) anything() *grammar.Expr {
	if c.any < 0 {
		c.any = c.b.Rule()
		self := grammar.Call(c.any)
		c.b.Define(c.any, grammar.Alt(c.anyObject(self), c.array(nil, self, 0, -1), grammar.Of(anyText),
			mark("number"), mark("boolean"), mark("null")))
	}
	return grammar.Call(c.any)
}

func (c *compiler) anyObject(v *grammar.Expr) *grammar.Expr {
	member := grammar.Seq(mark("key"), v)
	return grammar.Seq(mark("{"), grammar.Alt(mark("{}"),
		grammar.Seq(member, grammar.Repeat(grammar.Seq(mark(","), member), 0, -1), mark("}"))))
}

// kinds are the types that a schema allows; without a type those that its other
// keywords concern, else all.
func kinds(v *value, path string) ([]string, error) {
	t := v.fields["type"]
	if t == nil {
		var out []string
		for _, k := range v.keys {
			if typ := concerns[k]; typ != "" && !slices.Contains(out, typ) {
				out = append(out, typ)
			}
		}
		if out == nil {
			out = []string{"object", "array", "string", "number", "boolean", "null"}
		}
		return out, nil
	}
	names := []*value{t}
	if t.kind == "array" {
		names = t.items
	}
	var out []string
	for _, n := range names {
		if n.kind != "string" || !slices.Contains(types, n.text) {
			return nil, refuse(at(path, "type"), "it is one of %s, or a list of them", strings.Join(types, ", "))
		}
		if !slices.Contains(out, n.text) {
			out = append(out, n.text)
		}
	}
	if slices.Contains(out, "number") { // integers are among them
		out = slices.DeleteFunc(out, func(s string) bool { return s == "integer" })
	}
	return out, nil
}

func (c *compiler) typed(v *value, path string) (*grammar.Expr, error) {
	ks, err := kinds(v, path)
	if err != nil {
		return nil, err
	}
	if !constrains(v, "nullable") {
		return c.anything(), nil
	}
	var all []*grammar.Expr
	for _, k := range ks {
		var e *grammar.Expr
		var err error
		switch k {
		case "object":
			e, err = c.object(v, path)
		case "array":
			e, err = c.list(v, path)
		case "string":
			e, err = c.text(v, path)
		case "number", "integer":
			e, err = c.number(v, path, k == "integer")
		default:
			e = mark(k)
		}
		if err != nil {
			return nil, wrap(path, err)
		}
		all = append(all, e)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return grammar.Alt(all...), nil
}

// count reads a keyword that counts, fallback when it is absent.
func count(v *value, path, key string, fallback int) (int, error) {
	n := v.fields[key]
	if n == nil {
		return fallback, nil
	}
	r := n.rat()
	if r == nil || !r.IsInt() || r.Sign() < 0 || r.Cmp(new(big.Rat).SetInt64(maxCountable)) > 0 {
		return 0, refuse(at(path, key), "it is a whole number from 0 to %d", maxCountable)
	}
	return int(r.Num().Int64()), nil
}

func (c *compiler) number(v *value, path string, integer bool) (*grammar.Expr, error) {
	var bounds [2]*bound
	for i, keys := range [2][2]string{{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}} {
		var best *big.Rat
		for j, k := range keys {
			n := v.fields[k]
			if n == nil {
				continue
			}
			if n.kind != "number" {
				return nil, refuse(at(path, k), "it is a number")
			}
			b, err := parseBound(n.text, j == 1)
			if err != nil {
				return nil, wrap(at(path, k), err)
			}
			r := n.rat()
			if best == nil || i == 0 && r.Cmp(best) >= 0 || i == 1 && r.Cmp(best) <= 0 {
				best, bounds[i] = r, b
			}
		}
	}
	name := "number"
	if integer {
		name = "integer"
	}
	if bounds == [2]*bound{} {
		return mark(name), nil
	}
	e, err := c.leaf(fmt.Sprint("number ", integer, bounds[0], bounds[1]), func() (*automaton.DFA, error) {
		return number(integer, bounds[0], bounds[1], c.limits)
	})
	return e, wrap(path, err)
}

func (b *bound) String() string {
	if b == nil {
		return "none"
	}
	return fmt.Sprint(b.negative, b.whole, ".", b.fraction, b.exclusive)
}

func (c *compiler) text(v *value, path string) (*grammar.Expr, error) {
	lo, err := count(v, path, "minLength", 0)
	if err != nil {
		return nil, err
	}
	hi, err := count(v, path, "maxLength", -1)
	if err != nil {
		return nil, err
	}
	if hi >= 0 && lo > hi {
		return nil, refuse(at(path, "minLength"), "it is above maxLength: no value fits")
	}
	pattern, format := v.fields["pattern"], v.fields["format"]
	if pattern == nil && format == nil {
		if lo == 0 && hi < 0 {
			return grammar.Of(anyText), nil
		}
		key := fmt.Sprint("text ", lo, hi)
		if c.leaves[key] == nil {
			c.leaves[key] = &grammar.Text{Min: lo, Max: hi}
		}
		return grammar.Of(c.leaves[key]), nil
	}
	var parts []*automaton.Expr
	key := fmt.Sprint("string ", lo, hi)
	if pattern != nil {
		if pattern.kind != "string" {
			return nil, refuse(at(path, "pattern"), "it is a string")
		}
		e, err := automaton.Parse(pattern.text, false)
		if err != nil {
			return nil, refuse(at(path, "pattern"), "%v", err)
		}
		parts = append(parts, e)
		key += " pattern " + strconv.Quote(pattern.text)
	}
	if format != nil {
		f, ok := formats[format.text]
		if format.kind != "string" || !ok {
			return nil, refuse(at(path, "format"), "the format %q is not supported", format.text)
		}
		e, err := automaton.Parse(f, true)
		if err != nil {
			return nil, wrap(at(path, "format"), err)
		}
		parts = append(parts, e)
		key += " format " + format.text
	}
	if lo > 0 || hi >= 0 {
		parts = append(parts, automaton.Times(automaton.Any(), lo, hi))
	}
	e, err := c.leaf(key, func() (d *automaton.DFA, err error) {
		for _, p := range parts {
			one, err := automaton.Compile(automaton.Concat(automaton.Raw(`"`), p, automaton.Raw(`"`)), automaton.JSON, c.limits)
			if err == nil && d != nil {
				one, err = automaton.Both(d, one, c.limits)
			}
			if err != nil {
				return nil, err
			}
			d = one
		}
		return d, nil
	})
	if err != nil && pattern != nil {
		path = at(path, "pattern")
	}
	return e, wrap(path, err)
}

// quoted is the JSON string of s in the shortest form.
func quoted(s string) *automaton.Expr {
	return automaton.Raw(automaton.Quote(s))
}

// array is the expression of a list: its first items each with their own
// expression, then rest (nil: no more), lo to hi items in all (hi -1: without
// limit).
func (c *compiler) array(first []*grammar.Expr, rest *grammar.Expr, lo, hi int) *grammar.Expr {
	if rest == nil && (hi < 0 || hi > len(first)) {
		hi = len(first)
	}
	if hi >= 0 && lo > hi {
		return grammar.Alt()
	}
	if hi >= 0 && len(first) > hi {
		first = first[:hi]
	}
	sep, end := mark(","), mark("]")
	var body *grammar.Expr // what follows len(first) items, or one when there is no first
	head := first
	if len(first) == 0 && hi != 0 {
		head = []*grammar.Expr{rest}
	}
	n := len(head)
	if rest == nil || hi == n {
		body = end
	} else {
		most := -1
		if hi >= 0 {
			most = hi - n
		}
		body = grammar.Seq(grammar.Repeat(grammar.Seq(sep, rest), max(0, lo-n), most), end)
	}
	for j := n - 1; j >= 1; j-- { // what follows j items
		more := grammar.Seq(sep, head[j], body)
		if j >= lo {
			more = grammar.Alt(end, more)
		}
		body = more
	}
	var all []*grammar.Expr
	if lo == 0 {
		all = append(all, mark("[]"))
	}
	if n > 0 {
		all = append(all, grammar.Seq(head[0], body))
	}
	return grammar.Seq(mark("["), grammar.Alt(all...))
}

func (c *compiler) list(v *value, path string) (*grammar.Expr, error) {
	lo, err := count(v, path, "minItems", 0)
	if err != nil {
		return nil, err
	}
	hi, err := count(v, path, "maxItems", -1)
	if err != nil {
		return nil, err
	}
	if hi >= 0 && lo > hi {
		return nil, refuse(at(path, "minItems"), "it is above maxItems: no value fits")
	}
	var first []*grammar.Expr
	if p := v.fields["prefixItems"]; p != nil {
		if p.kind != "array" {
			return nil, refuse(at(path, "prefixItems"), "it is a list of schemas")
		}
		for i, s := range p.items {
			e, err := c.schema(s, at(path, "prefixItems", i))
			if err != nil {
				return nil, err
			}
			first = append(first, c.rule(e))
		}
	}
	var rest *grammar.Expr
	switch items := v.fields["items"]; {
	case items == nil && first != nil:
	case items == nil:
		rest = c.anything()
	case items.kind == "array":
		return nil, refuse(at(path, "items"), "it is one schema: a list of them is called prefixItems")
	case items.kind == "boolean" && !items.yes:
	default:
		e, err := c.schema(items, at(path, "items"))
		if err != nil {
			return nil, err
		}
		rest = c.rule(e)
	}
	if rest == nil && len(first) < lo {
		return nil, refuse(at(path, "minItems"), "no value fits: there are only %d items", len(first))
	}
	return c.array(first, rest, lo, hi), nil
}

func (c *compiler) object(v *value, path string) (*grammar.Expr, error) {
	names, schemas := []string{}, map[string]*value{}
	paths := map[string]string{}
	if p := v.fields["properties"]; p != nil {
		if p.kind != "object" {
			return nil, refuse(at(path, "properties"), "it is an object of schemas")
		}
		for _, k := range p.keys {
			names = append(names, k)
			schemas[k], paths[k] = p.fields[k], at(path, "properties", k)
		}
	}
	more := v.fields["additionalProperties"]
	morePath := at(path, "additionalProperties")
	open := more != nil && (more.kind != "boolean" || more.yes) || more == nil && v.fields["properties"] == nil
	if more == nil {
		more = &value{kind: "boolean", yes: true}
	}
	needed := map[string]bool{}
	if r := v.fields["required"]; r != nil {
		if r.kind != "array" {
			return nil, refuse(at(path, "required"), "it is a list of names")
		}
		for i, k := range r.items {
			if k.kind != "string" {
				return nil, refuse(at(path, "required", i), "it is a name")
			}
			needed[k.text] = true
			if schemas[k.text] == nil {
				if more.kind == "boolean" && !more.yes {
					return nil, refuse(at(path, "required", i), "%q is required, but additionalProperties forbids it", k.text)
				}
				names = append(names, k.text)
				schemas[k.text], paths[k.text] = more, morePath
			}
		}
	}
	// After at least one member, and before any.
	after, before := mark("}"), mark("{}")
	if open {
		e, err := c.schema(more, morePath)
		if err != nil {
			return nil, err
		}
		key, err := c.otherKey(names)
		if err != nil {
			return nil, wrap(path, err)
		}
		member := grammar.Seq(key, c.rule(e))
		after = grammar.Seq(grammar.Repeat(grammar.Seq(mark(","), member), 0, -1), mark("}"))
		before = grammar.Alt(mark("{}"), grammar.Seq(member, after))
	}
	for _, k := range slices.Backward(names) {
		e, err := c.schema(schemas[k], paths[k])
		if err != nil {
			return nil, err
		}
		key, err := c.raw("key "+k, automaton.Concat(quoted(k), automaton.Raw(":"), automaton.Times(automaton.Raw(" "), 0, 1)))
		if err != nil {
			return nil, wrap(paths[k], err)
		}
		member := grammar.Seq(key, c.rule(e))
		first, next := grammar.Seq(member, after), grammar.Seq(mark(","), member, after)
		if needed[k] {
			before, after = first, next
		} else {
			before, after = grammar.Alt(first, before), grammar.Alt(next, after)
		}
	}
	return c.rule(grammar.Seq(mark("{"), before)), nil
}

// otherKey is the leaf of a member's name that is none of names. It is written
// without escapes.
func (c *compiler) otherKey(names []string) (*grammar.Expr, error) {
	if len(names) == 0 {
		return mark("key"), nil
	}
	return c.leaf(fmt.Sprintf("other %q", names), func() (*automaton.DFA, error) {
		var all []*automaton.Expr
		for _, k := range names {
			all = append(all, automaton.Concat(quoted(k), automaton.Raw(":"), automaton.Times(automaton.Raw(" "), 0, 1)))
		}
		listed, err := automaton.Compile(automaton.Either(all...), automaton.UTF8, c.limits)
		if err != nil {
			return nil, err
		}
		return automaton.Without(fixed()["key"], listed, c.limits)
	})
}

// enum is one of the listed values.
func (c *compiler) enum(v *value, path string) (*grammar.Expr, error) {
	key, values := "const", []*value{v.fields["const"]}
	if l := v.fields["enum"]; l != nil {
		key = "enum"
		if l.kind != "array" || len(l.items) == 0 || len(l.items) > maxEnum {
			return nil, refuse(at(path, key), "it is a list of 1 to %d values", maxEnum)
		}
		if k := v.fields["const"]; k != nil {
			values = nil
			for _, i := range l.items {
				if i.equal(k) {
					values = append(values, i)
				}
			}
		} else {
			values = l.items
		}
	}
	for _, k := range v.keys {
		if concerns[k] != "" {
			return nil, refuse(at(path, k), "it cannot be combined with %s", key)
		}
	}
	ks := types
	if v.fields["type"] != nil {
		var err error
		if ks, err = kinds(v, path); err != nil {
			return nil, err
		}
	}
	var all []*automaton.Expr
	name := "enum"
	for _, i := range values {
		if !slices.ContainsFunc(ks, i.is) {
			continue
		}
		e := literal(i)
		all = append(all, e)
		name += " " + i.String()
	}
	if len(all) == 0 {
		return nil, refuse(at(path, key), "no value of the type is listed")
	}
	e, err := c.raw(name, automaton.Either(all...))
	return e, wrap(at(path, key), err)
}

// literal is a JSON value with the white space that may stand in it.
func literal(v *value) *automaton.Expr {
	space, err := automaton.Parse(gap, true)
	if err != nil {
		panic(err)
	}
	var parts []*automaton.Expr
	add := func(e ...*automaton.Expr) { parts = append(parts, e...) }
	switch v.kind {
	case "object":
		add(automaton.Raw("{"))
		for i, k := range v.keys {
			if i > 0 {
				add(automaton.Raw(","))
			}
			add(space, quoted(k), automaton.Raw(":"), automaton.Times(automaton.Raw(" "), 0, 1), literal(v.fields[k]))
		}
		add(space, automaton.Raw("}"))
	case "array":
		add(automaton.Raw("["))
		for i, k := range v.items {
			if i > 0 {
				add(automaton.Raw(","))
			}
			add(space, literal(k))
		}
		add(space, automaton.Raw("]"))
	default:
		return automaton.Raw(v.String())
	}
	return automaton.Concat(parts...)
}

// String is the value as compact JSON.
func (v *value) String() string {
	switch v.kind {
	case "object":
		var parts []string
		for _, k := range v.keys {
			parts = append(parts, automaton.Quote(k)+":"+v.fields[k].String())
		}
		return "{" + strings.Join(parts, ",") + "}"
	case "array":
		var parts []string
		for _, i := range v.items {
			parts = append(parts, i.String())
		}
		return "[" + strings.Join(parts, ",") + "]"
	case "string":
		return automaton.Quote(v.text)
	case "boolean":
		return strconv.FormatBool(v.yes)
	case "null":
		return "null"
	}
	return v.text
}
