package tokenizer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"qwill/engine/proto"
)

// Limits of what a tokenizer file may hold.
const (
	maxFile  = 128 << 20 // bytes
	maxID    = 1<<21 - 1
	maxToken = 64 << 10 // bytes of one token in the file
)

// Load reads a tokenizer.json; path is the file or its folder. A file that is
// damaged, too large or uses what Qwill does not know gives a *proto.Error
// that names the file and the component.
func Load(path string) (*Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	data, err := readLimited(path)
	if err != nil {
		return nil, loadError(path, err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, loadError(path, err)
	}
	return t, nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%d MB is more than a tokenizer can be (%d MB)", info.Size()>>20, maxFile>>20)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	return data, nil
}

func loadError(path string, err error) error {
	e := &proto.Error{Code: proto.CodeModel, Message: "cannot read the tokenizer: " + err.Error()}
	e.File = path
	e.Hint = "import or download the model again"
	var unsupported *unsupportedError
	var pathErr *os.PathError
	switch {
	case errors.As(err, &unsupported):
		e.Field = unsupported.field
		e.Hint = "this model's tokenizer is not supported yet"
	case errors.As(err, &pathErr):
		e.Message = "cannot read the tokenizer: " + pathErr.Err.Error()
	}
	return e
}

// unsupportedError names a component that Qwill does not implement.
type unsupportedError struct{ field, what string }

func (e *unsupportedError) Error() string { return e.field + ": " + e.what + " is not supported" }

func unsupported(field, format string, args ...any) error {
	return &unsupportedError{field, fmt.Sprintf(format, args...)}
}

// Parse reads the contents of a tokenizer.json.
func Parse(data []byte) (*Tokenizer, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%d MB is more than a tokenizer can be (%d MB)", len(data)>>20, maxFile>>20)
	}
	p := parser{
		r: reader{b: data},
		t: &Tokenizer{unk: -1, added: newAddedTokens(nil)},
	}
	if err := p.file(); err != nil {
		return nil, err
	}
	return p.t, p.finish()
}

// parser fills a Tokenizer.
type parser struct {
	r      reader
	t      *Tokenizer
	seen   map[string]bool
	added  []addedToken
	model  modelFields
	merges int // offset of the merges in the file, 0: none
	vocab  bool
}

// modelFields are the small fields of "model".
type modelFields struct {
	Type     string   `json:"type"`
	Dropout  *float64 `json:"dropout"`
	Unk      *string  `json:"unk_token"`
	Prefix   *string  `json:"continuing_subword_prefix"`
	Suffix   *string  `json:"end_of_word_suffix"`
	FuseUnk  bool     `json:"fuse_unk"`
	Fallback bool     `json:"byte_fallback"`
	Whole    bool     `json:"ignore_merges"`
}

// component is a normalizer, pre-tokenizer, post-processor or decoder.
type component struct {
	Type           string      `json:"type"`
	Normalizers    []component `json:"normalizers"`
	Pretokenizers  []component `json:"pretokenizers"`
	Processors     []component `json:"processors"`
	Decoders       []component `json:"decoders"`
	AddPrefixSpace *bool       `json:"add_prefix_space"`
	UseRegex       *bool       `json:"use_regex"`
	Individual     bool        `json:"individual_digits"`
	Behavior       string      `json:"behavior"`
	Invert         bool        `json:"invert"`
	Pattern        struct {
		Regex  *string `json:"Regex"`
		String *string `json:"String"`
	} `json:"pattern"`
}

func (p *parser) file() error {
	p.seen = map[string]bool{}
	err := p.r.object(func(k []byte) error {
		key := string(k)
		if p.seen[key] {
			return fmt.Errorf("%q appears twice", key)
		}
		p.seen[key] = true
		switch key {
		case "added_tokens":
			return p.addedTokens()
		case "model":
			return p.readModel()
		case "normalizer", "pre_tokenizer", "post_processor", "decoder":
			var c *component
			if err := p.r.decode(&c); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			return p.component(key, c)
		default: // version, truncation, padding: not for inference
			_, err := p.r.skip(0)
			return err
		}
	})
	if err != nil {
		return err
	}
	if p.r.peek() != 0 {
		return p.r.fail("nothing after the closing brace")
	}
	return nil
}

