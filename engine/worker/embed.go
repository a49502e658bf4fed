package worker

import (
	"fmt"
	"path/filepath"

	"qwill/engine/generate"
	"qwill/engine/proto"
)

// textEnd is the token whose hidden state stands for the whole text before it.
// Qwen3-Embedding's tokenizer puts it behind every text.
const textEnd = "<|endoftext|>"

// embed computes the vectors of some texts.
func (w *Worker) embed(p proto.EmbedParams) (proto.EmbedResult, error) {
	if e := p.Validate(); e != nil {
		return proto.EmbedResult{}, e
	}
	m, err := w.use(modelKey{filepath.Clean(p.Path), p.Mode})
	if err != nil {
		return proto.EmbedResult{}, err
	}
	defer m.users.Done()
	inputs, err := m.inputs(p)
	if err != nil {
		return proto.EmbedResult{}, err
	}
	for _, ids := range inputs {
		one := generate.Request{Prompt: ids}
		if err := fit(&one, physicalMemory(), w.weights(), m.info.KVBytesPerToken); err != nil {
			return proto.EmbedResult{}, err
		}
	}
	e, err := generate.NewEmbedding(m.gen, generate.EmbedRequest{Priority: p.Prior, Inputs: inputs, Dimensions: p.Dimensions})
	if err != nil {
		return proto.EmbedResult{}, err
	}
	if err := w.register(p.ID, e); err != nil {
		return proto.EmbedResult{}, err
	}
	defer w.unregister(p.ID)
	<-w.sched.submit(job{e, w, proto.MethodEmbed})
	return e.Result()
}

// inputs makes the token ids of p's inputs, each with its end.
func (m *model) inputs(p proto.EmbedParams) ([][]int, error) {
	end, ok := m.tokenizer.ID(textEnd)
	if !ok {
		return nil, &proto.Error{Code: proto.CodeModel, Message: "its tokenizer has no " + textEnd + ", which ends a text that is to be embedded",
			ErrorData: proto.ErrorData{File: m.info.Path, Hint: "choose an embedding model, such as Qwen3-Embedding"}}
	}
	var all [][]int
	for _, t := range p.Texts {
		all = append(all, m.tokenizer.Encode(t, false))
	}
	for _, ids := range p.Prompts {
		for _, id := range ids {
			if id >= m.info.Vocabulary {
				return nil, &proto.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf("input holds the token %d, the model has %d", id, m.info.Vocabulary),
					ErrorData: proto.ErrorData{Field: "input"}}
			}
		}
		all = append(all, ids)
	}
	for i, ids := range all {
		if n := len(ids); n == 0 || ids[n-1] != end {
			all[i] = append(ids[:n:n], end)
		}
	}
	return all, nil
}
