package worker

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"qwill/engine/generate"
	"qwill/engine/proto"
	"qwill/engine/reasoning"
	"qwill/engine/schema"
	"qwill/engine/schema/mask"
)

// keepForms is how many formats a model keeps ready, with the masks that were
// found: the same few come again and again.
const keepForms = 16

// forms are the formats that were asked for of one model.
type forms struct {
	vocabulary func() (*mask.Vocabulary, error)

	mu   sync.Mutex
	kept []ready // the latest first
}

type ready struct {
	key     [32]byte
	program *mask.Program
}

// newForms prepares the vocabulary of a model when the first format comes: that
// takes a moment.
func newForms(m *model) *forms {
	return &forms{vocabulary: sync.OnceValues(func() (*mask.Vocabulary, error) {
		added := map[int]bool{}
		tags := map[string]int{}
		for _, s := range m.tokenizer.AddedTokens() {
			if id, ok := m.tokenizer.ID(s); ok {
				added[id] = true
				if s == reasoning.Open || s == reasoning.Close {
					tags[s] = id
				}
			}
		}
		var ends []int
		for id := range m.gen.EOS {
			ends = append(ends, id)
		}
		slices.Sort(ends)
		return mask.NewVocabulary(m.info.Vocabulary, func(id int) []byte {
			if added[id] || m.tokenizer.IsSpecial(id) {
				return nil
			}
			return m.tokenizer.TokenBytes(id)
		}, ends, tags)
	})}
}

// program makes a format ready, or finds it.
func (f *forms) program(p proto.Format, t schema.Thinking) (*mask.Program, error) {
	b, err := json.Marshal(struct {
		F proto.Format
		T schema.Thinking
	}{p, t})
	if err != nil {
		return nil, refused(p, err)
	}
	key := sha256.Sum256(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.kept, func(r ready) bool { return r.key == key })
	if i < 0 {
		v, err := f.vocabulary()
		if err != nil {
			return nil, &proto.Error{Code: proto.CodeModel, Message: err.Error(), ErrorData: proto.ErrorData{Field: "tokenizer.json"}}
		}
		g, err := schema.Compile(p, t)
		if err != nil {
			return nil, refused(p, err)
		}
		made, err := mask.Bind(g, v)
		if err != nil {
			return nil, refused(p, err)
		}
		f.kept = append(f.kept, ready{key, made})
		i = len(f.kept) - 1
	}
	r := f.kept[i]
	f.kept = slices.Insert(slices.Delete(f.kept, i, i+1), 0, r)
	f.kept = f.kept[:min(len(f.kept), keepForms)]
	return r.program, nil
}

// refused names the part of a format that cannot be had.
func refused(p proto.Format, err error) error {
	field := "format.grammar"
	switch {
	case len(p.JSONSchema) > 0:
		field = "format.json_schema"
	case p.Regex != "":
		field = "format.regex"
	}
	message := err.Error()
	if e, ok := errors.AsType[*schema.Error](err); ok {
		field += e.Path
		message = e.Error()
	}
	return &proto.Error{Code: proto.CodeInvalid, Message: "the answer's form cannot be kept: " + message, ErrorData: proto.ErrorData{Field: field}}
}

// form prepares what holds a reply to the request's format. thinking says what
// may stand before the answer, begun is the answer's text so far.
func (m *model) form(p proto.Format, thinking schema.Thinking, begun string) (*generate.Form, error) {
	program, err := m.forms.program(p, thinking)
	if err != nil {
		return nil, err
	}
	f := &generate.Form{Matcher: program.Matcher()}
	if !f.Matcher.Write(begun) {
		return nil, &proto.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf("the answer so far does not have the form: %.60q", begun),
			ErrorData: proto.ErrorData{Field: "messages"}}
	}
	if thinking == schema.Inside {
		begun = reasoning.Close
	}
	f.Complete = func(answer string) bool { return program.Accepts(begun + answer) }
	return f, nil
}
