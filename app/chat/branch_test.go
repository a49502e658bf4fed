package chat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/store"
	"qwill/engine"
)

// say sends a message and lets the reply end.
func (b *bench) say(id, text, answer string) (user, reply chat.Message) {
	b.t.Helper()
	user, reply, err := b.Send(b.t.Context(), id, text)
	if err != nil {
		b.t.Fatal(err)
	}
	return user, b.answer(id, answer)
}

// answer lets the reply that was asked for say something and end.
func (b *bench) answer(id, text string) chat.Message {
	b.t.Helper()
	k := b.engine.next(b.t)
	s := b.watch(id)
	k.event(engine.Event{Text: text})
	k.end <- done()
	return last(b.t, s)
}

// shown are the contents on the branch that is shown, with where each stands.
func (b *bench) shown(id string) (all []string) {
	b.t.Helper()
	c, err := b.Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range c.Messages {
		all = append(all, fmt.Sprintf("%s %d/%d", m.Content, m.Branch.Index, m.Branch.Count))
	}
	return all
}

func (b *bench) wantShown(id string, want ...string) {
	b.t.Helper()
	if d := cmp.Diff(want, b.shown(id)); d != "" {
		b.t.Error(d)
	}
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return errs.From(err).Code
}

func TestBranches(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	c := b.create()
	one, re := b.say(c.ID, "one", "re one")
	two, _ := b.say(c.ID, "two", "re two")

	edited, reply, err := b.Edit(ctx, c.ID, two.ID, "zwei")
	if err != nil || edited.ID == two.ID || edited.Branch.Index != 2 || !slices.Equal(edited.Branch.Siblings, []string{two.ID, edited.ID}) || reply.Branch.Count != 1 {
		t.Fatalf("%+v %+v %v", edited, reply, err)
	}
	b.answer(c.ID, "re zwei")
	b.wantShown(c.ID, "one 1/1", "re one 1/1", "zwei 2/2", "re zwei 1/1")

	again, err := b.Regenerate(ctx, c.ID, "", "")
	if err != nil || again.Branch.Index != 2 {
		t.Fatalf("%+v %v", again, err)
	}
	b.answer(c.ID, "re zwei again")
	b.wantShown(c.ID, "one 1/1", "re one 1/1", "zwei 2/2", "re zwei again 2/2")

	// A reply in the middle gets a sibling too, and what followed is a branch.
	if _, err := b.Regenerate(ctx, c.ID, re.ID, ""); err != nil {
		t.Fatal(err)
	}
	k := b.engine.next(t)
	if d := cmp.Diff([]engine.Message{{Role: "user", Content: "one"}}, k.params.Messages); d != "" {
		t.Error(d)
	}
	s := b.watch(c.ID)
	k.event(engine.Event{Text: "re one again"})
	k.end <- done()
	last(t, s)
	b.wantShown(c.ID, "one 1/1", "re one again 2/2")

	// Back through the old reply: to the newest that followed it.
	if _, err := b.Branch(ctx, c.ID, re.ID); err != nil {
		t.Fatal(err)
	}
	b.wantShown(c.ID, "one 1/1", "re one 1/2", "zwei 2/2", "re zwei again 2/2")
	if _, err := b.Branch(ctx, c.ID, two.ID); err != nil {
		t.Fatal(err)
	}
	b.wantShown(c.ID, "one 1/1", "re one 1/2", "two 1/2", "re two 1/1")
	b.say(c.ID, "three", "re three")
	b.wantShown(c.ID, "one 1/1", "re one 1/2", "two 1/2", "re two 1/1", "three 1/1", "re three 1/1")

	fork, err := b.Fork(ctx, c.ID, two.ID)
	if err != nil || fork.ID == c.ID || fork.Title != "one" {
		t.Fatalf("%+v %v", fork, err)
	}
	b.wantShown(fork.ID, "one 1/1", "re one 1/1", "two 1/1")

	if _, err := b.RemoveMessage(ctx, c.ID, two.ID); err != nil {
		t.Fatal(err)
	}
	b.wantShown(c.ID, "one 1/1", "re one 1/2", "zwei 1/1", "re zwei again 2/2")
	b.wantShown(fork.ID, "one 1/1", "re one 1/1", "two 1/1")
	if got, err := b.RemoveMessage(ctx, c.ID, one.ID); err != nil || got.Messages == nil || len(got.Messages) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	b.say(c.ID, "anew", "re anew")
	b.wantShown(c.ID, "anew 1/1", "re anew 1/1")

	for name, err := range map[string]error{
		"branch": second(b.Branch(ctx, c.ID, "x")), "remove": second(b.RemoveMessage(ctx, c.ID, two.ID)), "fork": second(b.Fork(ctx, c.ID, "x")),
		"regenerate": second(b.Regenerate(ctx, c.ID, "x", "")), "edit": third(b.Edit(ctx, c.ID, "x", "y")),
		"edit a reply": third(b.Edit(ctx, c.ID, b.stored(c.ID).Messages[1].ID, "y")), "no chat": second(b.Branch(ctx, "x", "x")),
	} {
		if code(err) != errs.NotFound {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := b.Regenerate(ctx, c.ID, "", "other"); code(err) != errs.ModelUnknown {
		t.Errorf("got %v", err)
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// An edit in the middle of a reply ends that reply; its text stays a branch.
func TestEditEndsTheRunningReply(t *testing.T) {
	b := setup(t)
	c := b.create()
	_, k := b.send(c.ID, "one")
	k.event(engine.Event{Text: "half"})
	one := b.stored(c.ID).Messages[0]
	if _, _, err := b.Edit(t.Context(), c.ID, one.ID, "eins"); err != nil {
		t.Fatal(err)
	}
	<-k.ctx.Done()
	if c, err := b.Branch(t.Context(), c.ID, one.ID); err != nil || c.Messages[1].Status != chat.Stopped || c.Messages[1].Content != "half" || !c.Replying {
		t.Errorf("the old branch is %+v (%v)", c.Messages, err)
	}
	m := b.answer(c.ID, "whole") // on the branch that is not shown now
	b.wantShown(c.ID, "one 1/2", "half 1/1")
	if _, err := b.Branch(t.Context(), c.ID, m.ID); err != nil {
		t.Fatal(err)
	}
	b.wantShown(c.ID, "eins 2/2", "whole 1/1")
	if got := b.stored(c.ID); got.Title != "eins" {
		t.Errorf("the title is %q", got.Title)
	}
}

func TestRegenerate(t *testing.T) {
	b := setup(t)
	c := b.create()
	if _, err := b.Regenerate(t.Context(), c.ID, "", ""); code(err) != errs.NotFound {
		t.Errorf("got %v", err)
	}
	_, k := b.send(c.ID, "x")
	// A reply without a word is replaced, not kept as a branch.
	if _, err := b.Regenerate(t.Context(), c.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	<-k.ctx.Done()
	k = b.engine.next(t)
	k.event(engine.Event{Text: "first"})
	b.wantShown(c.ID, "x 1/1", "first 1/1")
	reply, err := b.Regenerate(t.Context(), c.ID, "", "") // while it is being written
	if err != nil {
		t.Fatal(err)
	}
	if m := b.answer(c.ID, "second"); m.ID != reply.ID || m.Content != "second" || m.Branch.Index != 2 {
		t.Errorf("got %+v", m)
	}
	b.wantShown(c.ID, "x 1/1", "second 2/2")
}

func TestResume(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	c := b.create()
	if _, err := b.Resume(ctx, c.ID); code(err) != errs.NotFound {
		t.Errorf("got %v", err)
	}
	_, k := b.send(c.ID, "x")
	k.event(engine.Event{Reasoning: "hm"})
	if _, err := b.Resume(ctx, c.ID); code(err) != errs.ChatBusy {
		t.Errorf("got %v", err)
	}
	if err := b.Stop(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	reply, err := b.Resume(ctx, c.ID)
	if err != nil || reply.Status != chat.Queued || reply.Reasoning != "hm" {
		t.Fatalf("%+v %v", reply, err)
	}
	k = b.engine.next(t)
	want := []engine.Message{{Role: "user", Content: "x"}, {Role: "assistant", Reasoning: "hm"}}
	if d := cmp.Diff(want, k.params.Messages); d != "" || !k.params.Continue || !k.params.Thinking {
		t.Errorf("%s %+v", d, k.params)
	}
	k.event(engine.Event{Reasoning: "m"})
	k.event(engine.Event{Text: "The sea "})
	k.end <- answer{err: errors.New("the engine failed")}
	m := last(t, b.watch(c.ID))
	if m.Status != chat.Failed || m.Error == nil || m.ID != reply.ID {
		t.Errorf("got %+v", m)
	}
	if _, err = b.Resume(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	if m := b.answer(c.ID, "is salt."); m.Content != "The sea is salt." || m.Reasoning != "hmm" || m.Status != chat.Done || m.Error != nil || m.Branch.Count != 1 {
		t.Errorf("got %+v", m)
	}
	if hits, err := b.Search(ctx, "sea is salt", 9); err != nil || len(hits) != 1 {
		t.Errorf("%+v %v", hits, err)
	}
}

// instant is an engine that answers at once.
type instant struct{}

func (instant) Generate(_ context.Context, _ engine.GenerateParams, event func(engine.Event), _ func(int)) (engine.Result, error) {
	event(engine.Event{Text: "ok"})
	return engine.Result{Finish: "stop"}, nil
}

// Whatever is done in whatever order: what is shown is a valid branch, and no
// message disappears but those that were deleted.
func TestAnyOrderLosesNothing(t *testing.T) {
	b := setup(t)
	b.Manager = chat.New(b.db, b.memory, b.models, b.settings, instant{}, b.events)
	rapid.Check(t, func(r *rapid.T) {
		ctx := t.Context()
		c, err := b.Create(ctx, chat.Fields{Temporary: rapid.Bool().Draw(r, "temporary")})
		if err != nil {
			t.Fatal(err)
		}
		db := b.db
		if c.Temporary {
			db = b.memory
		}
		known := map[string]string{} // content by id
		for step := range rapid.IntRange(1, 8).Draw(r, "steps") {
			before, err := db.Chat(ctx, c.ID)
			if err != nil {
				r.Fatal(err)
			}
			pick := func() string {
				if len(before.Nodes) == 0 {
					return "none"
				}
				return rapid.SampledFrom(before.Nodes).Draw(r, "message").ID
			}
			gone := map[string]bool{}
			text := fmt.Sprint("text ", step)
			switch op := rapid.SampledFrom([]string{"send", "send", "edit", "regenerate", "branch", "continue", "remove"}).Draw(r, "op"); op {
			case "send":
				_, _, err = b.Send(ctx, c.ID, text)
			case "edit":
				_, _, err = b.Edit(ctx, c.ID, pick(), text)
			case "regenerate":
				_, err = b.Regenerate(ctx, c.ID, pick(), "")
			case "branch":
				_, err = b.Branch(ctx, c.ID, pick())
			case "continue":
				_, err = b.Resume(ctx, c.ID)
			case "remove":
				id := pick()
				for _, g := range chat.NewTree(before.Nodes).Subtree(id) {
					gone[g] = true
				}
				_, err = b.RemoveMessage(ctx, c.ID, id)
			}
			if err != nil && code(err) != errs.NotFound {
				r.Fatal(err)
			}
			if s := b.watch(c.ID); len(all(t, s)) == 0 { // waits for the reply's end
				r.Fatal("an empty stream")
			}
			after, err := db.Chat(ctx, c.ID)
			if err != nil {
				r.Fatal(err)
			}
			tree := chat.NewTree(after.Nodes)
			for id := range known {
				if !gone[id] && !tree.Has(id) {
					r.Fatalf("message %s is lost", id)
				}
				if gone[id] {
					if tree.Has(id) {
						r.Fatalf("message %s outlived its deletion", id)
					}
					delete(known, id)
				}
			}
			for _, n := range after.Nodes {
				path, err := db.Path(ctx, c.ID, n.ID)
				if err != nil {
					r.Fatal(err)
				}
				m := path[len(path)-1]
				if old, seen := known[m.ID]; seen && m.Role == chat.User && old != m.Content {
					r.Fatalf("message %s changed", m.ID)
				}
				known[m.ID] = m.Content
			}
			parent := ""
			for _, m := range after.Messages {
				if m.Parent != parent || m.Branch.Siblings[m.Branch.Index-1] != m.ID || m.Status.Running() {
					r.Fatalf("what is shown is no branch: %+v", after.Messages)
				}
				parent = m.ID
			}
			if len(after.Nodes) > 0 && len(after.Messages) == 0 {
				r.Fatal("nothing is shown")
			}
		}
		if err := b.Erase(ctx, c.ID); err != nil {
			r.Fatal(err)
		}
	})
}

// full is a store on a disk that is full while it is told to be.
type full struct {
	*store.DB
	now atomic.Bool
}

// do runs a write unless the disk is full.
func (f *full) do(write func() error) error {
	if f.now.Load() {
		return errs.New(errs.DiskFull, 507, "The disk is full.")
	}
	return write()
}

func (f *full) PutChat(ctx context.Context, c chat.Chat) error {
	return f.do(func() error { return f.DB.PutChat(ctx, c) })
}

func (f *full) Append(ctx context.Context, c chat.Chat, sent bool, add ...chat.Message) error {
	return f.do(func() error { return f.DB.Append(ctx, c, sent, add...) })
}

func (f *full) Reopen(ctx context.Context, c chat.Chat, m chat.Message) error {
	return f.do(func() error { return f.DB.Reopen(ctx, c, m) })
}

func (f *full) RemoveMessages(ctx context.Context, c chat.Chat, ids []string) error {
	return f.do(func() error { return f.DB.RemoveMessages(ctx, c, ids) })
}

func (f *full) DeleteChats(ctx context.Context, ids []string, at time.Time) error {
	return f.do(func() error { return f.DB.DeleteChats(ctx, ids, at) })
}

// A full disk refuses whatever is asked and changes nothing; a reply that is
// being written goes on.
func TestFullDiskChangesNothing(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	f := &full{DB: b.db}
	b.Manager = chat.New(f, b.memory, b.models, b.settings, b.engine, b.events)
	c := b.create()
	one, re := b.say(c.ID, "one", "re one")
	for _, running := range []bool{false, true} {
		var k *call
		if running {
			_, k = b.send(c.ID, "two")
			k.event(engine.Event{Text: "half"})
		}
		before, err := b.Get(ctx, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		f.now.Store(true)
		tries := map[string]error{
			"edit": third(b.Edit(ctx, c.ID, one.ID, "x")), "regenerate": second(b.Regenerate(ctx, c.ID, re.ID, "")),
			"branch": second(b.Branch(ctx, c.ID, one.ID)), "remove": second(b.RemoveMessage(ctx, c.ID, one.ID)),
			"fork": second(b.Fork(ctx, c.ID, one.ID)), "delete": b.Delete(ctx, c.ID), "create": second(b.Create(ctx, chat.Fields{})),
			"change": second(b.Change(ctx, c.ID, chat.Fields{Title: ptr("x")})),
		}
		if !running {
			tries["send"] = third(b.Send(ctx, c.ID, "x"))
			tries["resume"] = second(b.Resume(ctx, c.ID))
		}
		f.now.Store(false)
		for name, err := range tries {
			if code(err) != errs.DiskFull {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if got, err := b.Get(ctx, c.ID); err != nil || got.Replying != running {
			t.Errorf("%+v %v", got, err)
		} else if d := cmp.Diff(before, got); d != "" {
			t.Error(d)
		}
		if list, err := b.List(ctx); err != nil || len(list) != 1 {
			t.Errorf("%+v %v", list, err)
		}
		if running {
			s := b.watch(c.ID)
			k.event(engine.Event{Text: " and half"})
			k.end <- done()
			if m := last(t, s); m.Content != "half and half" || m.Status != chat.Done {
				t.Errorf("got %+v", m)
			}
		}
	}
}
