package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// addedToken is one entry of added_tokens.
type addedToken struct {
	id                                              int32
	content                                         string
	special, lstrip, rstrip, singleWord, normalized bool
}

// addedTokens finds added tokens in text: leftmost first, then longest.
type addedTokens struct {
	tokens        []addedToken
	ids           map[string]int32
	byID          map[int32]bool
	anyNormalized bool
	tries         [2]trie // by normalized
}

// maxAddedLen bounds the bytes of one added token, so that matching stays
// linear in the text.
const maxAddedLen = 1024

type trie struct {
	nodes []trieNode
}

type trieNode struct {
	next  map[byte]int32
	token int32 // index in tokens, or -1
}

func newAddedTokens(tokens []addedToken) *addedTokens {
	a := &addedTokens{tokens: tokens, ids: make(map[string]int32, len(tokens)), byID: make(map[int32]bool, len(tokens))}
	for i := range a.tries {
		a.tries[i].nodes = []trieNode{{token: -1}}
	}
	for i, tok := range tokens {
		a.ids[tok.content] = tok.id
		a.byID[tok.id] = true
		k := 0
		if tok.normalized {
			a.anyNormalized = true
			k = 1
		}
		a.tries[k].add(tok.content, int32(i))
	}
	return a
}

// has reports whether id belongs to an added token.
func (a *addedTokens) has(id int32) bool { return a.byID[id] }

func (t *trie) add(s string, token int32) {
	n := int32(0)
	for i := 0; i < len(s); i++ {
		c, ok := t.nodes[n].next[s[i]]
		if !ok {
			c = int32(len(t.nodes))
			t.nodes = append(t.nodes, trieNode{token: -1})
			if t.nodes[n].next == nil {
				t.nodes[n].next = map[byte]int32{}
			}
			t.nodes[n].next[s[i]] = c
		}
		n = c
	}
	t.nodes[n].token = token
}

// longest gives the longest token at the start of s and its length.
func (t *trie) longest(s string) (token int32, length int) {
	token = -1
	n := int32(0)
	for i := 0; i < len(s); i++ {
		c, ok := t.nodes[n].next[s[i]]
		if !ok {
			break
		}
		n = c
		if t.nodes[n].token >= 0 {
			token, length = t.nodes[n].token, i+1
		}
	}
	return token, length
}

// match is an added token found in a text, with the spaces it takes along.
type match struct {
	start, end int
	id         int32
}

// find gives the added tokens that lie wholly inside one trusted range.
func (a *addedTokens) find(text string, trusted []span, normalized bool) []match {
	k := 0
	if normalized {
		k = 1
	}
	t := &a.tries[k]
	if len(t.nodes) == 1 {
		return nil
	}
	var out []match
	taken := 0
	for _, s := range trusted {
		for at := s.start; at < s.end; {
			if _, ok := t.nodes[0].next[text[at]]; !ok {
				at++
				continue
			}
			i, n := t.longest(text[at:s.end])
			if i < 0 {
				at++
				continue
			}
			start, end := at, at+n
			at = end
			tok := a.tokens[i]
			if tok.singleWord && (wordBefore(text[:start]) || wordAfter(text[end:])) {
				continue
			}
			// As in the reference, spaces taken to the right can still match.
			if tok.lstrip {
				start = max(start-trailingSpace(text[:start]), taken)
			}
			if tok.rstrip {
				end += leadingSpace(text[end:])
			}
			out = append(out, match{start, end, tok.id})
			taken = end
		}
	}
	return out
}

func isWord(r rune) bool {
	return r == '_' || r == 0x200C || r == 0x200D || unicode.IsLetter(r) ||
		unicode.In(r, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic)
}

func wordBefore(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func wordAfter(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

func trailingSpace(s string) int {
	n := len(s)
	for n > 0 {
		r, w := utf8.DecodeLastRuneInString(s[:n])
		if !isSpace(r) {
			break
		}
		n -= w
	}
	return len(s) - n
}

func leadingSpace(s string) int {
	n := 0
	for n < len(s) {
		r, w := utf8.DecodeRuneInString(s[n:])
		if !isSpace(r) {
			break
		}
		n += w
	}
	return n
}
