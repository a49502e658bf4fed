package gguf

import (
	"fmt"
	"strings"
)

// Kinds of tokens, GGUF's numbers.
const (
	tokenNormal = iota + 1
	tokenUnknown
	tokenControl
	tokenUser
	tokenUnused
	tokenByte
)

// Regular expressions of the pre-tokenizers, as the models' own tokenizer.json
// files have them.
const (
	regexQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	regexLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

func byteLevel(regex bool) object {
	return object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex}
}

func split(regex string) object {
	return object{"type": "Sequence", "pretokenizers": []object{
		{"type": "Split", "pattern": object{"Regex": regex}, "behavior": "Isolated", "invert": false},
		byteLevel(false),
	}}
}

// pretokenizers by the names that GGUF gives them.
var pretokenizers = map[string]struct {
	pre   object
	nfc   bool
	whole bool // a piece that is a token as it stands is taken without merges
}{
	"gpt-2": {pre: byteLevel(true)},
	"smollm": {pre: object{"type": "Sequence", "pretokenizers": []object{
		{"type": "Digits", "individual_digits": true}, byteLevel(true),
	}}},
	"qwen2":     {pre: split(regexQwen2), nfc: true},
	"llama-bpe": {pre: split(regexLlama3), whole: true},
	"llama3":    {pre: split(regexLlama3), whole: true},
	"llama-v3":  {pre: split(regexLlama3), whole: true},
}

// tokenizer rebuilds tokenizer.json and tokenizer_config.json; vocab is the
// rows of the embedding.
func (m *meta) tokenizer(vocab int64) (tokenizer, config object) {
	const (
		modelKey  = "tokenizer.ggml.model"
		preKey    = "tokenizer.ggml.pre"
		tokensKey = "tokenizer.ggml.tokens"
		typesKey  = "tokenizer.ggml.token_type"
		mergesKey = "tokenizer.ggml.merges"
	)
	if kind := m.text(modelKey); m.err == nil && kind != "gpt2" {
		m.fail(modelKey, "the tokenizer %.40q is not supported: \"gpt2\" (byte-level BPE) is", kind)
	}
	name := m.text(preKey)
	pre, ok := pretokenizers[name]
	if m.err == nil && !ok {
		m.fail(preKey, "the pre-tokenizer %.40q is not supported: gpt-2, smollm, qwen2 and llama-bpe are", name)
	}
	tokens, ok1 := m.m[tokensKey].([]string)
	types, ok2 := m.m[typesKey].([]int64)
	merges, ok3 := m.m[mergesKey].([]string)
	switch {
	case !ok1 || len(tokens) == 0 || int64(len(tokens)) > vocab:
		m.fail(tokensKey, "%d tokens for an embedding of %d rows", len(tokens), vocab)
	case !ok2 || len(types) != len(tokens):
		m.fail(typesKey, "%d types for %d tokens", len(types), len(tokens))
	case !ok3:
		m.fail(mergesKey, "%s where a list of merges is wanted", kindOf(m.m[mergesKey]))
	}
	if m.err != nil {
		return nil, nil
	}
	ids := make(map[string]int, len(tokens))
	var added []object
	for i, s := range tokens {
		switch types[i] {
		case tokenNormal:
		case tokenControl, tokenUnknown, tokenUser:
			added = append(added, object{
				"id": i, "content": s, "single_word": false, "lstrip": false, "rstrip": false,
				"normalized": false, "special": types[i] != tokenUser,
			})
		case tokenUnused:
			continue
		default:
			m.fail(typesKey, "token %d is of type %d, which byte-level BPE does not have", i, types[i])
		}
		if old, ok := ids[s]; ok {
			m.fail(tokensKey, "tokens %d and %d are both %.80q", old, i, s)
		}
		if s == "" {
			m.fail(tokensKey, "token %d is empty", i)
		}
		ids[s] = i
	}
	for i, s := range merges {
		a, b, found := strings.Cut(s, " ")
		if _, ok := ids[a+b]; !found || !ok || strings.Contains(b, " ") {
			m.fail(mergesKey, "merge %d, %.80q, does not make a token", i, s)
		}
	}
	if m.err != nil {
		return nil, nil
	}
	var normalizer any
	if pre.nfc {
		normalizer = object{"type": "NFC"}
	}
	tokenizer = object{
		"version": "1.0", "truncation": nil, "padding": nil,
		"added_tokens": added, "normalizer": normalizer, "pre_tokenizer": pre.pre,
		"post_processor": byteLevel(true), "decoder": byteLevel(true),
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": pre.whole,
			"vocab": ids, "merges": merges,
		},
	}
	config = object{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false, "add_prefix_space": false}
	for key, field := range map[string]string{
		"tokenizer.ggml.bos_token_id": "bos_token", "tokenizer.ggml.eos_token_id": "eos_token",
		"tokenizer.ggml.unknown_token_id": "unk_token", "tokenizer.ggml.padding_token_id": "pad_token",
	} {
		if m.has(key) {
			config[field] = tokens[m.integer(key, 0, int64(len(tokens))-1)]
		}
	}
	if m.has("tokenizer.ggml.add_bos_token") {
		add, ok := m.m["tokenizer.ggml.add_bos_token"].(bool)
		if !ok {
			m.fail("tokenizer.ggml.add_bos_token", "not a boolean")
		}
		config["add_bos_token"] = add
	}
	if m.has("tokenizer.chat_template") {
		config["chat_template"] = m.text("tokenizer.chat_template")
	}
	if key := m.arch + ".context_length"; m.has(key) {
		config["model_max_length"] = m.own("context_length", 1<<31)
	}
	return tokenizer, config
}

// generation is generation_config.json: where replies end.
func (m *meta) generation() object {
	g := object{}
	for key, field := range map[string]string{"tokenizer.ggml.bos_token_id": "bos_token_id", "tokenizer.ggml.padding_token_id": "pad_token_id"} {
		if m.has(key) {
			g[field] = m.integer(key, 0, limit)
		}
	}
	var ends []int64
	for _, key := range []string{"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"} {
		if m.has(key) {
			id := m.integer(key, 0, limit)
			known := false
			for _, e := range ends {
				known = known || e == id
			}
			if !known {
				ends = append(ends, id)
			}
		}
	}
	if len(ends) > 0 {
		g["eos_token_id"] = ends
	}
	return g
}

// describe says what a file is, for people.
func (f *File) describe() string {
	name, _ := f.Metadata["general.name"].(string)
	arch, _ := f.Metadata["general.architecture"].(string)
	return fmt.Sprintf("%.200s (%.40s)", name, arch)
}
