// Package tokenizer turns text into token ids and back as a model's
// tokenizer.json says: byte-level BPE with the pre-tokenizers of Qwen2 and
// Qwen3, Llama 3, SmolLM2 and GPT-2. With control tokens allowed the ids equal
// those of the reference library; text that comes from a user or a document is
// encoded without control tokens, whatever it contains.
package tokenizer

import (
	"fmt"
	"strings"
)

// Segment is a piece of a prompt. Only trusted text, written by the chat
// template, may contain control tokens such as <|im_end|>; everything else is
// ordinary text.
type Segment struct {
	Text    string
	Trusted bool
}

// Tokenizer is read from tokenizer.json. It is immutable and safe for
// concurrent use.
type Tokenizer struct {
	vocab   map[string]int32 // surface form (byte-level alphabet) -> id
	bytes   []string         // id -> exact bytes; "" for unused ids
	used    []bool           // id -> whether a token has it
	special []bool           // id -> control token
	added   *addedTokens
	byteID  [256]int32 // byte -> id of its one-byte token, or -1
	merges  mergeTable
	nfc     bool
	split   []splitter
	unk     int32 // emitted for bytes outside the vocabulary, or -1 (dropped)
	fuseUnk bool
	whole   bool // ignore_merges: a word of the vocabulary is taken whole
}

// Size is one more than the highest id.
func (t *Tokenizer) Size() int { return len(t.bytes) }

// Check refuses a tokenizer with ids the model has no embedding row for.
func (t *Tokenizer) Check(rows int) error {
	if t.Size() > rows {
		return fmt.Errorf("tokenizer has ids up to %d, the model only %d embedding rows", t.Size()-1, rows)
	}
	return nil
}

// Encode gives the ids of text. With special, control tokens in the text are
// recognised, as the reference does; without, the text never becomes one.
func (t *Tokenizer) Encode(text string, special bool) []int {
	return t.EncodeSegments([]Segment{{Text: text, Trusted: special}})
}

// EncodeSegments encodes joined segments as one text: words may cross the
// borders, exactly as if the prompt were one string, but a control token is
// recognised only where all of it is trusted.
func (t *Tokenizer) EncodeSegments(segments []Segment) []int {
	text, trusted := join(segments)
	ids := make([]int, 0, len(text)/4+4)
	e := encoder{t: t, ids: ids}
	at := 0
	for _, m := range t.added.find(text, trusted, false) {
		if m.start > at {
			e.plain(text[at:m.start], clip(trusted, at, m.start))
		}
		e.ids = append(e.ids, int(m.id))
		at = m.end
	}
	e.plain(text[at:], clip(trusted, at, len(text)))
	return e.ids
}

// Decode gives the exact bytes of ids; unknown ids give nothing. The bytes may
// end in half a character; see Detokenizer for text.
func (t *Tokenizer) Decode(ids []int) []byte {
	var out []byte
	for _, id := range ids {
		out = append(out, t.piece(id)...)
	}
	return out
}

// TokenBytes gives the exact bytes of one token, nil for an unknown id.
func (t *Tokenizer) TokenBytes(id int) []byte {
	if id < 0 || id >= len(t.bytes) || !t.used[id] {
		return nil
	}
	return []byte(t.bytes[id])
}

func (t *Tokenizer) piece(id int) string {
	if id < 0 || id >= len(t.bytes) {
		return ""
	}
	return t.bytes[id]
}

// IsSpecial reports whether id is a control token, which never belongs to an
// answer's text.
func (t *Tokenizer) IsSpecial(id int) bool {
	return id >= 0 && id < len(t.special) && t.special[id]
}

// ID finds a token: an added token by its content, any other by its surface
// form in the vocabulary.
func (t *Tokenizer) ID(token string) (int, bool) {
	if id, ok := t.added.ids[token]; ok {
		return int(id), true
	}
	id, ok := t.vocab[token]
	return int(id), ok
}

// AddedTokens lists the contents of all added tokens, control tokens and
// others such as <think>.
func (t *Tokenizer) AddedTokens() []string {
	out := make([]string, 0, len(t.added.tokens))
	for _, a := range t.added.tokens {
		out = append(out, a.content)
	}
	return out
}

// span is a half-open range of bytes.
type span struct{ start, end int }

// join concatenates segments after replacing invalid UTF-8 by U+FFFD, and
// gives the ranges that are trusted, merged and in order.
func join(segments []Segment) (string, []span) {
	var b strings.Builder
	var trusted []span
	for _, s := range segments {
		start := b.Len()
		b.WriteString(ValidUTF8(s.Text))
		if !s.Trusted || b.Len() == start {
			continue
		}
		if n := len(trusted); n > 0 && trusted[n-1].end == start {
			trusted[n-1].end = b.Len()
		} else {
			trusted = append(trusted, span{start, b.Len()})
		}
	}
	return b.String(), trusted
}

// clip gives the parts of spans inside [start, end), relative to start.
func clip(spans []span, start, end int) []span {
	var out []span
	for _, s := range spans {
		a, b := max(s.start, start), min(s.end, end)
		if a < b {
			out = append(out, span{a - start, b - start})
		}
	}
	return out
}

// encoder collects the ids of one text.
type encoder struct {
	t       *Tokenizer
	ids     []int
	scratch bpeScratch
}

// plain encodes text that holds no un-normalized added token.
func (e *encoder) plain(text string, trusted []span) {
	if text == "" {
		return
	}
	t := e.t
	norm := text
	if t.nfc {
		norm = toNFC(text)
	}
	if !t.added.anyNormalized || len(trusted) == 0 {
		e.words(norm)
		return
	}
	if norm != text && (len(trusted) != 1 || trusted[0] != span{0, len(text)}) {
		// Normalizing moved the borders of trust: look before it instead.
		norm = text
	} else if norm != text {
		trusted = []span{{0, len(norm)}}
	}
	at := 0
	for _, m := range t.added.find(norm, trusted, true) {
		if m.start > at {
			e.normalizedWords(norm[at:m.start])
		}
		e.ids = append(e.ids, int(m.id))
		at = m.end
	}
	e.normalizedWords(norm[at:])
}

func (e *encoder) normalizedWords(text string) {
	if e.t.nfc {
		text = toNFC(text)
	}
	e.words(text)
}

// words cuts normalized text into words and encodes each.
func (e *encoder) words(text string) {
	if text != "" {
		e.stage(text, 0)
	}
}

func (e *encoder) stage(text string, n int) {
	if n == len(e.t.split) {
		e.word(text)
		return
	}
	e.t.split[n](text, func(piece string) { e.stage(piece, n+1) })
}