func (p *parser) component(key string, c *component) error {
	if c == nil {
		return nil
	}
	switch key {
	case "normalizer":
		return p.normalizer(*c)
	case "pre_tokenizer":
		return p.pretokenizer(*c)
	case "post_processor":
		return p.postprocessor(*c)
	}
	return p.decoder(*c)
}

func (p *parser) normalizer(c component) error {
	switch c.Type {
	case "NFC":
		p.t.nfc = true
	case "Sequence":
		for _, n := range c.Normalizers {
			if n.Type == "Sequence" {
				return unsupported("normalizer", "a sequence in a sequence")
			}
			if err := p.normalizer(n); err != nil {
				return err
			}
		}
	default:
		return unsupported("normalizer", "%q", c.Type)
	}
	return nil
}

func (p *parser) pretokenizer(c component) error {
	stages := []component{c}
	if c.Type == "Sequence" {
		stages = c.Pretokenizers
	}
	bytes := false
	for _, s := range stages {
		if bytes {
			return unsupported("pre_tokenizer", "%q after ByteLevel", s.Type)
		}
		switch s.Type {
		case "Split":
			if s.Pattern.Regex == nil {
				return unsupported("pre_tokenizer", "a Split without a regular expression")
			}
			f, ok := patterns[*s.Pattern.Regex]
			if !ok {
				return unsupported("pre_tokenizer", "the regular expression %.200q", *s.Pattern.Regex)
			}
			if s.Behavior != "Isolated" || s.Invert {
				return unsupported("pre_tokenizer", "Split with behavior %q, invert %v", s.Behavior, s.Invert)
			}
			p.t.split = append(p.t.split, f)
		case "Digits":
			p.t.split = append(p.t.split, splitDigits(s.Individual))
		case "ByteLevel":
			// Absent fields have the reference's defaults: both true.
			if s.AddPrefixSpace == nil || *s.AddPrefixSpace {
				return unsupported("pre_tokenizer", "ByteLevel with add_prefix_space")
			}
			if s.UseRegex == nil || *s.UseRegex {
				p.t.split = append(p.t.split, splitGPT2)
			}
			bytes = true
		default:
			return unsupported("pre_tokenizer", "%q", s.Type)
		}
	}
	if !bytes {
		return unsupported("pre_tokenizer", "a tokenizer without ByteLevel")
	}
	return nil
}

// postprocessor accepts what only adds tokens around a text, which chat
// templates write themselves.
func (p *parser) postprocessor(c component) error {
	switch c.Type {
	case "ByteLevel", "TemplateProcessing":
		return nil
	case "Sequence":
		for _, s := range c.Processors {
			if s.Type != "ByteLevel" && s.Type != "TemplateProcessing" {
				return unsupported("post_processor", "%q", s.Type)
			}
		}
		return nil
	}
	return unsupported("post_processor", "%q", c.Type)
}

func (p *parser) decoder(c component) error {
	if c.Type != "ByteLevel" {
		return unsupported("decoder", "%q", c.Type)
	}
	return nil
}

func (p *parser) addedTokens() error {
	return p.r.array(func() error {
		var a struct {
			ID         *int32  `json:"id"`
			Content    *string `json:"content"`
			SingleWord bool    `json:"single_word"`
			LStrip     bool    `json:"lstrip"`
			RStrip     bool    `json:"rstrip"`
			Normalized *bool   `json:"normalized"`
			Special    bool    `json:"special"`
		}
		if err := p.r.decode(&a); err != nil {
			return fmt.Errorf("added_tokens: %w", err)
		}
		if a.ID == nil || a.Content == nil || *a.ID < 0 || *a.ID > maxID {
			return errors.New("added_tokens: an entry without a valid id and content")
		}
		if n := len(*a.Content); n == 0 || n > maxAddedLen {
			return fmt.Errorf("added_tokens: the content of id %d has %d bytes", *a.ID, n)
		}
		if len(p.added) >= 1<<16 {
			return errors.New("added_tokens: more than 65,536 entries")
		}
		p.added = append(p.added, addedToken{
			id: *a.ID, content: *a.Content, special: a.Special, lstrip: a.LStrip, rstrip: a.RStrip,
			singleWord: a.SingleWord, normalized: a.Normalized == nil && !a.Special || a.Normalized != nil && *a.Normalized,
		})
		return nil
	})
}

