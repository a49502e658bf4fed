package schema

import (
	"slices"
)

// merge gives the schema of the values that fit both a and b, where that is one
// that can be written down; else it names the keyword that stands in the way.
func (c *compiler) merge(a, b *value, path string) (*value, error) {
	c.seen++
	if c.seen > maxSchemas {
		return nil, refuse(path, "the schema is too large, or combines without end")
	}
	for _, v := range []*value{a, b} {
		if v.kind == "boolean" {
			if !v.yes {
				return v, nil
			}
			return map[*value]*value{a: b, b: a}[v], nil
		}
		if v.kind != "object" {
			return nil, refuse(path, "a schema is an object or a boolean, not %s", v.kind)
		}
		if err := check(v, path); err != nil {
			return nil, err
		}
		if v.fields["nullable"] != nil && v.fields["nullable"].yes {
			return nil, refuse(at(path, "nullable"), "it cannot be combined with other schemas: use a list of types")
		}
	}
	for _, v := range []*value{a, b} {
		ref := v.fields["$ref"]
		if ref == nil {
			continue
		}
		target, err := c.target(ref, at(path, "$ref"))
		if err != nil {
			return nil, err
		}
		to, err := c.lookup(target, at(path, "$ref"))
		if err != nil {
			return nil, err
		}
		other := b
		if v == b {
			other = a
		}
		m, err := c.merge(v.without("$ref"), to, path)
		if err != nil {
			return nil, err
		}
		return c.merge(m, other, path)
	}
	if err := closedTo(a, b, path); err != nil {
		return nil, err
	}
	if err := closedTo(b, a, path); err != nil {
		return nil, err
	}
	out := object()
	for _, k := range a.keys {
		out.put(k, a.fields[k])
	}
	for _, k := range b.keys {
		x, y := a.fields[k], b.fields[k]
		if x == nil || slices.Contains(annotations, k) || k == "$schema" || k == "$id" {
			if x == nil {
				out.put(k, y)
			}
			continue
		}
		z, err := c.both(k, x, y, at(path, k))
		if err != nil {
			return nil, err
		}
		out.put(k, z)
	}
	return out, nil
}

// closedTo refuses a schema whose additionalProperties speaks about properties
// of the other.
func closedTo(a, b *value, path string) error {
	more := a.fields["additionalProperties"]
	if more == nil || more.kind == "boolean" && more.yes {
		return nil
	}
	if p := b.fields["properties"]; p != nil {
		for _, k := range p.keys {
			if own := a.fields["properties"]; own == nil || own.fields[k] == nil {
				return refuse(at(path, "additionalProperties"), "it cannot be combined with another schema's property %q", k)
			}
		}
	}
	return nil
}

// both combines one keyword of two schemas.
func (c *compiler) both(k string, x, y *value, path string) (*value, error) {
	if x.equal(y) {
		return x, nil
	}
	switch k {
	case "type":
		one, err := kinds(&value{kind: "object", fields: map[string]*value{"type": x}}, path)
		if err != nil {
			return nil, err
		}
		two, err := kinds(&value{kind: "object", fields: map[string]*value{"type": y}}, path)
		if err != nil {
			return nil, err
		}
		out := list()
		for _, t := range one {
			if slices.Contains(two, t) || t == "integer" && slices.Contains(two, "number") {
				out.items = append(out.items, &value{kind: "string", text: t})
			} else if t == "number" && slices.Contains(two, "integer") {
				out.items = append(out.items, &value{kind: "string", text: "integer"})
			}
		}
		if len(out.items) == 0 {
			return nil, refuse(path, "no type fits both schemas")
		}
		return out, nil
	case "required", "allOf":
		if x.kind == "array" && y.kind == "array" {
			return list(append(slices.Clone(x.items), y.items...)...), nil
		}
	case "enum":
		if x.kind == "array" && y.kind == "array" {
			out := list()
			for _, i := range x.items {
				if slices.ContainsFunc(y.items, i.equal) {
					out.items = append(out.items, i)
				}
			}
			return out, nil
		}
	case "properties":
		if x.kind == "object" && y.kind == "object" {
			out := object()
			for _, n := range x.keys {
				out.put(n, x.fields[n])
			}
			for _, n := range y.keys {
				if p := x.fields[n]; p == nil {
					out.put(n, y.fields[n])
				} else if !p.equal(y.fields[n]) {
					m := object()
					m.put("allOf", list(p, y.fields[n]))
					out.put(n, m)
				}
			}
			return out, nil
		}
	case "minimum", "exclusiveMinimum", "minLength", "minItems":
		if a, b := x.rat(), y.rat(); a != nil && b != nil {
			if a.Cmp(b) > 0 {
				return x, nil
			}
			return y, nil
		}
	case "maximum", "exclusiveMaximum", "maxLength", "maxItems":
		if a, b := x.rat(), y.rat(); a != nil && b != nil {
			if a.Cmp(b) < 0 {
				return x, nil
			}
			return y, nil
		}
	case "items":
		if x.kind == "object" && y.kind == "object" {
			m := object()
			m.put("allOf", list(x, y))
			return m, nil
		}
	}
	return nil, refuse(path, "two schemas with different %s cannot be combined", k)
}

