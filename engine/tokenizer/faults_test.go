package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/engine/proto"
)

// edit changes a tokenizer given as JSON.
func edit(t *testing.T, data []byte, change func(j map[string]any)) []byte {
	t.Helper()
	var j map[string]any
	if err := json.Unmarshal(data, &j); err != nil {
		t.Fatal(err)
	}
	change(j)
	out, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func model(j map[string]any) map[string]any { return j["model"].(map[string]any) }

func vocab(j map[string]any) map[string]any { return model(j)["vocab"].(map[string]any) }

func merges(j map[string]any) []any { return model(j)["merges"].([]any) }

func addToken(j map[string]any, token map[string]any) {
	list, _ := j["added_tokens"].([]any)
	j["added_tokens"] = append(list, token)
}

func TestDamagedTokenizersAreRefused(t *testing.T) {
	good := variant(t, "llama3")
	if _, err := Parse(edit(t, good, func(map[string]any) {})); err != nil {
		t.Fatalf("the file that the faults are made of is itself refused: %v", err)
	}
	changed := func(f func(j map[string]any)) []byte { return edit(t, good, f) }
	for name, c := range map[string]struct {
		data []byte
		want string // part of the message
	}{
		"empty":              {nil, "ends early"},
		"not an object":      {[]byte(`[]`), "expected"},
		"trailing text":      {append(bytes.Clone(good), 'x'), "nothing after"},
		"not UTF-8":          {[]byte("{\"version\": \"\xff\"}"), "not UTF-8"},
		"lone surrogate":     {[]byte(`{"version": "\ud800"}`), "surrogate"},
		"deep nesting":       {[]byte(`{"version": ` + strings.Repeat("[", 100_000)), "deeper"},
		"deep objects":       {[]byte(strings.Repeat(`{"a":`, 100_000)), "deeper"},
		"key twice":          {[]byte(`{"version": 1, "version": 2}`), "twice"},
		"token twice":        {bytes.Replace(good, []byte(`"vocab":{"`), []byte(`"vocab":{"!":5,"`), 1), "twice"},
		"no model":           {changed(func(j map[string]any) { delete(j, "model") }), `"model" is missing`},
		"no pre-tokenizer":   {changed(func(j map[string]any) { delete(j, "pre_tokenizer") }), `"pre_tokenizer" is missing`},
		"null pre-tokenizer": {changed(func(j map[string]any) { j["pre_tokenizer"] = nil }), "pre_tokenizer"},
		"no decoder":         {changed(func(j map[string]any) { delete(j, "decoder") }), `"decoder" is missing`},
		"no vocabulary":      {changed(func(j map[string]any) { delete(model(j), "vocab") }), "missing"},
		"empty vocabulary":   {changed(func(j map[string]any) { model(j)["vocab"] = map[string]any{} }), "empty"},
		"no merges":          {changed(func(j map[string]any) { delete(model(j), "merges") }), "missing"},
		"duplicate id":       {changed(func(j map[string]any) { vocab(j)["zzzz"] = 5 }), "two tokens"},
		"negative id":        {changed(func(j map[string]any) { vocab(j)["zzzz"] = -1 }), "id"},
		"fractional id":      {changed(func(j map[string]any) { vocab(j)["zzzz"] = 1.5 }), "integer"},
		"id as text":         {changed(func(j map[string]any) { vocab(j)["zzzz"] = "7" }), "id"},
		"huge id":            {changed(func(j map[string]any) { vocab(j)["zzzz"] = 4e9 }), "id"},
		"far id":             {changed(func(j map[string]any) { vocab(j)["zzzz"] = 2_000_000 }), "outside the vocabulary"},
		"byte missing":       {changed(func(j map[string]any) { delete(vocab(j), "A") }), "'A'"},
		"merge of unknown":   {changed(func(j map[string]any) { model(j)["merges"] = append(merges(j), []any{"nope", "a"}) }), "not in the vocabulary"},
		"merge to unknown":   {changed(func(j map[string]any) { model(j)["merges"] = append(merges(j), []any{"Z", "Z"}) }), "not in the vocabulary"},
		"merge of nothing": {changed(func(j map[string]any) {
			vocab(j)[""] = 5000
			model(j)["merges"] = append(merges(j), []any{"", "a"})
		}), "empty part"},
		"merge of three":       {changed(func(j map[string]any) { model(j)["merges"] = append(merges(j), []any{"a", "b", "c"}) }), "pair"},
		"merge of one":         {changed(func(j map[string]any) { model(j)["merges"] = append(merges(j), "ab") }), "pair"},
		"merge of three words": {changed(func(j map[string]any) { model(j)["merges"] = append(merges(j), "a b c") }), "pair"},
		"merges of numbers":    {changed(func(j map[string]any) { model(j)["merges"] = []any{1, 2} }), "expected"},
		"WordPiece":            {changed(func(j map[string]any) { model(j)["type"] = "WordPiece" }), "WordPiece"},
		"dropout":              {changed(func(j map[string]any) { model(j)["dropout"] = 0.1 }), "dropout"},
		"byte fallback":        {changed(func(j map[string]any) { model(j)["byte_fallback"] = true }), "byte_fallback"},
		"subword prefix":       {changed(func(j map[string]any) { model(j)["continuing_subword_prefix"] = "##" }), "prefix"},
		"unk unknown":          {changed(func(j map[string]any) { model(j)["unk_token"] = "nope" }), "nope"},
		"other normalizer":     {changed(func(j map[string]any) { j["normalizer"] = map[string]any{"type": "Lowercase"} }), "Lowercase"},
		"other pre-tokenizer":  {changed(func(j map[string]any) { j["pre_tokenizer"] = map[string]any{"type": "Metaspace"} }), "Metaspace"},
		"other regex": {changed(func(j map[string]any) {
			j["pre_tokenizer"].(map[string]any)["pretokenizers"].([]any)[0].(map[string]any)["pattern"] = map[string]any{"Regex": `(a+)+$`}
		}), `(a+)+$`},
		"other behaviour": {changed(func(j map[string]any) {
			j["pre_tokenizer"].(map[string]any)["pretokenizers"].([]any)[0].(map[string]any)["behavior"] = "Removed"
		}), "Removed"},
		"prefix space": {changed(func(j map[string]any) {
			j["pre_tokenizer"] = map[string]any{"type": "ByteLevel", "add_prefix_space": true}
		}), "add_prefix_space"},
		"prefix space default": {changed(func(j map[string]any) { j["pre_tokenizer"] = map[string]any{"type": "ByteLevel"} }), "add_prefix_space"},
		"other post-processor": {changed(func(j map[string]any) { j["post_processor"] = map[string]any{"type": "BertProcessing"} }), "BertProcessing"},
		"other decoder":        {changed(func(j map[string]any) { j["decoder"] = map[string]any{"type": "WordPiece"} }), "WordPiece"},
		"added token's id taken": {changed(func(j map[string]any) {
			addToken(j, map[string]any{"id": 5, "content": "<|x|>", "special": true})
		}), "two tokens"},
		"added token with another id": {changed(func(j map[string]any) {
			addToken(j, map[string]any{"id": 5000, "content": "a", "special": false})
		}), "in the vocabulary"},
		"added token twice": {changed(func(j map[string]any) {
			addToken(j, map[string]any{"id": 900, "content": "<|x|>"})
			addToken(j, map[string]any{"id": 901, "content": "<|x|>"})
		}), "twice"},
		"added token without content": {changed(func(j map[string]any) { addToken(j, map[string]any{"id": 900}) }), "added_tokens"},
		"empty added token":           {changed(func(j map[string]any) { addToken(j, map[string]any{"id": 900, "content": ""}) }), "added_tokens"},
		"long added token": {changed(func(j map[string]any) {
			addToken(j, map[string]any{"id": 900, "content": strings.Repeat("x", 5000)})
		}), "added_tokens"},
	} {
		_, err := Parse(c.data)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; %q expected in it", name, err, c.want)
		}
	}
}

