package pull

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// span is bytes from up to, not including, to.
type span struct{ from, to int64 }

// ranges are the bytes of a file that are there: in order, apart from each
// other, none empty.
type ranges []span

// parseRanges reads what String wrote. What makes no sense is dropped: those
// bytes are fetched again.
func parseRanges(s string) ranges {
	var r ranges
	for _, part := range strings.Split(s, ",") {
		a, b, _ := strings.Cut(part, "-")
		from, err1 := strconv.ParseInt(a, 10, 64)
		to, err2 := strconv.ParseInt(b, 10, 64)
		if err1 == nil && err2 == nil && from >= 0 {
			r = r.add(span{from, to})
		}
	}
	return r
}

// String is such as "0-1048576,67108864-70000000", ends exclusive.
func (r ranges) String() string {
	parts := make([]string, len(r))
	for i, s := range r {
		parts[i] = fmt.Sprintf("%d-%d", s.from, s.to)
	}
	return strings.Join(parts, ",")
}

// add gives the ranges with s in them. The old ones are not altered.
func (r ranges) add(s span) ranges {
	if s.from >= s.to {
		return r
	}
	var out ranges
	for _, o := range r {
		if o.to < s.from || o.from > s.to {
			out = append(out, o)
			continue
		}
		s = span{min(s.from, o.from), max(s.to, o.to)}
	}
	out = append(out, s)
	slices.SortFunc(out, func(a, b span) int { return int(min(max(a.from-b.from, -1), 1)) })
	return out
}

// clip gives what lies before size.
func (r ranges) clip(size int64) ranges {
	var out ranges
	for _, o := range r {
		if o.to = min(o.to, size); o.from < o.to {
			out = append(out, o)
		}
	}
	return out
}

// total counts the bytes.
func (r ranges) total() int64 {
	var n int64
	for _, o := range r {
		n += o.to - o.from
	}
	return n
}

// end is behind the last byte.
func (r ranges) end() int64 {
	if len(r) == 0 {
		return 0
	}
	return r[len(r)-1].to
}

// prefix counts the bytes from the file's start on without a gap.
func (r ranges) prefix() int64 {
	if len(r) == 0 || r[0].from != 0 {
		return 0
	}
	return r[0].to
}

// gap gives the first bytes that are missing at or behind from; ok is false
// when none is before size.
func (r ranges) gap(from, size int64) (g span, ok bool) {
	for _, o := range r {
		if from < o.from {
			return span{from, min(o.from, size)}, from < size
		}
		from = max(from, o.to)
	}
	return span{from, size}, from < size
}
