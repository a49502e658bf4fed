package openai

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"qwill/engine"
)

// name gives a token's text; a token that is part of a character is written
// byte by byte, as OpenAI does.
func name(t engine.Token) string {
	if len(t.Bytes) == 0 || utf8.Valid(t.Bytes) {
		return t.Text
	}
	var b strings.Builder
	b.WriteString("bytes:")
	for _, c := range t.Bytes {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return b.String()
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

func numbers(b []byte) []int {
	out := make([]int, len(b))
	for i, c := range b {
		out[i] = int(c)
	}
	return out
}

// chatLogprobs gives the generated tokens in the newer form.
func chatLogprobs(tokens []engine.Token) *ChatLogprobs {
	out := &ChatLogprobs{Content: []TokenLogprob{}}
	for _, t := range tokens {
		if t.Prompt || t.Logprob == nil {
			continue
		}
		l := TokenLogprob{Token: name(t), Logprob: *t.Logprob, Bytes: numbers(t.Bytes)}
		for _, o := range t.Top {
			l.Top = append(l.Top, TokenLogprob{Token: name(o), Logprob: value(o.Logprob), Bytes: numbers(o.Bytes)})
		}
		out.Content = append(out.Content, l)
	}
	return out
}

// offsets counts the characters of a choice's text as its tokens come; a token
// that only begins a character starts where that character does.
type offsets struct {
	done int    // whole characters before rest
	rest []byte // of a character that is not whole yet
}

func (o *offsets) next(b []byte) int {
	at := o.done
	o.rest = append(o.rest, b...)
	for len(o.rest) > 0 && utf8.FullRune(o.rest) {
		_, n := utf8.DecodeRune(o.rest)
		o.rest = o.rest[n:]
		o.done++
	}
	return at
}

// add appends tokens in the older form, starting at the offsets so far. The
// alternatives always hold the token itself.
func (l *Logprobs) add(tokens []engine.Token, at *offsets) {
	for _, t := range tokens {
		l.Tokens = append(l.Tokens, name(t))
		l.Logprobs = append(l.Logprobs, t.Logprob)
		l.Offsets = append(l.Offsets, at.next(t.Bytes))
		if t.Logprob == nil {
			l.Top = append(l.Top, nil)
			continue
		}
		top := map[string]float64{name(t): *t.Logprob}
		for _, o := range t.Top {
			top[name(o)] = value(o.Logprob)
		}
		l.Top = append(l.Top, top)
	}
}
