package jinja

import (
	"fmt"
	"strings"
	"time"
)

var globals map[string]Value

func init() {
	globals = map[string]Value{}
	for id, f := range map[string]func(in *interp, line int, a args) Value{
		"range":           globalRange,
		"namespace":       globalNamespace,
		"dict":            globalDict,
		"raise_exception": globalRaise,
		"strftime_now":    globalStrftime,
	} {
		globals[id] = &Func{id, f}
	}
}

func globalRange(in *interp, line int, a args) Value {
	a.need(line, "range", 1, 3)
	start, stop, step := int64(0), a.int(line, 0, "stop", 0), int64(1)
	if len(a.pos) > 1 {
		start, stop = stop, a.int(line, 1, "stop", 0)
	}
	if len(a.pos) > 2 {
		step = a.int(line, 2, "step", 1)
	}
	const far = 1 << 60
	if start > far || start < -far || stop > far || stop < -far || step > far || step < -far || step == 0 {
		failf(line, "range: an argument is out of range")
	}
	n := int64(0)
	if step > 0 && stop > start {
		n = (stop - start + step - 1) / step
	} else if step < 0 && stop < start {
		n = (start - stop - step - 1) / -step
	}
	if n > maxRange {
		failf(line, "range of %d items is too big, the limit is %d", n, maxRange)
	}
	in.alloc(24 * int(n))
	l := &List{Items: make([]Value, n)}
	for i := range l.Items {
		l.Items[i] = start + int64(i)*step
	}
	return l
}

func globalDict(in *interp, line int, a args) Value {
	d := NewDict()
	if len(a.pos) > 0 {
		if from, ok := a.pos[0].(*Dict); ok {
			in.alloc(64 * len(from.keys))
			for i, k := range from.keys {
				d.set(line, k, from.values[i])
			}
		} else {
			for _, v := range in.items(line, a.pos[0]) {
				pair := in.items(line, v)
				if len(pair) != 2 {
					failf(line, "dict: an item is not a pair")
				}
				in.alloc(64)
				d.set(line, pair[0], pair[1])
			}
		}
	}
	for _, k := range a.order {
		in.alloc(64)
		d.Set(k, a.named[k])
	}
	return d
}

func globalNamespace(in *interp, line int, a args) Value {
	return &Namespace{attrs: globalDict(in, line, a).(*Dict)}
}

func globalRaise(in *interp, line int, a args) Value {
	msg := in.str(a.value(0, "message", Trusted("refused"))).s
	if len(msg) > 500 {
		msg = strings.ToValidUTF8(msg[:500], "") + "…"
	}
	panic(&Error{Line: line, Msg: msg, Raised: true})
}

// globalStrftime formats the local time with the usual directives.
func globalStrftime(in *interp, line int, a args) Value {
	format := a.str(line, 0, "format", "").s
	in.alloc(8 * len(format))
	now := in.now()
	layouts := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'B': "January", 'b': "Jan",
		'A': "Monday", 'a': "Mon", 'I': "03", 'p': "PM", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'e': "_2", 'Z': "MST", 'z': "-0700", 'j': "002",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 >= len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch c := format[i]; {
		case layouts[c] != "":
			b.WriteString(now.Format(layouts[c]))
		case c == 'f':
			fmt.Fprintf(&b, "%06d", now.Nanosecond()/int(time.Microsecond))
		case c == '-' && i+1 < len(format) && layouts[format[i+1]] != "":
			i++
			b.WriteString(strings.TrimPrefix(now.Format(layouts[format[i]]), "0"))
		case c == '%':
			b.WriteByte('%')
		default:
			failf(line, "strftime_now: %%%c is not supported", c)
		}
	}
	return Trusted(b.String())
}
