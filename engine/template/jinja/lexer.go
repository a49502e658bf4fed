package jinja

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	tEOF      kind = iota
	tData          // text outside tags
	tVarBegin      // {{
	tVarEnd
	tBlockBegin // {%
	tBlockEnd
	tName
	tString
	tInt
	tFloat
	tOp
)

type token struct {
	kind kind
	text string
	line int
}

// lex cuts a template into tokens as Jinja2 does with trim_blocks and
// lstrip_blocks on and keep_trailing_newline off.
func lex(source string) []token {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.ReplaceAll(source, "\r", "\n")
	source = strings.TrimSuffix(source, "\n")
	l := lexer{s: source, line: 1, lineStart: true}
	for l.i < len(l.s) {
		l.root()
	}
	l.emit(tEOF, "")
	return l.out
}

type lexer struct {
	s         string
	i, line   int
	lineStart bool // the text consumed last ended with a line end
	out       []token
}

func (l *lexer) emit(k kind, text string) { l.out = append(l.out, token{k, text, l.line}) }

// take consumes n bytes.
func (l *lexer) take(n int) string {
	text := l.s[l.i : l.i+n]
	l.i += n
	l.line += strings.Count(text, "\n")
	if n > 0 {
		l.lineStart = text[n-1] == '\n'
	}
	return text
}

// root reads text up to the next tag and the tag itself.
func (l *lexer) root() {
	rest := l.s[l.i:]
	n := strings.Index(rest, "{")
	for n >= 0 && (n+1 >= len(rest) || !strings.ContainsRune("{%#", rune(rest[n+1]))) {
		if m := strings.Index(rest[n+1:], "{"); m >= 0 {
			n += 1 + m
		} else {
			n = -1
		}
	}
	if n < 0 {
		l.data(rest)
		l.take(len(rest))
		return
	}
	text, opener := rest[:n], rest[n+1]
	sign := byte(0)
	if n+2 < len(rest) {
		sign = rest[n+2]
	}
	switch {
	case sign == '-':
		text = strings.TrimRightFunc(text, isSpace)
	case sign != '+' && opener != '{':
		cut := strings.LastIndexByte(text, '\n') + 1
		if (cut > 0 || l.lineStart) && strings.TrimLeftFunc(text[cut:], isSpace) == "" {
			text = text[:cut]
		}
	}
	l.data(text)
	l.take(n + 2)
	if sign == '-' || sign == '+' {
		l.take(1)
	}
	switch opener {
	case '#':
		l.comment()
	case '{':
		l.emit(tVarBegin, "")
		l.inside(tVarEnd, "}}")
	default:
		if !l.raw() {
			l.emit(tBlockBegin, "")
			l.inside(tBlockEnd, "%}")
		}
	}
}

func (l *lexer) data(text string) {
	if text != "" {
		l.emit(tData, text)
	}
}

// closeLen gives the length of a closing tag at offset i with what it trims,
// or 0. block: a following line end belongs to it.
func (l *lexer) closeLen(i int, mark string, block bool) int {
	s := l.s[i:]
	switch {
	case strings.HasPrefix(s, "-"+mark):
		n := 1 + len(mark)
		return n + len(s[n:]) - len(strings.TrimLeftFunc(s[n:], isSpace))
	case block && strings.HasPrefix(s, "+"+mark):
		return 1 + len(mark)
	case strings.HasPrefix(s, mark):
		n := len(mark)
		if block && n < len(s) && s[n] == '\n' {
			n++
		}
		return n
	}
	return 0
}

func (l *lexer) comment() {
	end := strings.Index(l.s[l.i:], "#}")
	if end < 0 {
		failf(l.line, "a comment is never closed")
	}
	at := l.i + end
	if end > 0 && (l.s[at-1] == '-' || l.s[at-1] == '+') {
		at--
	}
	n := l.closeLen(at, "#}", true)
	l.take(at + n - l.i)
}

// raw reads a raw block, whose text is not a template.
func (l *lexer) raw() bool {
	s := l.s[l.i:]
	body := strings.TrimLeftFunc(s, isSpace)
	if !strings.HasPrefix(body, "raw") {
		return false
	}
	at := l.i + len(s) - len(body) + 3
	for at < len(l.s) && isSpace(rune(l.s[at])) {
		at++
	}
	n := l.closeLen(at, "%}", true)
	if n == 0 {
		return false
	}
	l.take(at + n - l.i)
	start := l.i
	for i := start; ; i++ {
		j := strings.Index(l.s[i:], "{%")
		if j < 0 {
			failf(l.line, "a raw block is never closed")
		}
		i += j
		k := i + 2
		sign := byte(0)
		if k < len(l.s) && (l.s[k] == '-' || l.s[k] == '+') {
			sign = l.s[k]
			k++
		}
		for k < len(l.s) && isSpace(rune(l.s[k])) {
			k++
		}
		if !strings.HasPrefix(l.s[k:], "endraw") {
			continue
		}
		k += len("endraw")
		for k < len(l.s) && isSpace(rune(l.s[k])) {
			k++
		}
		if n := l.closeLen(k, "%}", true); n > 0 {
			text := l.s[start:i]
			if sign == '-' {
				text = strings.TrimRightFunc(text, isSpace)
			} else if sign == 0 {
				cut := strings.LastIndexByte(text, '\n') + 1
				if cut > 0 && strings.TrimLeftFunc(text[cut:], isSpace) == "" {
					text = text[:cut]
				}
			}
			l.data(text)
			l.take(k + n - l.i)
			return true
		}
	}
}

