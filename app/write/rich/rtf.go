package rich

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"

	"qwill/app/write"
)

// RTF is a document in Rich Text Format 1.9, which the Mac's pasteboard and
// most editors use. Everything but the characters of the text is kept byte for
// byte. No library for Go reads and writes it.
type RTF struct {
	src  []byte
	text strings.Builder
	runs []run
	at   []span // of the runs in src
}

type span struct{ start, end int }

// rtfLimit is the largest document in bytes.
const rtfLimit = 32 << 20

// hidden groups hold no text of the document.
var hidden = map[string]bool{"fonttbl": true, "colortbl": true, "stylesheet": true, "info": true, "pict": true, "header": true, "headerl": true, "headerr": true, "headerf": true, "footer": true, "footerl": true, "footerr": true, "footerf": true, "footnote": true, "annotation": true, "fldinst": true, "object": true, "themedata": true, "listtable": true, "listoverridetable": true, "generator": true, "xmlnstbl": true, "rsidtbl": true, "latentstyles": true, "datastore": true, "listtext": true, "pntext": true, "bkmkstart": true, "bkmkend": true, "nonshppict": true}

// symbols are control words that are characters.
var symbols = map[string]string{"tab": "\t", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": "\u2003", "enspace": "\u2002"}

// lines are control words that end a line.
var lineWords = map[string]bool{"par": true, "line": true, "row": true, "sect": true, "page": true, "cell": true}

type group struct {
	hidden bool
	uc     int // characters that follow \u for readers that do not know it
}

// ParseRTF reads a document.
func ParseRTF(b []byte) (*RTF, error) {
	if len(b) > rtfLimit {
		return nil, fmt.Errorf("read RTF: it is larger than %d MB", rtfLimit>>20)
	}
	if !strings.HasPrefix(string(b[:min(len(b), 5)]), `{\rtf`) {
		return nil, errors.New(`read RTF: it does not begin with {\rtf`)
	}
	d := &RTF{src: b}
	return d, d.parse()
}

// Text implements Document.
func (d *RTF) Text() string { return d.text.String() }

func (d *RTF) parse() error {
	var (
		now    = group{uc: 1}
		stack  []group
		page   encoding.Encoding = charmap.Windows1252
		high   rune
		wide   []byte // first byte of a double-byte character
		wideAt int
		skip   int
		starts bool // right behind the opening brace
	)
	s := d.src
	for i := 0; i < len(s); {
		from := i
		switch c := s[i]; {
		case c == '{':
			if len(stack) > depthLimit {
				return fmt.Errorf("read RTF: it is nested more than %d deep", depthLimit)
			}
			stack = append(stack, now)
			starts = true
			i++
			continue
		case c == '}':
			if len(stack) == 0 {
				return errors.New("read RTF: a group ends that has not begun")
			}
			now, stack = stack[len(stack)-1], stack[:len(stack)-1]
			skip = 0
			i++
		case c == '\r' || c == '\n':
			i++
		case c == '\\':
			word, number, given, n := control(s[i:])
			i += n
			switch {
			case word == "*" && starts:
				// An extension: hidden unless its word is known, and none is.
				now.hidden = true
				continue
			case hidden[word]:
				now.hidden = true
			case word == "'":
				if skip > 0 {
					skip--
					break
				}
				by := byte(number)
				if wide != nil {
					d.put(decode(page, append(wide, by)), wideAt, i, now)
					wide = nil
					break
				}
				if page == simplifiedchinese.GBK && by >= 0x81 {
					wide, wideAt = []byte{by}, from
					break
				}
				d.put(decode(page, []byte{by}), from, i, now)
			case word == "u" && given:
				r := rune(number)
				if r < 0 {
					r += 65536
				}
				// The characters for old readers belong to it.
				end, err := skipFallback(s, i, now.uc)
				if err != nil {
					return err
				}
				i = end
				switch {
				case utf16.IsSurrogate(r) && high == 0:
					high, wideAt = r, from
				case high != 0:
					d.put(string(utf16.DecodeRune(high, r)), wideAt, i, now)
					high = 0
				default:
					d.put(string(r), from, i, now)
				}
			case word == "uc" && given:
				now.uc = max(0, min(number, 8))
			case word == "ansicpg" && given:
				switch number {
				case 936, 54936:
					page = simplifiedchinese.GBK
				case 1250:
					page = charmap.Windows1250
				case 1251:
					page = charmap.Windows1251
				case 10000:
					page = charmap.Macintosh
				}
			case word == "mac":
				page = charmap.Macintosh
			case word == "bin" && given:
				i = min(len(s), i+max(0, number))
			case lineWords[word] || word == "\n" || word == "\r":
				if !now.hidden {
					start := d.text.Len()
					d.text.WriteByte('\n')
					d.runs = append(d.runs, run{start: start, end: start + 1})
					d.at = append(d.at, span{from, i})
				}
			case word == "\\" || word == "{" || word == "}":
				d.put(word, from, i, now)
			case word == "~":
				d.put("\u00a0", from, i, now)
			case word == "_":
				d.put("\u2011", from, i, now)
			case symbols[word] != "":
				d.put(symbols[word], from, i, now)
			}
		default:
			_, n := utf8.DecodeRune(s[i:])
			i += n
			if n == 1 && c >= utf8.RuneSelf {
				d.put(decode(page, s[from:i]), from, i, now)
			} else {
				d.put(string(s[from:i]), from, i, now)
			}
		}
		starts = false
	}
	if len(stack) != 0 {
		return errors.New("read RTF: it ends in the middle")
	}
	d.join()
	return nil
}

// control reads a control word or symbol at the start of s: its name, its
// number, and the bytes it takes with the space that ends it.
func control(s []byte) (word string, number int, given bool, n int) {
	if len(s) < 2 {
		return "", 0, false, len(s)
	}
	if c := s[1]; c < 'a' || c > 'z' {
		if c < 'A' || c > 'Z' {
			if c == '\'' && len(s) >= 4 {
				v, err := strconv.ParseUint(string(s[2:4]), 16, 8)
				if err == nil {
					return "'", int(v), true, 4
				}
			}
			return string(s[1:2]), 0, false, 2
		}
	}
	n = 1
	for n < len(s) && n < 33 && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	word = string(s[1:n])
	start := n
	if n < len(s) && s[n] == '-' {
		n++
	}
	for n < len(s) && n < start+11 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if v, err := strconv.Atoi(string(s[start:n])); err == nil {
		number, given = v, true
	}
	if n < len(s) && s[n] == ' ' {
		n++
	}
	return word, number, given, n
}

// skipFallback passes the uc characters behind a \u.
func skipFallback(s []byte, i, uc int) (int, error) {
	for ; uc > 0 && i < len(s); uc-- {
		switch s[i] {
		case '{', '}':
			return i, nil
		case '\\':
			_, _, _, n := control(s[i:])
			i += n
		default:
			i++
		}
	}
	return i, nil
}

func decode(page encoding.Encoding, b []byte) string {
	out, err := page.NewDecoder().Bytes(b)
	if err != nil {
		return "\uFFFD"
	}
	return string(out)
}

func (d *RTF) put(text string, from, to int, g group) {
	if g.hidden || text == "" {
		return
	}
	start := d.text.Len()
	d.text.WriteString(text)
	d.runs = append(d.runs, run{start: start, end: start + len(text), own: true})
	d.at = append(d.at, span{from, to})
}

// join makes one run of characters that follow each other in the source.
func (d *RTF) join() {
	var runs []run
	var at []span
	for i, r := range d.runs {
		if n := len(runs) - 1; n >= 0 && runs[n].own && r.own && at[n].end == d.at[i].start {
			runs[n].end, at[n].end = r.end, d.at[i].end
			continue
		}
		runs = append(runs, r)
		at = append(at, d.at[i])
	}
	d.runs, d.at = runs, at
}

// Apply implements Document.
func (d *RTF) Apply(segments []write.Segment, accept func(int) bool) ([]byte, error) {
	splice(d.runs, segments, accept)
	text := d.text.String()
	var out []byte
	last := 0
	for i, r := range d.runs {
		if !r.own {
			continue
		}
		if string(r.out) == text[r.start:r.end] {
			continue // byte for byte as it was
		}
		out = append(out, d.src[last:d.at[i].start]...)
		// A control word right before would swallow a letter or a digit.
		out = append(out, escapeRTF(string(r.out), len(out) > 0 && wordEnd(out))...)
		last = d.at[i].end
	}
	return append(out, d.src[last:]...), nil
}

// wordEnd says whether b ends inside a control word.
func wordEnd(b []byte) bool {
	i := len(b)
	for i > 0 && (b[i-1] >= 'a' && b[i-1] <= 'z' || b[i-1] >= 'A' && b[i-1] <= 'Z' || b[i-1] >= '0' && b[i-1] <= '9' || b[i-1] == '-') {
		i--
	}
	return i < len(b) && i > 0 && b[i-1] == '\\'
}

func escapeRTF(s string, afterWord bool) string {
	var b strings.Builder
	if afterWord && s != "" {
		b.WriteByte(' ')
	}
	for _, r := range s {
		switch {
		case r == '\\' || r == '{' || r == '}':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString("\\line ")
		case r == '\t':
			b.WriteString("\\tab ")
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, "{\\uc0\\u%d\\u%d }", int16(hi), int16(lo))
		default:
			fmt.Fprintf(&b, "{\\uc0\\u%d }", int16(r))
		}
	}
	return b.String()
}
