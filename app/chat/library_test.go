package chat_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/settings"
	"qwill/engine"
)

func ptr[T any](v T) *T { return &v }

func TestDeletedChatsCanBeRestored(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	one, two, three := b.create(), b.create(), b.create()
	b.say(one.ID, "one", "re one")
	_, k := b.send(two.ID, "two")
	k.event(engine.Event{Text: "half"})
	if err := b.Delete(ctx, one.ID, two.ID); err != nil {
		t.Fatal(err)
	}
	<-k.ctx.Done()
	if list, err := b.List(ctx); err != nil || len(list) != 1 || list[0].ID != three.ID {
		t.Errorf("%v %v", list, err)
	}
	if hits, err := b.Search(ctx, "one", 9); err != nil || len(hits) != 0 {
		t.Errorf("a deleted chat is found: %v %v", hits, err)
	}
	for _, err := range []error{second(b.Get(ctx, one.ID)), b.Delete(ctx, one.ID), third(b.Send(ctx, one.ID, "x")), b.SetDraft(ctx, one.ID, "x"), second(b.Watch(ctx, one.ID))} {
		if code(err) != errs.NotFound {
			t.Errorf("a deleted chat gave %v", err)
		}
	}
	b.Sweep(ctx, time.Now().Add(chat.UndoTime-time.Minute))
	list, err := b.Restore(ctx, []string{two.ID, one.ID})
	if err != nil || len(list) != 2 {
		t.Fatalf("%v %v", list, err)
	}
	b.wantShown(one.ID, "one 1/1", "re one 1/1")
	b.wantShown(two.ID, "two 1/1", "half 1/1")
	if m := b.stored(two.ID).Messages[1]; m.Status != chat.Stopped {
		t.Errorf("got %+v", m)
	}
	if hits, err := b.Search(ctx, "one", 9); err != nil || len(hits) != 3 {
		t.Errorf("%v %v", hits, err)
	}

	if err := b.Delete(ctx, one.ID, two.ID); err != nil {
		t.Fatal(err)
	}
	b.Sweep(ctx, time.Now().Add(chat.UndoTime+time.Second))
	if _, err := b.Restore(ctx, []string{one.ID}); code(err) != errs.NotFound {
		t.Errorf("an erased chat gave %v", err)
	}
	for _, ids := range [][]string{nil, make([]string, chat.IDLimit+1)} {
		if err := b.Delete(ctx, ids...); code(err) != errs.Invalid {
			t.Errorf("%d ids: got %v", len(ids), err)
		}
	}
	if err := b.Delete(ctx, three.ID, "unknown"); code(err) != errs.NotFound {
		t.Errorf("got %v", err)
	}
	if list, _ := b.List(ctx); len(list) != 1 {
		t.Error("a refused deletion deleted")
	}
}