var operators = []string{"**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

// inside reads the tokens of a tag up to its end.
func (l *lexer) inside(end kind, mark string) {
	var open []byte
	for l.i < len(l.s) {
		if len(open) == 0 {
			if n := l.closeLen(l.i, mark, end == tBlockEnd); n > 0 {
				l.emit(end, "")
				l.take(n)
				return
			}
		}
		c := l.s[l.i]
		r, _ := utf8.DecodeRuneInString(l.s[l.i:])
		switch {
		case isSpace(r):
			l.take(utf8.RuneLen(r))
		case c == '"' || c == '\'':
			l.string(c)
		case c >= '0' && c <= '9':
			l.number()
		case r == '_' || unicode.IsLetter(r):
			n := 0
			for i, r := range l.s[l.i:] {
				if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
					break
				}
				n = i + utf8.RuneLen(r)
			}
			l.emit(tName, l.take(n))
		default:
			op := ""
			for _, o := range operators {
				if strings.HasPrefix(l.s[l.i:], o) {
					op = o
					break
				}
			}
			if op == "" {
				failf(l.line, "unexpected character %q", r)
			}
			switch op {
			case "(", "[", "{":
				open = append(open, op[0])
			case ")", "]", "}":
				want := map[string]byte{")": '(', "]": '[', "}": '{'}[op]
				if len(open) == 0 || open[len(open)-1] != want {
					failf(l.line, "unexpected %q", op)
				}
				open = open[:len(open)-1]
			}
			l.emit(tOp, op)
			l.take(len(op))
		}
	}
	failf(l.line, "a tag is never closed")
}

func (l *lexer) number() {
	s := l.s[l.i:]
	n := 0
	digits := func() {
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '_' && n+1 < len(s) && s[n+1] >= '0' && s[n+1] <= '9') {
			n++
		}
	}
	if len(s) > 2 && s[0] == '0' && strings.ContainsRune("xXoObB", rune(s[1])) {
		n = 2
		for n < len(s) && (s[n] == '_' || unicode.Is(unicode.ASCII_Hex_Digit, rune(s[n]))) {
			n++
		}
		l.emit(tInt, l.take(n))
		return
	}
	digits()
	k := tInt
	if n+1 < len(s) && s[n] == '.' && s[n+1] >= '0' && s[n+1] <= '9' {
		k = tFloat
		n++
		digits()
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if m < len(s) && s[m] >= '0' && s[m] <= '9' {
			k = tFloat
			n = m
			digits()
		}
	}
	l.emit(k, strings.ReplaceAll(l.take(n), "_", ""))
}

func (l *lexer) string(quote byte) {
	line := l.line
	var b strings.Builder
	i := l.i + 1
	for {
		if i >= len(l.s) {
			failf(line, "a string is never closed")
		}
		c := l.s[i]
		if c == quote {
			break
		}
		if c != '\\' || i+1 >= len(l.s) {
			b.WriteByte(c)
			i++
			continue
		}
		i = l.escape(&b, i+1, line)
	}
	l.emit(tString, b.String())
	l.take(i + 1 - l.i)
}

// escape reads what follows a backslash at i, as Python's unicode-escape.
func (l *lexer) escape(b *strings.Builder, i, line int) int {
	const simple = "n\nt\tr\rb\bf\fv\va\a\\\\''\"\""
	c := l.s[i]
	if k := strings.IndexByte(simple, c); k >= 0 && k%2 == 0 {
		b.WriteByte(simple[k+1])
		return i + 1
	}
	width := 0
	switch {
	case c == '\n':
		return i + 1
	case c == 'x':
		width = 2
	case c == 'u':
		width = 4
	case c == 'U':
		width = 8
	case c >= '0' && c <= '7':
		n := i
		for n < len(l.s) && n < i+3 && l.s[n] >= '0' && l.s[n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(l.s[i:n], 8, 32)
		b.WriteRune(rune(v))
		return n
	case c == 'N':
		failf(line, `the escape \N is not supported`)
	default:
		b.WriteByte('\\')
		return i
	}
	if i+1+width > len(l.s) {
		failf(line, "a string escape is cut off")
	}
	v, err := strconv.ParseUint(l.s[i+1:i+1+width], 16, 32)
	if err != nil || v > unicode.MaxRune {
		failf(line, "a wrong string escape")
	}
	b.WriteRune(rune(v))
	return i + 1 + width
}
