package models_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/models"
	"qwill/app/store"
	"qwill/engine"
	"qwill/engine/proto"
)

// converter plays the engine: it writes a folder as a conversion does.
type converter struct {
	mu    sync.Mutex
	calls int
	fail  error
}

func (c *converter) Quantize(_ context.Context, p engine.QuantizeParams, _ func(engine.LoadProgress)) (engine.ImportResult, error) {
	return engine.ImportResult{}, errors.New("not asked for here")
}

func (c *converter) Import(_ context.Context, source, target string) (engine.ImportResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.fail != nil {
		os.MkdirAll(target, 0o700) // what a failure in the middle leaves
		return engine.ImportResult{}, c.fail
	}
	return engine.ImportResult{Tensors: 1, Bytes: 5}, folder(target)
}

func folder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"config.json":           `{"model_type":"qwen3","max_position_embeddings":4096,"quantization":{"bits":4,"group_size":64},"odd":[1]}`,
		"model.safetensors":     "12345",
		"tokenizer.json":        `{}`,
		"tokenizer_config.json": `{"chat_template":"{% if enable_thinking %}"}`,
	} {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

type bench struct {
	*models.Service
	engine *converter
	db     *store.DB
	home   string // our models
	outer  string // the user's files
	gguf   string
	chosen string
	broker events.Broker
}

func setup(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	db, _, err := store.Open(t.Context(), filepath.Join(dir, "q.db"), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &bench{engine: &converter{}, db: db, home: filepath.Join(dir, "models"), outer: filepath.Join(dir, "a [b] *"), gguf: filepath.Join(dir, "Tiny.Q4_1.gguf")}
	if err := os.WriteFile(b.gguf, []byte("GGUF\x03"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := folder(b.outer); err != nil {
		t.Fatal(err)
	}
	b.Service = models.New(models.Config{Store: db, Engine: b.engine, Events: &b.broker, Folder: b.home,
		Default: func() string { return b.chosen }, Starter: func() (string, error) { return b.gguf, nil }})
	return b
}

func code(t *testing.T, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Code != want || e.Message == "" {
		t.Errorf("got %v, want %s", err, want)
		return
	}
	if e.Hint == "" {
		t.Errorf("%q does not say what to do", e.Message)
	}
}

func TestImportFolderIsLinked(t *testing.T) {
	b := setup(t)
	sub := b.broker.Subscribe()
	m, err := b.Import(t.Context(), models.ImportOptions{Path: b.outer, Name: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	want := models.Model{Name: "mine", Title: "a [b] *", Path: b.outer, Architecture: "qwen3", Quantization: "4 bit, group 64", Bytes: 5, Context: 4096, CanThink: true, Role: models.RoleChat, Placement: models.Pointed}
	if m != want {
		t.Errorf("got %+v", m)
	}
	if e, _ := sub.Next(t.Context()); e.Name != "models" || len(e.Data.([]models.Model)) != 1 {
		t.Errorf("got %+v", e)
	}
	if err := b.Remove(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(b.outer, "config.json")); err != nil {
		t.Error("the user's own folder was deleted")
	}
	code(t, b.Remove(t.Context(), "mine"), errs.ModelUnknown)
}

func TestImportGGUFIsConvertedAndRemoved(t *testing.T) {
	b := setup(t)
	m, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "tiny"})
	if err != nil {
		t.Fatal(err)
	}
	if m.Path != filepath.Join(b.home, "tiny") || m.Title != "Tiny.Q4_1" || !m.Owned {
		t.Errorf("got %+v", m)
	}
	if err := b.Remove(t.Context(), "tiny"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(m.Path); err == nil {
		t.Error("our own folder outlived its entry")
	}
	if _, err := os.Stat(b.gguf); err != nil {
		t.Error("the user's file was deleted")
	}
}

func TestFailedConversionLeavesNothing(t *testing.T) {
	b := setup(t)
	b.engine.fail = &proto.Error{Code: proto.CodeModel, Message: "unsupported type", ErrorData: proto.ErrorData{Field: "Q2_K"}}
	_, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "tiny"})
	if e := errs.From(err); e.Code != errs.ModelDamaged || e.Detail != "Q2_K" {
		t.Errorf("got %v", err)
	}
	left, _ := os.ReadDir(b.home)
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	b.engine.fail = nil
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "tiny"}); err != nil {
		t.Errorf("the next try: %v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	b := setup(t)
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.outer, Name: "taken"}); err != nil {
		t.Fatal(err)
	}
	edit := func(name, text string) string {
		dir := filepath.Join(t.TempDir(), "m")
		if err := folder(dir); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			os.Remove(filepath.Join(dir, name))
		} else if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	noGGUF := filepath.Join(t.TempDir(), "x.gguf")
	if err := os.WriteFile(noGGUF, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, as, code, detail string }{
		"taken":         {b.outer, "taken", errs.Conflict, "taken"},
		"taken in case": {b.outer, "TAKEN", errs.Conflict, "taken"},
		"dots":          {b.outer, "..", errs.Invalid, "name"},
		"slash":         {b.outer, "a/b", errs.Invalid, "name"},
		"backslash":     {b.outer, `a\b`, errs.Invalid, "name"},
		"space":         {b.outer, "a b", errs.Invalid, "name"},
		"NUL":           {b.outer, "a\x00", errs.Invalid, "name"},
		"long":          {b.outer, strings.Repeat("x", 65), errs.Invalid, "name"},
		"bad UTF-8":     {b.outer, "a\xff", errs.Invalid, "name"},
		"hidden":        {b.outer, ".lock", errs.Invalid, "name"},
		"no path":       {"", "n", errs.Invalid, "path"},
		"no file":       {"/nowhere/at/all", "n", errs.Invalid, "/nowhere/at/all"},
		"no GGUF":       {noGGUF, "n", errs.ModelDamaged, noGGUF},
		"no config":     {edit("config.json", ""), "n", errs.ModelDamaged, "config.json"},
		"bad config":    {edit("config.json", "{"), "n", errs.ModelDamaged, "config.json"},
		"no type":       {edit("config.json", "{}"), "n", errs.ModelDamaged, "config.json"},
		"list config":   {edit("config.json", "[]"), "n", errs.ModelDamaged, "config.json"},
		"number type":   {edit("config.json", `{"model_type":5}`), "n", errs.ModelDamaged, "config.json"},
		"no tokenizer":  {edit("tokenizer.json", ""), "n", errs.ModelDamaged, "tokenizer.json"},
		"no weights":    {edit("model.safetensors", ""), "n", errs.ModelDamaged, ""},
		"lost shard":    {edit("model.safetensors.index.json", `{"weight_map":{"a":"model-2.safetensors"}}`), "n", errs.ModelDamaged, "model-2.safetensors"},
		"shard outside": {edit("model.safetensors.index.json", `{"weight_map":{"a":"../x.safetensors"}}`), "n", errs.ModelDamaged, "index.json"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Import(t.Context(), models.ImportOptions{Path: c.path, Name: c.as})
			code(t, err, c.code)
			e := errs.From(err)
			if !strings.HasSuffix(e.Detail, c.detail) {
				t.Errorf("the error names %q", e.Detail)
			}
			if strings.Contains(e.Message, "Go ") {
				t.Errorf("the message speaks of the program: %q", e.Message)
			}
		})
	}
	if all, _ := b.List(t.Context()); len(all) != 1 {
		t.Errorf("a refused import left an entry: %v", all)
	}
}