// disjoint says whether it is certain that no value fits both schemas.
func (c *compiler) disjoint(a, b *value, depth int) bool {
	a, b = c.resolve(a), c.resolve(b)
	if depth > 4 || a == nil || b == nil {
		return false
	}
	if no, ok := a.bool(); ok && !no {
		return true
	}
	if no, ok := b.bool(); ok && !no {
		return true
	}
	if a.kind != "object" || b.kind != "object" {
		return false
	}
	va, vb := listed(a), listed(b)
	switch {
	case va != nil && vb != nil:
		return !slices.ContainsFunc(va, func(x *value) bool { return slices.ContainsFunc(vb, x.equal) })
	case va != nil && b.fields["type"] != nil:
		return outside(va, b)
	case vb != nil && a.fields["type"] != nil:
		return outside(vb, a)
	}
	ta, ea := kinds(a, "")
	tb, eb := kinds(b, "")
	if ea != nil || eb != nil || a.fields["type"] == nil || b.fields["type"] == nil {
		return false
	}
	if !slices.ContainsFunc(ta, func(t string) bool {
		return slices.Contains(tb, t) || t == "integer" && slices.Contains(tb, "number") || t == "number" && slices.Contains(tb, "integer")
	}) {
		return true
	}
	if !slices.Equal(ta, []string{"object"}) || !slices.Equal(tb, ta) || a.fields["properties"] == nil || b.fields["properties"] == nil {
		return false
	}
	for _, k := range a.fields["properties"].keys {
		if requires(a, k) && requires(b, k) && b.fields["properties"].fields[k] != nil &&
			c.disjoint(a.fields["properties"].fields[k], b.fields["properties"].fields[k], depth+1) {
			return true
		}
	}
	return false
}

// resolve follows references that stand alone.
func (c *compiler) resolve(v *value) *value {
	for range 20 {
		if v == nil || v.kind != "object" || v.fields["$ref"] == nil {
			break
		}
		target, err := c.target(v.fields["$ref"], "")
		if err != nil {
			return nil
		}
		if v, err = c.lookup(target, ""); err != nil {
			return nil
		}
	}
	if v != nil && v.kind == "object" && v.fields["nullable"] != nil {
		return nil
	}
	return v
}

// listed are the values of enum or const, nil without them.
func listed(v *value) []*value {
	if k := v.fields["const"]; k != nil {
		return []*value{k}
	}
	if l := v.fields["enum"]; l != nil {
		return l.items
	}
	return nil
}

func outside(values []*value, v *value) bool {
	ks, err := kinds(v, "")
	return err == nil && !slices.ContainsFunc(values, func(x *value) bool { return slices.ContainsFunc(ks, x.is) })
}

func requires(v *value, name string) bool {
	r := v.fields["required"]
	return r != nil && slices.ContainsFunc(r.items, func(x *value) bool { return x.kind == "string" && x.text == name })
}
