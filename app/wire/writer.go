package wire

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"sync"

	"qwill/app/api"
	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/events"
	"qwill/app/models"
	"qwill/app/serve"
	"qwill/app/settings"
	"qwill/app/write"
	"qwill/engine"
	"qwill/engine/proto"
)

// Writer runs the registry's commands with an installed model, ahead of a
// chat's reply.
type Writer struct {
	models   *models.Service
	settings *settings.Service
	serve    *serve.Server
	engine   *engine.Engine
	commands *command.Registry
	record   func(ctx context.Context, r api.WriteRequest, model, result string) // keeps a result, where its door keeps any

	trials *trials

	mu      sync.Mutex
	next    int
	running map[int]context.CancelFunc
}

// stopAll cancels all that runs.
func (w *Writer) stopAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, cancel := range w.running {
		cancel()
	}
}

// cancelled gives a context that stopAll ends too; done must be called.
func (w *Writer) cancelled(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == nil {
		w.running = map[int]context.CancelFunc{}
	}
	w.next++
	id := w.next
	w.running[id] = cancel
	return ctx, func() {
		w.mu.Lock()
		delete(w.running, id)
		w.mu.Unlock()
		cancel()
	}
}

func (w *Writer) request(r api.WriteRequest) (write.Request, error) {
	c, err := w.command(r)
	if err != nil {
		return write.Request{}, err
	}
	language := w.settings.Get().Language
	if language == "system" {
		language = cmp.Or(r.Language, command.SystemLanguage(os.Getenv))
	}
	return write.Request{Command: c, Text: r.Text, Instruction: r.Instruction, Options: r.Options, Language: language, Drafts: r.Drafts}, nil
}

// command finds the one that is asked for; Try is one that is not saved yet.
func (w *Writer) command(r api.WriteRequest) (command.Command, error) {
	if r.Try != nil {
		return r.Try.Command(), r.Try.Validate()
	}
	return w.commands.Find(r.Command)
}

// Model gives the installed model that a request runs on: the one it names,
// else its command's own, else the default.
func (w *Writer) Model(ctx context.Context, r api.WriteRequest) (models.Model, error) {
	c, err := w.command(r)
	if err != nil {
		return models.Model{}, err
	}
	return w.models.Find(ctx, cmp.Or(r.Model, c.Model))
}

// Check refuses a request that cannot run.
func (w *Writer) Check(ctx context.Context, r api.WriteRequest) error {
	if err := w.CheckRequest(r); err != nil {
		return err
	}
	_, err := w.Model(ctx, r)
	return err
}

// CheckRequest is Check for who finds the model by other means.
func (w *Writer) CheckRequest(r api.WriteRequest) error {
	request, err := w.request(r)
	if err != nil {
		return err
	}
	return write.Check(request)
}

// Write runs one request with an installed model.
func (w *Writer) Write(ctx context.Context, r api.WriteRequest, tell func(events.Event)) (api.WriteResult, error) {
	m, err := w.Model(ctx, r)
	if err != nil {
		return api.WriteResult{}, err
	}
	res, err := w.WriteWith(ctx, r, m, w.settings.Get().Mode, settings.Sampling{}, tell)
	if err == nil {
		w.record(ctx, r, m.Name, res.Text)
	}
	return res, err
}

// WriteWith runs one request with a model, in a mode; what own sets goes
// before the command's sampling. When ctx ends, the partial result comes with
// ctx's error.
func (w *Writer) WriteWith(ctx context.Context, r api.WriteRequest, m models.Model, mode engine.Mode, own settings.Sampling, tell func(events.Event)) (api.WriteResult, error) {
	ctx, done := w.cancelled(ctx)
	defer done()
	as := func(ctx context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error) {
		p.Path, p.Mode, p.Prior = m.Path, mode, proto.PriorityInteractive
		return w.serve.Generate(ctx, p, event, func(percent int) {
			tell(events.Event{Name: chat.EventLoading, Data: chat.Loading{Percent: percent}})
		})
	}
	generate := func(ctx context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error) {
		override(&p, own)
		return as(ctx, p, event)
	}
	request, err := w.request(r)
	if err != nil {
		return api.WriteResult{}, err
	}
	request.Room = write.Room{Context: m.Context, Count: func(ctx context.Context, text string) (int, error) {
		// Through serve, so that the model that counts is a resident one.
		if _, err := w.serve.Open(ctx, m.Path, mode, nil); err != nil {
			return 0, err
		}
		ids, err := w.engine.Tokenize(ctx, m.Path, mode, text, nil, false)
		return len(ids), err
	}}
	watch := write.Watch{Section: func(i, n int) {
		tell(events.Event{Name: api.EventSection, Data: api.Section{Index: i, Count: n}})
	}, Again: func(f []write.Fault) {
		tell(events.Event{Name: api.EventAgain, Data: api.Again{Faults: f}})
	}, Edits: func(diff []write.Segment) {
		tell(events.Event{Name: api.EventEdits, Data: api.Edits{Diff: diff}})
	}, Drafts: func(drafts []write.Draft) {
		tell(events.Event{Name: api.EventDrafts, Data: api.Drafts{Drafts: drafts}})
	}, Event: func(e engine.Event) {
		if p := e.Prefill; p != nil {
			tell(events.Event{Name: chat.EventPrefill, Data: chat.Prefill{Cached: p.Cached, Done: p.Done, Total: p.Total}})
		}
		if e.Text != "" {
			tell(events.Event{Name: chat.EventDelta, Data: chat.Delta{Text: e.Text}})
		}
	}}
	request.Apt = func(ctx context.Context) (bool, error) {
		return w.trials.apt(m, mode, func() (bool, error) {
			return write.Try(ctx, request.Command, request.Language, as, watch)
		})
	}
	res, err := write.Run(ctx, request, generate, watch)
	if err != nil {
		return api.WriteResult{}, err
	}
	if res.Refused > 0 {
		slog.Info("edits refused", "model", m.Name, "refused", res.Refused)
	}
	return api.WriteResult{Text: res.Text, Original: res.Original, Shape: res.Shape, Diff: res.Diff, Drafts: res.Drafts, Faults: res.Faults, Tries: res.Tries, Sections: res.Sections, Warning: res.Warning,
		Stats: chat.StatsOf(res.Engine, mode)}, ctx.Err()
}

func override(p *engine.GenerateParams, own settings.Sampling) {
	for _, f := range []struct{ to, from **float64 }{
		{&p.Sampling.Temperature, &own.Temperature}, {&p.Sampling.TopP, &own.TopP}, {&p.Sampling.MinP, &own.MinP},
	} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	if own.TopK != nil {
		p.Sampling.TopK = own.TopK
	}
	if own.Seed != nil {
		p.Sampling.Seed = own.Seed
	}
	if own.MaxTokens != nil && p.Format == nil { // an answer in a form has a length below which there is none
		p.MaxTokens = *own.MaxTokens
	}
}
