package worker

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"qwill/engine/generate"

	"qwill/engine/mlx"
	"qwill/engine/prefix"
	"qwill/engine/proto"
	"qwill/engine/reasoning"
	"qwill/engine/schema"
	"qwill/engine/template"
	"qwill/engine/tokenizer"
)

// model is an open model.
type model struct {
	info      proto.ModelInfo
	gen       *generate.Model
	tokenizer *tokenizer.Tokenizer
	template  *template.Template
	config    generate.Config
	forms     *forms
	free      func() // on the MLX thread

	users sync.WaitGroup // requests under way; added to under Worker.mu
}

// Prefix caches kept for one model.
const (
	keepSequences = 4
	keepShare     = 8 // of the machine's memory, at most 1/8
)

// notOpen tells the parent to open the model, which it does by itself.
func notOpen(path string) error {
	return &proto.Error{Code: proto.CodeNotOpen, Message: "the model is not open", ErrorData: proto.ErrorData{File: path}}
}

// use finds an open model and counts one more user of it.
func (w *Worker) use(k modelKey) (*model, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.models[k]
	if m == nil {
		return nil, notOpen(k.path)
	}
	m.users.Add(1)
	return m, nil
}

// open loads a model, one at a time.
func (w *Worker) open(p proto.OpenParams) (proto.ModelInfo, error) {
	p.Path = filepath.Clean(p.Path)
	if e := p.Validate(); e != nil {
		return proto.ModelInfo{}, e
	}
	w.opening.Lock()
	defer w.opening.Unlock()
	k := modelKey{p.Path, p.Mode}
	w.mu.Lock()
	m := w.models[k]
	w.mu.Unlock()
	if m != nil {
		return m.info, nil
	}
	started := time.Now()
	m, err := w.load(p)
	if err != nil {
		return proto.ModelInfo{}, err
	}
	m.info.LoadMillis = time.Since(started).Milliseconds()
	w.mu.Lock()
	w.models[k] = m
	w.mu.Unlock()
	w.log.Info("model open", "architecture", m.info.Architecture, "quantization", m.info.Quantization,
		"bytes", m.info.WeightBytes, "ms", m.info.LoadMillis)
	return m.info, nil
}

// load reads everything the folder holds. Text parts come first: they are quick
// to check.
func (w *Worker) load(p proto.OpenParams) (*model, error) {
	tok, err := tokenizer.Load(filepath.Join(p.Path, "tokenizer.json"))
	if err != nil {
		return nil, modelError(filepath.Join(p.Path, "tokenizer.json"), err)
	}
	tmpl, err := template.Load(p.Path, tok)
	if err != nil {
		return nil, err
	}
	config, err := generate.LoadConfig(p.Path)
	if err != nil {
		return nil, err
	}
	ends, err := generate.EOS(p.Path, config, tok)
	if err != nil {
		return nil, err
	}
	n, err := w.loadNetwork(p, func(done, total int64) {
		w.notify(proto.NotifyLoad, proto.LoadProgress{Path: p.Path, Done: done, Total: total})
	})
	if err != nil {
		return nil, err
	}
	if err := tok.Check(n.info.Vocabulary); err != nil {
		_ = w.thread.Do(func() error { n.free(); return nil })
		return nil, modelError(filepath.Join(p.Path, "tokenizer.json"), err)
	}
	n.info.Path, n.info.Mode, n.info.CanThink = p.Path, p.Mode, tmpl.CanThink
	m := &model{info: n.info, tokenizer: tok, template: tmpl, config: config}
	m.gen = &generate.Model{
		Thread: w.thread, Net: n.net, Tokens: tok, Sampler: w.sampler(n.info.Vocabulary),
		Decoder: func() generate.Decoder { return tok.Detokenizer() },
		EOS:     ends, Context: n.info.Context, Vocabulary: n.info.Vocabulary,
		Chunk: generate.ChunkFor(n.info.Parameters, mlx.OnGPU()),
		Prefixes: &prefix.Store[generate.Cache]{New: n.net.NewCache, Fork: n.fork, MaxCount: keepSequences,
			MaxBytes: max(256<<20, physicalMemory()/keepShare)},
	}
	m.forms = newForms(m)
	m.free = func() {
		m.gen.Prefixes.Clear()
		n.free()
		mlx.ClearCache()
	}
	return m, nil
}

// modelError says which file is at fault, unless err does already.
func modelError(file string, err error) error {
	if e, ok := err.(*proto.Error); ok {
		return e
	}
	return &proto.Error{Code: proto.CodeModel, Message: err.Error(), ErrorData: proto.ErrorData{File: file, Hint: "fetch the model again"}}
}

// close unloads a model once its generations have ended. Closing what is not
// open is no error.
func (w *Worker) close(p proto.CloseParams) (*none, error) {
	k := modelKey{filepath.Clean(p.Path), p.Mode}
	w.mu.Lock()
	m := w.models[k]
	delete(w.models, k)
	w.mu.Unlock()
	if m == nil {
		return nil, nil
	}
	m.users.Wait()
	return nil, w.thread.Do(func() error { m.free(); return nil })
}