// TestTruncatedFile: no beginning of a good file is a good file.
func TestTruncatedFile(t *testing.T) {
	good := bytes.TrimSpace(variant(t, "added token flags"))
	for n := 0; n < len(good); n += 1 + n%97 {
		if _, err := Parse(good[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are accepted", n, len(good))
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokenizer.json")
	check := func(name, hint string) {
		t.Helper()
		for _, p := range []string{dir, path} {
			_, err := Load(p)
			var e *proto.Error
			if !errors.As(err, &e) || e.Code != proto.CodeModel || e.File != path || !strings.Contains(e.Hint, hint) {
				t.Errorf("%s: %#v", name, err)
			}
		}
	}
	check("missing", "again")
	write := func(data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte(`{"model": {`))
	check("truncated", "again")
	write(edit(t, variant(t, "llama3"), func(j map[string]any) { j["normalizer"] = map[string]any{"type": "NFKC"} }))
	check("unsupported", "not supported")
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	check("too large", "again")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a folder is accepted as a file")
	}
}

func TestModelSmallerThanTokenizer(t *testing.T) {
	tok := qwen(t)
	if err := tok.Check(tok.Size()); err != nil {
		t.Error(err)
	}
	if err := tok.Check(151936); err != nil { // Qwen3 pads its embedding
		t.Error(err)
	}
	if err := tok.Check(tok.Size() - 1); err == nil {
		t.Error("an id without embedding row is accepted")
	}
}

// smallVocab holds the least that a tokenizer may.
func smallVocab() string {
	ids := map[string]int{"ll": 97, "llo": 98, surface("\n"): 96}
	for b := ' '; b <= '~'; b++ {
		ids[surface(string(b))] = int(b - ' ')
	}
	data, err := json.Marshal(ids)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func FuzzParse(f *testing.F) {
	for _, tail := range []string{
		`"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"},"normalizer":{"type":"NFC"}`,
		`"added_tokens":[{"id":100,"content":"<|im_end|>","special":true},{"id":101,"content":" w","lstrip":true,"rstrip":true,"single_word":true}],` +
			`"decoder":{"type":"ByteLevel"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false}]}`,
	} {
		f.Add([]byte(`{"model":{"type":"BPE","unk_token":"a","vocab":` + smallVocab() + `,"merges":["l l",["ll","o"]]},` + tail + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse(data)
		if err != nil {
			return
		}
		for _, special := range []bool{true, false} {
			for _, id := range tok.Encode("Hello <|im_end|> wörld\n\n  123 天 \xff", special) {
				if id < 0 || id >= tok.Size() || tok.TokenBytes(id) == nil {
					t.Fatalf("id %d of %d", id, tok.Size())
				}
			}
		}
	})
}
