package chat_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/models"
	"qwill/app/settings"
	"qwill/app/store"
	"qwill/engine"
	"qwill/engine/proto"
)

// scripted is an engine whose generations wait for the test's steps.
type scripted struct {
	calls chan *call
}

type call struct {
	ctx     context.Context
	params  engine.GenerateParams
	event   func(engine.Event)
	loading func(int)
	end     chan answer
}

type answer struct {
	res engine.Result
	err error
}

func (s *scripted) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), loading func(int)) (engine.Result, error) {
	c := &call{ctx, p, event, loading, make(chan answer, 1)}
	s.calls <- c
	select {
	case a := <-c.end:
		return a.res, a.err
	case <-ctx.Done():
		return engine.Result{Finish: proto.FinishCancelled, PromptTokens: 3}, nil
	}
}

func (s *scripted) next(t *testing.T) *call {
	t.Helper()
	select {
	case c := <-s.calls:
		return c
	case <-time.After(5 * time.Second):
		t.Fatal("the engine was not asked")
		return nil
	}
}

type oneModel struct{ gone bool }

func (o *oneModel) Find(_ context.Context, name string) (models.Model, error) {
	if o.gone || name != "" && name != "m" {
		return models.Model{}, models.ErrUnknown(name)
	}
	return models.Model{Name: "m", Path: "/models/m", Context: 1000, CanThink: true}, nil
}

type bench struct {
	*chat.Manager
	t        *testing.T
	db       *store.DB
	memory   *store.DB
	path     string
	engine   *scripted
	models   *oneModel
	settings *settings.Service
	events   *events.Broker
}

func start(t *testing.T, path string) *bench {
	t.Helper()
	db, _, err := store.Open(t.Context(), path, path+".backups")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, path: path, engine: &scripted{make(chan *call, 16)}, models: &oneModel{}, events: &events.Broker{}}
	if b.settings, err = settings.Open(t.Context(), db, b.events); err != nil {
		t.Fatal(err)
	}
	if b.memory, err = store.OpenMemory(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Manager = chat.New(db, b.memory, b.models, b.settings, b.engine, b.events)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		b.Close(ctx)
		db.Close()
		b.memory.Close()
	})
	return b
}

func setup(t *testing.T) *bench { return start(t, filepath.Join(t.TempDir(), "q.db")) }

func (b *bench) create() chat.Chat {
	b.t.Helper()
	c, err := b.Create(b.t.Context(), chat.Fields{})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) send(id, text string) (chat.Message, *call) {
	b.t.Helper()
	reply := b.wait(id, text)
	return reply, b.engine.next(b.t)
}

// wait sends a message whose reply's turn has not come.
func (b *bench) wait(id, text string) chat.Message {
	b.t.Helper()
	_, reply, err := b.Send(b.t.Context(), id, text)
	if err != nil {
		b.t.Fatal(err)
	}
	if reply.Status != chat.Queued {
		b.t.Errorf("a new reply is %s", reply.Status)
	}
	return reply
}