func (p *parser) readModel() error {
	var small []byte
	err := p.r.object(func(k []byte) error {
		switch key := string(k); key {
		case "vocab":
			if p.vocab {
				return errors.New(`model: "vocab" appears twice`)
			}
			p.vocab = true
			return p.readVocab()
		case "merges":
			if p.merges != 0 {
				return errors.New(`model: "merges" appears twice`)
			}
			// The vocabulary may come later: read the merges at the end.
			p.r.space()
			p.merges = p.r.i
			_, err := p.r.skip(0)
			return err
		default:
			raw, err := p.r.skip(0)
			if err != nil {
				return err
			}
			if len(raw) > 4096 {
				return fmt.Errorf("model: %.40q is too long", key)
			}
			if len(small) < 1<<16 {
				small = append(small, ',')
				small = fmt.Appendf(small, "%q:", key)
				small = append(small, raw...)
			}
			return nil
		}
	})
	if err != nil {
		return err
	}
	if len(small) > 0 {
		small[0] = '{'
		r := reader{b: append(small, '}')}
		if err := r.decode(&p.model); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	m := p.model
	switch {
	case m.Type != "BPE":
		return unsupported("model", "type %q", m.Type)
	case m.Dropout != nil && *m.Dropout != 0:
		return unsupported("model", "dropout")
	case m.Prefix != nil && *m.Prefix != "" || m.Suffix != nil && *m.Suffix != "":
		return unsupported("model", "a subword prefix or suffix")
	case m.Fallback:
		return unsupported("model", "byte_fallback")
	case !p.vocab || p.merges == 0:
		return errors.New("model: vocab or merges are missing")
	}
	p.t.whole, p.t.fuseUnk = m.Whole, m.FuseUnk
	return nil
}

func (p *parser) readVocab() error {
	t := p.t
	t.vocab = make(map[string]int32, len(p.r.b)/64)
	var raw []byte
	err := p.r.object(func(key []byte) error {
		if len(key) > maxToken {
			return fmt.Errorf("vocab: a token of %d bytes", len(key))
		}
		name := string(key)
		id, err := p.r.id()
		if err != nil {
			return fmt.Errorf("vocab: %.60q: %w", name, err)
		}
		n := len(t.vocab)
		t.vocab[name] = id
		if len(t.vocab) == n {
			return fmt.Errorf("vocab: %.60q appears twice", name)
		}
		raw = unsurface(raw[:0], name)
		return p.define(id, string(raw), name)
	})
	if err != nil {
		return err
	}
	if len(t.vocab) == 0 {
		return errors.New("vocab: empty")
	}
	return nil
}

// define gives an id its bytes.
func (p *parser) define(id int32, bytes, name string) error {
	t := p.t
	for int(id) >= len(t.bytes) {
		t.bytes = append(t.bytes, "")
		t.used = append(t.used, false)
		if int(id) >= len(t.bytes) && cap(t.bytes) <= int(id) {
			t.bytes = append(make([]string, 0, int(id)+1+int(id)/4), t.bytes...)
		}
	}
	if t.used[id] {
		return fmt.Errorf("id %d belongs to two tokens (the second is %.60q)", id, name)
	}
	t.used[id], t.bytes[id] = true, bytes
	return nil
}

// finish checks everything that needs the whole file.
func (p *parser) finish() error {
	t := p.t
	for _, need := range []string{"model", "pre_tokenizer", "decoder"} {
		if !p.seen[need] {
			return fmt.Errorf("%q is missing", need)
		}
	}
	if len(t.split) == 0 {
		return unsupported("pre_tokenizer", "a tokenizer without one")
	}
	if err := p.finishAdded(); err != nil {
		return err
	}
	// Ids may have gaps, but a stray huge one would cost memory everywhere.
	if limit := 2*(len(t.vocab)+len(p.added)) + 4096; len(t.bytes) > limit {
		return fmt.Errorf("id %d is far outside the vocabulary of %d tokens", len(t.bytes)-1, len(t.vocab))
	}
	for b := range 256 {
		t.byteID[b] = -1
		if id, ok := t.vocab[string(byteToRune[b])]; ok {
			t.byteID[b] = id
		} else if b == '\n' || b >= ' ' && b <= '~' {
			return fmt.Errorf("vocab: no token for the character %q", rune(b))
		}
	}
	if p.model.Unk != nil {
		id, ok := t.ID(*p.model.Unk)
		if !ok {
			return fmt.Errorf("model: unk_token %.60q is not in the vocabulary", *p.model.Unk)
		}
		// A control token must not appear because of a strange byte in a text.
		if !t.IsSpecial(id) {
			t.unk = int32(id)
		}
	}
	return p.readMerges()
}

func (p *parser) finishAdded() error {
	t := p.t
	contents := make(map[string]bool, len(p.added))
	for _, a := range p.added {
		if contents[a.content] {
			return fmt.Errorf("added_tokens: %.60q appears twice", a.content)
		}
		contents[a.content] = true
		if id, ok := t.vocab[a.content]; ok {
			if id != a.id {
				return fmt.Errorf("added_tokens: %.60q has id %d, but %d in the vocabulary", a.content, a.id, id)
			}
			t.bytes[id] = a.content
			continue
		}
		if err := p.define(a.id, a.content, a.content); err != nil {
			return fmt.Errorf("added_tokens: %w", err)
		}
	}
	t.special = make([]bool, len(t.bytes))
	for _, a := range p.added {
		t.special[a.id] = a.special
	}
	t.added = newAddedTokens(p.added)
	return nil
}

func (p *parser) readMerges() error {
	t := p.t
	isAdded := make([]bool, len(t.bytes))
	for _, a := range p.added {
		isAdded[a.id] = true
	}
	t.merges = newMergeTable(len(t.vocab))
	r := reader{b: p.r.b, i: p.merges}
	rank := int32(0)
	var joined []byte
	add := func(left, right int32, l, r int) error {
		result, ok := t.vocab[string(joined)]
		if !ok {
			return fmt.Errorf("merges: the result of merge %d (%.60q) is not in the vocabulary", rank, joined)
		}
		if l == 0 || r == 0 {
			return fmt.Errorf("merges: merge %d has an empty part", rank)
		}
		// Ordinary text must not grow into an added token.
		if !isAdded[result] {
			if 4*t.merges.n >= 3*len(t.merges.keys) {
				t.merges = t.merges.grown()
			}
			t.merges.put(left, right, rank, result)
		}
		rank++
		return nil
	}
	part := func(s []byte) (int32, error) {
		id, ok := t.vocab[string(s)]
		if !ok {
			return 0, fmt.Errorf("merges: %.60q of merge %d is not in the vocabulary", s, rank)
		}
		return id, nil
	}
	return r.array(func() error {
		if rank >= maxID {
			return errors.New("merges: too many")
		}
		var ids [2]int32
		var err error
		if r.peek() == '"' { // "left right"
			s, err := r.string()
			if err != nil {
				return err
			}
			cut := -1
			for i, c := range s {
				if c == ' ' {
					if cut >= 0 {
						return fmt.Errorf("merges: merge %d is not a pair", rank)
					}
					cut = i
				}
			}
			if cut < 0 {
				return fmt.Errorf("merges: merge %d is not a pair", rank)
			}
			if ids[0], err = part(s[:cut]); err != nil {
				return err
			}
			if ids[1], err = part(s[cut+1:]); err != nil {
				return err
			}
			joined = append(append(joined[:0], s[:cut]...), s[cut+1:]...)
			return add(ids[0], ids[1], cut, len(s)-cut-1)
		}
		joined = joined[:0]
		var n int
		var lens [2]int
		err = r.array(func() error {
			s, err := r.string()
			if err != nil {
				return err
			}
			if n < 2 {
				if ids[n], err = part(s); err != nil {
					return err
				}
				lens[n] = len(s)
				joined = append(joined, s...)
			}
			n++
			return nil
		})
		if err != nil {
			return err
		}
		if n != 2 {
			return fmt.Errorf("merges: merge %d is not a pair", rank)
		}
		return add(ids[0], ids[1], lens[0], lens[1])
	})
}