func TestNames(t *testing.T) {
	for _, good := range []string{"a", "Qwen3-8B_4bit.v2", "千问", "Café"} {
		if got, err := models.CheckName(good); err != nil || got == "" {
			t.Errorf("%q: %v", good, err)
		}
	}
	a, _ := models.CheckName("Cafe\u0301")
	if a != "Café" {
		t.Error("two forms of one name differ")
	}
}

func TestFindAndMissing(t *testing.T) {
	b := setup(t)
	_, err := b.Find(t.Context(), "")
	code(t, err, errs.NoModel)
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.outer, Name: "b"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "c"}); err != nil {
		t.Fatal(err)
	}
	for chosen, want := range map[string]string{"": "b", "c": "c", "gone": "b"} {
		b.chosen = chosen
		if m, err := b.Find(t.Context(), ""); err != nil || m.Name != want {
			t.Errorf("%q: got %v %v", chosen, m.Name, err)
		}
	}
	_, err = b.Find(t.Context(), "x")
	code(t, err, errs.ModelUnknown)

	away := b.outer + " away"
	if err := os.Rename(b.outer, away); err != nil {
		t.Fatal(err)
	}
	_, err = b.Find(t.Context(), "b")
	code(t, err, errs.ModelMissing)
	if all, _ := b.List(t.Context()); len(all) != 2 || !all[0].Missing {
		t.Errorf("got %+v", all)
	}
	if err := os.Rename(away, b.outer); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Find(t.Context(), "b"); err != nil {
		t.Errorf("it did not come back: %v", err)
	}
}