func (b *bench) watch(id string) *events.Subscription {
	b.t.Helper()
	s, err := b.Watch(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// all reads a stream to its end.
func all(t *testing.T, s *events.Subscription) []events.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var list []events.Event
	for {
		e, ok := s.Next(ctx)
		if !ok {
			if ctx.Err() != nil {
				t.Fatal("the stream did not end")
			}
			return list
		}
		list = append(list, e)
	}
}

func last(t *testing.T, s *events.Subscription) chat.Message {
	t.Helper()
	list := all(t, s)
	e := list[len(list)-1]
	if e.Name != chat.EventDone {
		t.Fatalf("the last event is %s", e.Name)
	}
	return e.Data.(chat.Message)
}

func (b *bench) stored(id string) chat.Chat {
	b.t.Helper()
	c, err := b.db.Chat(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func done() answer {
	return answer{res: engine.Result{Finish: proto.FinishStop, PromptTokens: 10, CompletionTokens: 5, ReasoningTokens: 2, Seed: 1 << 63}}
}

func TestReplyStreamsAndIsKept(t *testing.T) {
	b := setup(t)
	think := true
	c, err := b.Create(t.Context(), chat.Fields{Thinking: &think})
	if err != nil {
		t.Fatal(err)
	}
	_, k := b.send(c.ID, "Hello there")
	if d := cmp.Diff([]engine.Message{{Role: "user", Content: "Hello there"}}, k.params.Messages); d != "" || !k.params.Thinking {
		t.Error(d, k.params.Thinking)
	}
	early := b.watch(c.ID)
	k.loading(50)
	k.event(engine.Event{Prefill: &engine.Prefill{Done: 1, Total: 2}})
	k.event(engine.Event{Prefill: &engine.Prefill{Done: 2, Total: 2}})
	k.event(engine.Event{Reasoning: "hmm"})
	time.Sleep(3 * time.Millisecond)
	k.event(engine.Event{Text: "Hi"})
	k.event(engine.Event{Paused: true})
	k.event(engine.Event{Text: " you"})
	late := b.watch(c.ID)
	k.event(engine.Event{Text: "!"})
	k.end <- done()

	var names []string
	text := ""
	var final chat.Message
	for _, e := range all(t, early) {
		names = append(names, e.Name)
		switch d := e.Data.(type) {
		case chat.Delta:
			text += d.Text
		case chat.Message:
			final = d
		}
	}
	want := []string{"snapshot", "loading", "prefill", "delta", "paused", "resumed", "delta", "done"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	if text != "Hi you!" || final.Content != text || final.Reasoning != "hmm" || final.Status != chat.Done || final.ReasoningMS < 3 {
		t.Errorf("got %q and %+v", text, final)
	}
	if final.Stats == nil || final.Stats.Seed != "9223372036854775808" || final.Stats.Mode != "fast" {
		t.Errorf("figures %+v", final.Stats)
	}
	list := all(t, late)
	if s := list[0].Data.(chat.Message); list[0].Name != chat.EventSnapshot || s.Content != "Hi you" || s.Status != chat.Writing {
		t.Errorf("a late watcher starts with %+v", list[0])
	}
	got, err := b.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Title != "Hello there" || got.Context != (chat.Context{Used: 13, Limit: 1000}) || got.Messages[1].Content != "Hi you!" || got.Replying {
		t.Errorf("got %+v", got)
	}
	// After the end the same call gives the last reply.
	if m := last(t, b.watch(c.ID)); m.Content != "Hi you!" {
		t.Errorf("got %+v", m)
	}
}

func TestStopKeepsTheText(t *testing.T) {
	b := setup(t)
	c := b.create()
	_, k := b.send(c.ID, "x")
	k.event(engine.Event{Text: "part"})
	if _, _, err := b.Send(t.Context(), c.ID, "y"); errs.From(err) == nil || errs.From(err).Code != errs.ChatBusy {
		t.Errorf("a second message while writing gave %v", err)
	}
	if list, _ := b.List(t.Context()); !list[0].Replying {
		t.Error("the list does not show the reply")
	}
	if err := b.Stop(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if m := b.stored(c.ID).Messages[1]; m.Status != chat.Stopped || m.Content != "part" || m.Error != nil {
		t.Errorf("got %+v", m)
	}
	_, k = b.send(c.ID, "go on")
	want := []engine.Message{{Role: "user", Content: "x"}, {Role: "assistant", Content: "part"}, {Role: "user", Content: "go on"}}
	if d := cmp.Diff(want, k.params.Messages); d != "" {
		t.Error(d)
	}
	if err := b.Stop(t.Context(), "nothing"); errs.From(err).Code != errs.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestEngineCrashKeepsTheTextAndTheNextMessageWorks(t *testing.T) {
	b := setup(t)
	c := b.create()
	_, k := b.send(c.ID, "x")
	k.event(engine.Event{Text: "part"})
	s := b.watch(c.ID)
	k.end <- answer{err: fmt.Errorf("generate: %w", &proto.Error{Code: proto.CodeCrashed, Message: "it died"})}
	if m := last(t, s); m.Status != chat.Interrupted || m.Content != "part" || m.Error == nil || m.Error.Code != errs.EngineCrash {
		t.Errorf("got %+v", m)
	}
	_, k = b.send(c.ID, "again")
	s = b.watch(c.ID)
	k.event(engine.Event{Text: "fine"})
	k.end <- done()
	if m := last(t, s); m.Status != chat.Done || m.Content != "fine" {
		t.Errorf("got %+v", m)
	}
}

func TestFailureBeforeTheFirstWord(t *testing.T) {
	b := setup(t)
	c := b.create()
	_, k := b.send(c.ID, "x")
	s := b.watch(c.ID)
	k.end <- answer{err: &proto.Error{Code: proto.CodeTooLong, Message: "too long", ErrorData: proto.ErrorData{Hint: "shorten"}}}
	if m := last(t, s); m.Status != chat.Failed || m.Error.Code != errs.TooLong || m.Error.Hint != "shorten" {
		t.Errorf("got %+v", m)
	}
	_, k = b.send(c.ID, "y")
	want := []engine.Message{{Role: "user", Content: "x"}, {Role: "user", Content: "y"}}
	if d := cmp.Diff(want, k.params.Messages); d != "" {
		t.Error("an empty reply went into the prompt", d)
	}
}

// What a killed process had flushed is there at the next start.
func TestPartialReplySurvivesAKill(t *testing.T) {
	b := setup(t)
	c := b.create()
	_, k := b.send(c.ID, "x")
	k.event(engine.Event{Text: "kept words"})
	for deadline := time.Now().Add(3 * time.Second); b.stored(c.ID).Messages[1].Content == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was flushed in mid-reply")
		}
	}
	// A second start on the same file, the first process being "gone".
	again := start(t, b.path)
	n, err := again.Recover(t.Context())
	if err != nil || n != 1 {
		t.Fatalf("%d %v", n, err)
	}
	m := again.stored(c.ID).Messages[1]
	if m.Status != chat.Interrupted || m.Content != "kept words" || m.Error == nil || m.Error.Code != errs.Interrupted {
		t.Errorf("got %+v", m)
	}
}

// flaky is a store whose SaveReply fails while it is told to.
type flaky struct {
	*store.DB
	failing atomic.Bool
	tries   atomic.Int32
}

func (f *flaky) SaveReply(ctx context.Context, m chat.Message) error {
	f.tries.Add(1)
	if f.failing.Load() {
		return errs.New(errs.Database, 500, "disk full")
	}
	return f.DB.SaveReply(ctx, m)
}

// A disk that is full for a while costs neither the reply nor its reader.
func TestFullDiskInMidReply(t *testing.T) {
	b := setup(t)
	f := &flaky{DB: b.db}
	b.Manager = chat.New(f, b.memory, b.models, b.settings, b.engine, b.events)
	c := b.create()
	_, k := b.send(c.ID, "x")
	s := b.watch(c.ID)
	f.failing.Store(true)
	k.event(engine.Event{Text: "one "})
	for f.tries.Load() == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	k.event(engine.Event{Text: "two"})
	k.end <- done()
	for n := f.tries.Load(); f.tries.Load() == n; { // the first try of the final save has failed
		time.Sleep(10 * time.Millisecond)
	}
	f.failing.Store(false)
	if m := last(t, s); m.Status != chat.Done || m.Content != "one two" || m.Error != nil {
		t.Errorf("got %+v", m)
	}
	if m := b.stored(c.ID).Messages[1]; m.Content != "one two" || m.Status != chat.Done {
		t.Errorf("stored %+v", m)
	}
}

func TestCloseInterrupts(t *testing.T) {
	b := setup(t)
	c := b.create()
	_, k := b.send(c.ID, "x")
	k.event(engine.Event{Text: "part"})
	b.Close(t.Context())
	if m := b.stored(c.ID).Messages[1]; m.Status != chat.Interrupted || m.Content != "part" {
		t.Errorf("got %+v", m)
	}
	if _, _, err := b.Send(t.Context(), c.ID, "y"); err == nil {
		t.Error("a closed manager took a message")
	}
}

func TestChatsQueueSideBySide(t *testing.T) {
	b := setup(t)
	one, two := b.create(), b.create()
	_, k1 := b.send(one.ID, "x")
	b.wait(two.ID, "y")
	k1.event(engine.Event{Text: "a"})
	got, err := b.Get(t.Context(), two.ID)
	if err != nil || got.Messages[1].Status != chat.Queued {
		t.Errorf("%+v %v", got, err)
	}
	s1, s2 := b.watch(one.ID), b.watch(two.ID)
	k1.end <- done()
	last(t, s1)
	k2 := b.engine.next(t)
	k2.event(engine.Event{Text: "b"})
	k2.end <- done()
	if m := last(t, s2); m.Content != "b" {
		t.Errorf("got %+v", m)
	}
}

func TestDeleteEndsTheReply(t *testing.T) {
	b := setup(t)
	sub := b.events.Subscribe()
	c := b.create()
	_, k := b.send(c.ID, "x")
	s := b.watch(c.ID)
	k.event(engine.Event{Text: "part"})
	if err := b.Delete(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	<-k.ctx.Done()
	last(t, s)
	if list, _ := b.List(t.Context()); len(list) != 0 {
		t.Errorf("got %v", list)
	}
	var kinds []string
	for len(kinds) < 4 {
		e, _ := sub.Next(t.Context())
		if change, ok := e.Data.(chat.Change); ok {
			kinds = append(kinds, change.Kind)
		}
	}
	// Its creation, the start of its reply, that reply's first word, its end.
	if d := cmp.Diff([]string{"created", "changed", "changed", "deleted"}, kinds); d != "" {
		t.Error(d)
	}
}

func TestFieldsAndBadInput(t *testing.T) {
	b := setup(t)
	if _, err := b.settings.Update(t.Context(), []byte(`{"system_prompt":"be brief","sampling":{"max_tokens":9}}`)); err != nil {
		t.Fatal(err)
	}
	c := b.create()
	_, k := b.send(c.ID, "x")
	if k.params.Messages[0].Role != "system" || k.params.Messages[0].Content != "be brief" || k.params.MaxTokens != 9 || k.params.Path != "/models/m" {
		t.Errorf("got %+v", k.params)
	}
	str := func(s string) *string { return &s }
	got, err := b.Change(t.Context(), c.ID, chat.Fields{Title: str("  My \n title "), SystemPrompt: str("")})
	if err != nil || got.Title != "My title" || got.SystemPrompt != "" {
		t.Errorf("%+v %v", got, err)
	}
	bad := -1.0
	s := settings.Sampling{}
	s.Temperature = &bad
	for name, f := range map[string]chat.Fields{
		"title":         {Title: str(" ")},
		"title ":        {Title: str(strings.Repeat("x", chat.TitleLimit+1))},
		"system_prompt": {SystemPrompt: str(strings.Repeat("x", settings.SystemPromptLimit+1))},
		"temperature":   {Sampling: &s},
		"other":         {Model: str("other")},
	} {
		if _, err := b.Change(t.Context(), c.ID, f); errs.From(err) == nil || errs.From(err).Detail != strings.TrimSpace(name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, text := range []string{"", " \n", strings.Repeat("x", chat.ContentLimit+1)} {
		if _, _, err := b.Send(t.Context(), c.ID, text); errs.From(err) == nil || errs.From(err).Detail != "content" {
			t.Errorf("%d bytes: got %v", len(text), err)
		}
	}
	b.models.gone = true
	if _, err := b.Regenerate(t.Context(), c.ID, "", ""); errs.From(err).Code != errs.ModelUnknown {
		t.Errorf("got %v", err)
	}
	if _, err := b.Get(t.Context(), c.ID); err != nil {
		t.Errorf("without its model the chat cannot be read: %v", err)
	}
}

func TestContinue(t *testing.T) {
	b := setup(t)
	c, err := b.Continue(t.Context(), "What is a quill?", "A pen.", "")
	if err != nil || len(c.Messages) != 2 || c.Title != "What is a quill?" || c.Messages[1].Parent != c.Messages[0].ID {
		t.Fatalf("%+v %v", c, err)
	}
	_, k := b.send(c.ID, "And a nib?")
	if len(k.params.Messages) != 3 {
		t.Errorf("got %+v", k.params.Messages)
	}
	if _, err := b.Continue(t.Context(), "", "x", ""); errs.From(err).Detail != "question" {
		t.Errorf("got %v", err)
	}
}

func TestTitles(t *testing.T) {
	b := setup(t)
	for text, want := range map[string]string{
		" one\n\ttwo ":              "one two",
		strings.Repeat("word ", 40): strings.TrimSpace(strings.Repeat("word ", 12)) + "…",
		strings.Repeat("字", 100):    strings.Repeat("字", 59) + "…",
		strings.Repeat("😀", 1<<16):  strings.Repeat("😀", 59) + "…",
	} {
		c, err := b.Continue(t.Context(), text, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if c.Title != want {
			t.Errorf("got %q, want %q", c.Title, want)
		}
	}
}