// request makes the tokens of p; it does not touch MLX.
func (m *model) request(p proto.GenerateParams, emit func(proto.Event)) (generate.Request, error) {
	r := generate.Request{ID: p.ID, Priority: p.Prior, MaxTokens: p.MaxTokens, Stop: p.Stop, Logprobs: p.Logprobs, Echo: p.Echo,
		IgnoreEOS: p.IgnoreEOS, NoCache: p.NoCache, Lookup: p.Lookup, Emit: emit}
	var err error
	thinking, begun := schema.None, ""
	switch {
	case len(p.Messages) > 0:
		var prompt []template.Segment
		if p.Continue {
			r.Prompt, r.Split, err = m.resume(p.Messages, p.Thinking)
			if begun = p.Messages[len(p.Messages)-1].Content; begun == "" {
				thinking = schema.Inside
			}
			break
		}
		prompt, r.Prompt, err = m.render(p.Messages, p.Thinking)
		opened := template.EndsInThinking(prompt)
		r.Split = reasoning.New(opened)
		switch {
		case opened:
			thinking = schema.Inside
		case p.Thinking && m.info.CanThink:
			thinking = schema.Maybe
		case p.Format != nil: // nothing but the answer comes
			r.Split = reasoning.Resume(false)
		}
	case p.Text != "":
		r.Prompt = m.tokenizer.Encode(p.Text, false)
	default:
		r.Prompt = p.Prompt
		for _, id := range p.Prompt {
			if id >= m.info.Vocabulary {
				err = &proto.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf("prompt holds the token %d, the model has %d", id, m.info.Vocabulary),
					ErrorData: proto.ErrorData{Field: "prompt"}}
				break
			}
		}
	}
	if err == nil && p.Format != nil {
		r.Form, err = m.form(*p.Format, thinking, begun)
	}
	r.Settings = generate.Decide(p.Sampling, m.config, m.info.Architecture, p.Thinking && m.info.CanThink, drawSeed)
	return r, err
}

// fit refuses a prompt whose keys and values do not fit the machine's memory
// beside the weights, and bounds the reply so that it does. A machine of unknown
// memory holds all.
func fit(r *generate.Request, memory, weights, perToken int64) error {
	if memory <= 0 || perToken <= 0 {
		return nil
	}
	room := max(0, memory-memory/10-weights) / perToken // tokens
	need := int64(len(r.Prompt)) + 1
	if need > room {
		return &proto.Error{Code: proto.CodeMemory,
			Message: fmt.Sprintf("the prompt's %d tokens need %.1f GiB of memory beside the model; there is room for %d tokens",
				len(r.Prompt), float64(need*perToken)/(1<<30), room),
			ErrorData: proto.ErrorData{Field: "messages", Hint: "shorten the text, or choose a smaller model"}}
	}
	if most := int(min(room-need+1, 1<<30)); r.MaxTokens == 0 || r.MaxTokens > most {
		r.MaxTokens = most
	}
	return nil
}

// drawSeed gives a seed that survives a JSON reader that knows only doubles.
func drawSeed() uint64 { return rand.Uint64() >> 11 }

func (m *model) render(messages []proto.Message, thinking bool) ([]template.Segment, []int, error) {
	prompt, err := m.template.Render(messages, template.Options{Thinking: thinking, AddGenerationPrompt: true})
	if err != nil {
		return nil, nil, err
	}
	return prompt, m.tokenizer.EncodeSegments(prompt), nil
}

// resume gives a prompt that ends inside the last message, an assistant's, and
// what parts the text that follows. A message with content has left its
// thinking; one without is still in it.
func (m *model) resume(messages []proto.Message, thinking bool) ([]int, *reasoning.Splitter, error) {
	last := messages[len(messages)-1]
	if last.Content != "" {
		prompt, err := m.template.Render(messages, template.Options{Thinking: thinking, ContinueAssistant: true})
		if err != nil {
			return nil, nil, err
		}
		return m.tokenizer.EncodeSegments(prompt), reasoning.Resume(false), nil
	}
	prompt, err := m.template.Render(messages[:len(messages)-1], template.Options{Thinking: true, AddGenerationPrompt: true})
	if err != nil {
		return nil, nil, err
	}
	if !template.EndsInThinking(prompt) {
		prompt = append(prompt, template.Segment{Text: reasoning.Open + "\n", Trusted: true})
	}
	prompt = append(prompt, template.Segment{Text: last.Reasoning})
	return m.tokenizer.EncodeSegments(prompt), reasoning.Resume(true), nil
}

func (w *Worker) tokenize(p proto.TokenizeParams) (proto.TokenizeResult, error) {
	path := filepath.Clean(p.Path)
	w.mu.Lock()
	var m *model
	for k, v := range w.models { // all modes have one tokenizer
		if k.path == path {
			m = v
		}
	}
	w.mu.Unlock()
	if m == nil {
		return proto.TokenizeResult{}, notOpen(p.Path)
	}
	if len(p.Messages) == 0 {
		return proto.TokenizeResult{IDs: m.tokenizer.Encode(p.Text, false)}, nil
	}
	_, ids, err := m.render(p.Messages, p.Thinking)
	return proto.TokenizeResult{IDs: ids}, err
}