// What suggests is the smallest model that is there, or the one that is named.
func TestSmallest(t *testing.T) {
	b := setup(t)
	_, err := b.Smallest(t.Context(), "")
	code(t, err, errs.NoModel)
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.outer, "model.safetensors"), []byte("123"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.outer, Name: "b"}); err != nil {
		t.Fatal(err)
	}
	want := func(name, want string) {
		t.Helper()
		if m, err := b.Smallest(t.Context(), name); err != nil || m.Name != want {
			t.Errorf("%q: got %v %v", name, m.Name, err)
		}
	}
	want("", "b")
	want("a", "a")
	want("removed", "b")
	if err := os.Rename(b.outer, b.outer+" away"); err != nil {
		t.Fatal(err)
	}
	want("", "a")
	want("b", "a")
}

func TestResolve(t *testing.T) {
	b := setup(t)
	if m, err := b.Resolve(t.Context(), b.outer); err != nil || m.Path != b.outer {
		t.Errorf("%+v %v", m, err)
	}
	_, err := b.Resolve(t.Context(), b.outer+"/no")
	code(t, err, errs.ModelDamaged)
	_, err = b.Resolve(t.Context(), "unknown")
	code(t, err, errs.ModelUnknown)
	if m, err := b.Resolve(t.Context(), "starter"); err != nil || !m.Starter || m.Path != filepath.Join(b.home, "starter") {
		t.Errorf("%+v %v", m, err)
	}
}

func TestStarterIsInstalledOnceAndStaysRemoved(t *testing.T) {
	b := setup(t)
	var all sync.WaitGroup
	for range 3 {
		other := models.New(models.Config{Store: b.db, Engine: b.engine, Events: &b.broker, Folder: b.home,
			Starter: func() (string, error) { return b.gguf, nil }})
		all.Go(func() {
			if err := other.EnsureStarter(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if b.engine.calls != 1 {
		t.Errorf("converted %d times", b.engine.calls)
	}
	if data, err := os.ReadFile(filepath.Join(b.home, "starter", "generation_config.json")); err != nil || !strings.Contains(string(data), "repetition_penalty") {
		t.Errorf("sampling of the starter: %s %v", data, err)
	}
	m, err := b.Find(t.Context(), "")
	if err != nil || !m.Starter || m.Note == "" || m.Title == "" {
		t.Errorf("%+v %v", m, err)
	}
	if err := b.Remove(t.Context(), "starter"); err != nil {
		t.Fatal(err)
	}
	if err := b.EnsureStarter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, _ := b.List(t.Context()); len(list) != 0 {
		t.Error("the removed starter came back")
	}
}

func TestRescanAfterANewDatabase(t *testing.T) {
	b := setup(t)
	if err := b.EnsureStarter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "tiny"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"starter", "tiny"} {
		if err := b.db.RemoveModel(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(b.home, "rubbish"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := b.List(t.Context())
	if err != nil || len(all) != 2 || !all[0].Starter || !all[0].Owned || all[1].Name != "tiny" {
		t.Errorf("%+v %v", all, err)
	}
}

func TestFindStarter(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(models.StarterVariable, dir)
	_, err := models.FindStarter()
	code(t, err, errs.NoModel)
	file := filepath.Join(dir, "x.gguf")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{dir, file} {
		t.Setenv(models.StarterVariable, v)
		if got, err := models.FindStarter(); err != nil || got != file {
			t.Errorf("got %q %v", got, err)
		}
	}
}

// A folder of this machine is listed with the hashes of all of its files, and
// not at all when they were not read.
func TestImportIsHashedFirst(t *testing.T) {
	b := setup(t)
	mine := filepath.Join(t.TempDir(), "mine")
	if err := folder(mine); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: mine, Name: "mine"}); err != nil {
		t.Fatal(err)
	}
	files, err := b.db.ModelFiles(t.Context(), "mine")
	if err != nil || len(files) != 4 {
		t.Fatalf("%+v %v", files, err)
	}
	for _, f := range files {
		if len(f.SHA256) != 64 || f.Path == "model.safetensors" && f.SHA256 != "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5" {
			t.Errorf("%+v", f)
		}
	}
	if v, err := b.Verify(t.Context(), "mine", nil); err != nil || !v.OK || v.Files[0].State != models.FileOK {
		t.Errorf("%+v %v", v, err)
	}
}

func TestHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := models.Hash(t.Context(), path, nil)
	// By sha256sum and git hash-object.
	if want := (models.Sums{SHA256: "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c", GitSHA1: "3ab313fff6f41bb35969cd359e9ddfb8033b3ac2", Bytes: 7}); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := models.Hash(ctx, path, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