// A command that ends beside the open app takes nobody's undo away.
func TestOthersLeaveDeletedChats(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if _, err := b.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	c := b.create()
	if err := b.Delete(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	beside := start(t, b.path)
	if list, err := beside.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	beside.Close(ctx)
	if list, err := b.Restore(ctx, []string{c.ID}); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
}

// Of what was deleted nothing is left in any file once the app was closed.
func TestDeletedChatsAreOverwritten(t *testing.T) {
	const planted = "Heliotrope"
	b := setup(t)
	ctx := t.Context()
	if _, err := b.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	stays := b.create()
	b.say(stays.ID, "other words", "entirely")
	c := b.create()
	b.say(c.ID, planted+" blooms", "Yes, the "+planted+" does "+strings.Repeat(planted+" ", 3000))
	if err := b.SetDraft(ctx, c.ID, planted); err != nil {
		t.Fatal(err)
	}
	if found := grep(t, filepath.Dir(b.path), planted); len(found) == 0 {
		t.Fatal("the planted word is nowhere: the search of the files is broken")
	}
	if err := b.Delete(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	b.Close(ctx)
	if found := grep(t, filepath.Dir(b.path), planted); len(found) > 0 {
		t.Errorf("still in %v", found)
	}
	b.wantShown(stays.ID, "other words 1/1", "entirely 1/1")
}

// grep names the files below a folder that hold a word in any case.
func grep(t *testing.T, dir, word string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(bytes.ToLower(text), bytes.ToLower([]byte(word))) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A temporary chat does what others do, and no file ever holds a word of it.
func TestTemporaryChatsNeverTouchTheDisk(t *testing.T) {
	const planted = "Heliotrope"
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("SQLITE_TMPDIR", dir)
	b := start(t, filepath.Join(dir, "q.db"))
	ctx := t.Context()
	kept := b.create()
	b.say(kept.ID, "kept", "re kept")
	c, err := b.Create(ctx, chat.Fields{Temporary: true, Title: ptr(planted), SystemPrompt: ptr(planted)})
	if err != nil || !c.Temporary {
		t.Fatalf("%+v %v", c, err)
	}
	one, _ := b.say(c.ID, planted+" one", planted+strings.Repeat(" "+planted, 5000))
	if _, _, err := b.Edit(ctx, c.ID, one.ID, planted+" eins"); err != nil {
		t.Fatal(err)
	}
	b.answer(c.ID, planted)
	if err := b.SetDraft(ctx, c.ID, planted); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Change(ctx, c.ID, chat.Fields{Pinned: ptr(true), Title: ptr(planted + "!")}); err != nil {
		t.Fatal(err)
	}
	fork, err := b.Fork(ctx, c.ID, one.ID)
	if err != nil || !fork.Temporary {
		t.Errorf("%+v %v", fork, err)
	}
	list, err := b.List(ctx)
	if err != nil || len(list) != 3 || !list[0].Temporary || list[2].ID != kept.ID {
		t.Errorf("%+v %v", list, err)
	}
	if hits, err := b.Search(ctx, "heliotr", 50); err != nil || len(hits) != 7 || hits[0].Message != "" || hits[1].Message != "" || !hits[0].Chat.Temporary {
		t.Errorf("%+v %v", hits, err)
	}
	if _, err := b.Change(ctx, c.ID, chat.Fields{Folder: ptr("x")}); code(err) != errs.Invalid {
		t.Errorf("got %v", err)
	}
	if err := b.Delete(ctx, c.ID, kept.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := b.Restore(ctx, []string{kept.ID, c.ID}); err != nil || len(list) != 2 {
		t.Errorf("%+v %v", list, err)
	}
	b.wantShown(c.ID, planted+" eins 2/2", planted+" 1/1")
	if found := grep(t, dir, planted); len(found) > 0 {
		t.Errorf("found in %v", found)
	}
	if found := grep(t, dir, "kept"); len(found) == 0 {
		t.Error("the search of the files finds nothing at all")
	}
}

func TestFoldersAndPins(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	sub := b.events.Subscribe()
	f, err := b.CreateFolder(ctx, "  Trips \n abroad ")
	if err != nil || f.Name != "Trips abroad" {
		t.Fatalf("%+v %v", f, err)
	}
	if e, _ := sub.Next(ctx); e.Name != "folders" || len(e.Data.([]chat.Folder)) != 1 {
		t.Errorf("got %+v", e)
	}
	for name, want := range map[string]string{"": errs.Invalid, strings.Repeat("x", chat.NameLimit+1): errs.Invalid, "Trips abroad": errs.Conflict} {
		if _, err := b.CreateFolder(ctx, name); code(err) != want {
			t.Errorf("%q: got %v", name, err)
		}
	}
	one, two := b.create(), b.create()
	list, err := b.File(ctx, []string{one.ID, two.ID}, &f.ID, ptr(true))
	if err != nil || len(list) != 2 || list[0].Folder != f.ID || !list[1].Pinned {
		t.Errorf("%+v %v", list, err)
	}
	if list, err = b.File(ctx, []string{two.ID}, ptr(""), nil); err != nil || list[0].Folder != "" || !list[0].Pinned {
		t.Errorf("%+v %v", list, err)
	}
	// Neither moves a chat to the top.
	if got := b.stored(one.ID); !got.Updated.Equal(one.Updated) || got.Folder != f.ID {
		t.Errorf("got %+v", got)
	}
	if all, err := b.Folders(ctx); err != nil || all[0].Chats != 1 {
		t.Errorf("%+v %v", all, err)
	}
	if f, err = b.RenameFolder(ctx, f.ID, "Journeys"); err != nil || f.Name != "Journeys" || f.Chats != 1 {
		t.Errorf("%+v %v", f, err)
	}
	if err := b.DeleteFolder(ctx, f.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.stored(one.ID); got.Folder != "" {
		t.Errorf("got %+v", got)
	}
	for _, err := range []error{b.DeleteFolder(ctx, f.ID), second(b.RenameFolder(ctx, f.ID, "x")), second(b.File(ctx, []string{one.ID}, &f.ID, nil)),
		second(b.File(ctx, []string{"x"}, nil, ptr(true))), second(b.Create(ctx, chat.Fields{Folder: &f.ID}))} {
		if code(err) != errs.NotFound {
			t.Errorf("got %v", err)
		}
	}
}

func TestPresets(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	s := settings.Sampling{}
	s.Temperature = ptr(0.25)
	p, err := b.CreatePreset(ctx, chat.PresetFields{Name: ptr("Poet"), SystemPrompt: ptr("rhyme"), Sampling: &s, Thinking: ptr(true), Model: ptr("m")})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Create(ctx, chat.Fields{Preset: &p.ID, Thinking: ptr(false)})
	if err != nil || c.SystemPrompt != "rhyme" || *c.Sampling.Temperature != 0.25 || c.Thinking || c.Model != "m" {
		t.Errorf("%+v %v", c, err)
	}
	if p, err = b.ChangePreset(ctx, p.ID, chat.PresetFields{SystemPrompt: ptr("scan"), Model: ptr("")}); err != nil || p.Name != "Poet" || !p.Thinking || p.Model != "" {
		t.Errorf("%+v %v", p, err)
	}
	if c, err = b.Change(ctx, c.ID, chat.Fields{Preset: &p.ID}); err != nil || c.SystemPrompt != "scan" || !c.Thinking || c.Model != "m" {
		t.Errorf("%+v %v", c, err)
	}
	bad := settings.Sampling{}
	bad.TopP = ptr(7.0)
	for _, f := range []chat.PresetFields{{}, {Name: ptr("x"), Sampling: &bad}, {Name: ptr("x"), SystemPrompt: ptr(strings.Repeat("x", settings.SystemPromptLimit+1))}} {
		if _, err := b.CreatePreset(ctx, f); code(err) != errs.Invalid {
			t.Errorf("%+v: got %v", f, err)
		}
	}
	if _, err := b.CreatePreset(ctx, chat.PresetFields{Name: ptr("Poet")}); code(err) != errs.Conflict {
		t.Errorf("got %v", err)
	}
	if _, err := b.CreatePreset(ctx, chat.PresetFields{Name: ptr("x"), Model: ptr("gone")}); code(err) != errs.ModelUnknown {
		t.Errorf("got %v", err)
	}
	if err := b.DeletePreset(ctx, p.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := b.Presets(ctx); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
	for _, err := range []error{b.DeletePreset(ctx, p.ID), second(b.ChangePreset(ctx, p.ID, chat.PresetFields{})), second(b.Create(ctx, chat.Fields{Preset: &p.ID}))} {
		if code(err) != errs.NotFound {
			t.Errorf("got %v", err)
		}
	}
}

func TestDrafts(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	c := b.create()
	if text, err := b.NewDraft(ctx); err != nil || text != "" {
		t.Errorf("%q %v", text, err)
	}
	for _, text := range []string{"a", "new 草稿"} {
		if err := b.SetNewDraft(ctx, text); err != nil {
			t.Fatal(err)
		}
		if err := b.SetDraft(ctx, c.ID, "chat's "+text); err != nil {
			t.Fatal(err)
		}
	}
	again := start(t, b.path)
	if text, err := again.NewDraft(ctx); err != nil || text != "new 草稿" {
		t.Errorf("%q %v", text, err)
	}
	if got, err := again.Get(ctx, c.ID); err != nil || got.Draft != "chat's new 草稿" {
		t.Errorf("%+v %v", got, err)
	}
	// Other changes leave it, sending takes it.
	if _, err := b.Change(ctx, c.ID, chat.Fields{Pinned: ptr(true)}); err != nil || b.stored(c.ID).Draft == "" {
		t.Errorf("the draft is gone: %v", err)
	}
	b.say(c.ID, "chat's new 草稿", "re")
	if got := b.stored(c.ID); got.Draft != "" {
		t.Errorf("%q is still a draft", got.Draft)
	}
	long := strings.Repeat("x", chat.ContentLimit+1)
	for _, err := range []error{b.SetDraft(ctx, c.ID, long), b.SetNewDraft(ctx, long)} {
		if code(err) != errs.TooLarge {
			t.Errorf("got %v", err)
		}
	}
}

func TestRepliesTellTheirPlaceInTheQueue(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	var ids []string
	for range 3 {
		c := b.create()
		b.wait(c.ID, c.ID)
		ids = append(ids, c.ID)
	}
	// asked takes the next call, which must be for that chat.
	asked := func(i int) *call {
		k := b.engine.next(t)
		if got := k.params.Messages[len(k.params.Messages)-1].Content; got != ids[i] {
			t.Errorf("reply %d is not the next: %s", i, got)
		}
		return k
	}
	first := asked(0)
	first.event(engine.Event{Text: "a"})
	places := func() (all [3]int) {
		for i, id := range ids {
			c, err := b.Get(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = c.Waiting
		}
		return all
	}
	if got := places(); got != [3]int{0, 1, 2} {
		t.Errorf("places %v", got)
	}
	list, _ := b.List(ctx)
	if list[0].Waiting+list[1].Waiting+list[2].Waiting != 3 {
		t.Errorf("the list tells %+v", list)
	}
	sub := b.events.Subscribe()
	s := b.watch(ids[0])
	first.end <- done()
	last(t, s)
	told := map[string]bool{}
	for len(told) < 3 {
		e, ok := sub.Next(ctx)
		if !ok {
			t.Fatal("the events ended")
		}
		if change, ok := e.Data.(chat.Change); ok && change.Kind == "changed" {
			told[change.ID] = true
		}
	}
	if got := places(); got != [3]int{0, 0, 1} {
		t.Errorf("places %v", got)
	}
	asked(1)
	if err := b.Stop(ctx, ids[1]); err != nil {
		t.Fatal(err)
	}
	if got := places(); got != [3]int{0, 0, 0} {
		t.Errorf("places %v", got)
	}
	third := asked(2)
	third.event(engine.Event{Text: "c"})
	s = b.watch(ids[2])
	third.end <- done()
	last(t, s)
}
