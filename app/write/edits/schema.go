package edits

import (
	"encoding/json"
	"unicode"

	"golang.org/x/text/language"
)

// Kinds of edit that a model may name.
const (
	Spelling       = "spelling"
	Grammar        = "grammar"
	Punctuation    = "punctuation"
	Capitalization = "capitalization"
	Spacing        = "spacing"
	Word           = "word" // another word was meant
	Style          = "style"
)

// Kinds lists them.
var Kinds = []string{Spelling, Grammar, Punctuation, Capitalization, Spacing, Word, Style}

// Longest texts in an edit, in characters.
const (
	longestReplacement = 240
	longestReason      = 120
)

type object = map[string]any

// Schema is the form of the edits of this text: {"edits": [{sentence, span,
// replacement, kind, reason}]}, where span is a run of words that stands once
// in the sentence of that number. The reason begins in the script of the
// language tag.
func (t *Table) Schema(tag string) json.RawMessage {
	var each []any
	for i, s := range t.sentences {
		if len(s.order) == 0 {
			continue
		}
		each = append(each, object{"type": "object", "properties": ordered{
			{"sentence", object{"const": i + 1}},
			{"span", object{"enum": s.order}},
			{"replacement", object{"$ref": "#/$defs/replacement"}},
			{"kind", object{"$ref": "#/$defs/kind"}},
			{"reason", object{"$ref": "#/$defs/reason"}},
		}, "required": []string{"sentence", "span", "replacement", "kind", "reason"}, "additionalProperties": false})
	}
	list := object{"type": "array", "maxItems": t.Most(), "items": object{"anyOf": each}}
	if len(each) == 0 {
		list = object{"type": "array", "maxItems": 0}
	}
	b, err := json.Marshal(object{
		"type":       "object",
		"properties": object{"edits": list},
		"required":   []string{"edits"}, "additionalProperties": false,
		"$defs": object{
			"replacement": object{"type": "string", "maxLength": longestReplacement},
			"kind":        object{"enum": Kinds},
			"reason":      object{"type": "string", "pattern": reasonPattern(tag)},
		},
	})
	if err != nil {
		panic(err) // only strings and numbers
	}
	return b
}

// ordered is a JSON object whose keys keep their order, in which the model
// writes them.
type ordered []struct {
	Name  string
	Value any
}

func (o ordered) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, f := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(f.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.Value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// scripts that a reason may begin in: its language's own, as ranges of an
// expression.
var scripts = map[string]struct {
	class  string
	tables []*unicode.RangeTable
}{
	"Latn": {`A-Za-zÀ-ɏ`, []*unicode.RangeTable{unicode.Latin}},
	"Hans": {`一-鿿`, []*unicode.RangeTable{unicode.Han}},
	"Hant": {`一-鿿`, []*unicode.RangeTable{unicode.Han}},
	"Jpan": {`ぁ-ヿ一-鿿`, []*unicode.RangeTable{unicode.Hiragana, unicode.Katakana, unicode.Han}},
	"Kore": {`가-힣`, []*unicode.RangeTable{unicode.Hangul}},
	"Cyrl": {`А-я`, []*unicode.RangeTable{unicode.Cyrillic}},
	"Grek": {`Α-ω`, []*unicode.RangeTable{unicode.Greek}},
}

func script(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return ""
	}
	s, _ := t.Script()
	return s.String()
}

// reasonPattern binds a reason to one line that begins in the script of a
// language, or in a quotation mark.
func reasonPattern(tag string) string {
	line := `[^"\\\n\r\t]`
	if s, ok := scripts[script(tag)]; ok {
		return `^[“‘「` + s.class + `]` + line + `{1,119}$`
	}
	return `^` + line + `{2,120}$`
}

// inScript says whether a reason has letters of the script of a language.
func inScript(reason, tag string) bool {
	s, ok := scripts[script(tag)]
	if !ok {
		return true
	}
	for _, r := range reason {
		if unicode.In(r, s.tables...) {
			return true
		}
	}
	return false
}
