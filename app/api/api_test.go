package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"qwill/app/api"
	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/models"
	"qwill/app/settings"
	"qwill/app/store"
	"qwill/app/write"
	"qwill/engine"
	"qwill/engine/proto"
)

// speaker is an engine that says its words one by one; on "hold" it waits in
// the middle until it is let go or cancelled.
type speaker struct{ hold chan struct{} }

func (s *speaker) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), loading func(int)) (engine.Result, error) {
	if loading != nil {
		loading(100)
	}
	question := p.Messages[len(p.Messages)-1].Content
	if question == "crash" {
		event(engine.Event{Text: "half"})
		return engine.Result{}, &proto.Error{Code: proto.CodeCrashed, Message: "the engine stopped"}
	}
	event(engine.Event{Prefill: &engine.Prefill{Cached: 1, Done: 4, Total: 4}})
	for i, w := range []string{"You ", "said ", question} {
		if i == 1 && strings.Contains(question, "hold") {
			select {
			case <-s.hold:
			case <-ctx.Done():
				return engine.Result{Finish: proto.FinishCancelled, PromptTokens: 4, CompletionTokens: 1}, nil
			}
		}
		event(engine.Event{Text: w})
	}
	return engine.Result{Finish: proto.FinishStop, PromptTokens: 4, CompletionTokens: 3, Seed: 7}, nil
}

func (s *speaker) Quantize(_ context.Context, p engine.QuantizeParams, _ func(engine.LoadProgress)) (engine.ImportResult, error) {
	return engine.ImportResult{}, errors.New("not asked for here")
}

func (s *speaker) Import(_ context.Context, _, target string) (engine.ImportResult, error) {
	return engine.ImportResult{}, modelFolder(target)
}

func modelFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{"config.json": `{"model_type":"qwen3","max_position_embeddings":4096}`, "model.safetensors": "12345", "tokenizer.json": `{}`} {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writer is a registry of one command over the speaker.
type writer struct {
	engine *speaker
	ended  chan error  // receives what each Write ended with
	told   chan string // receives the language each Check is told
}

func (w *writer) Check(_ context.Context, r api.WriteRequest) error {
	select {
	case w.told <- r.Language:
	default:
	}
	if r.Command != "proofread" {
		return errs.InvalidField("command", "There is no command %q.", r.Command)
	}
	return nil
}

func (w *writer) Write(ctx context.Context, r api.WriteRequest, tell func(events.Event)) (api.WriteResult, error) {
	res, err := w.engine.Generate(ctx, engine.GenerateParams{Messages: []engine.Message{{Content: r.Text}}}, func(e engine.Event) {
		if e.Text != "" {
			tell(events.Event{Name: chat.EventDelta, Data: chat.Delta{Text: e.Text}})
		}
	}, nil)
	if err == nil {
		err = ctx.Err()
	}
	w.ended <- err
	return api.WriteResult{Text: "You said " + r.Text, Original: r.Text, Shape: "diff", Stats: chat.StatsOf(res, "fast"),
		Diff: []write.Segment{{Kind: "same", Old: r.Text, New: r.Text}}}, err
}

const token = "secret"

type bench struct {
	t      *testing.T
	server *httptest.Server
	engine *speaker
	writer *writer
	events *events.Broker
	folder string // a model in MLX form
	window []string
}

func setup(t *testing.T, change func(*api.Config)) *bench {
	t.Helper()
	dir := t.TempDir()
	db, _, err := store.Open(t.Context(), filepath.Join(dir, "q.db"), dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, engine: &speaker{make(chan struct{})}, events: &events.Broker{}, folder: filepath.Join(dir, "mlx")}
	b.writer = &writer{b.engine, make(chan error, 8), make(chan string, 8)}
	if err := modelFolder(b.folder); err != nil {
		t.Fatal(err)
	}
	set, err := settings.Open(t.Context(), db, b.events)
	if err != nil {
		t.Fatal(err)
	}
	m := models.New(models.Config{Store: db, Engine: b.engine, Events: b.events, Folder: filepath.Join(dir, "models")})
	if _, err := m.Import(t.Context(), models.ImportOptions{Path: b.folder, Name: "m"}); err != nil {
		t.Fatal(err)
	}
	memory, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { memory.Close() })
	chats := chat.New(db, memory, m, set, b.engine, b.events)
	commands, err := command.Open(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := api.Config{Version: "1", Commands: commands, Platform: "linux", Token: token, Chats: chats, Models: m, Settings: set, Events: b.events, Writer: b.writer,
		Engine: func() api.EngineState { return api.EngineState{State: "ready", Device: "cpu"} },
		Window: func(a string) { b.window = append(b.window, a) },
		Static: fstest.MapFS{"index.html": {Data: []byte("<p>page")}, "assets/a.js": {Data: []byte("js")}, "icon.svg": {Data: []byte("<svg/>")}}}
	if change != nil {
		change(&c)
	}
	b.server = httptest.NewServer(api.New(c))
	t.Cleanup(func() {
		b.server.CloseClientConnections()
		b.server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		chats.Close(ctx)
		db.Close()
	})
	return b
}

// request makes one with the token and JSON's content type.
func (b *bench) request(method, path, body string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (b *bench) do(r *http.Request) (int, http.Header, string) {
	b.t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// call wants a status and decodes the answer into v.
func (b *bench) call(method, path, body string, status int, v any) {
	b.t.Helper()
	got, _, text := b.do(b.request(method, path, body))
	if got != status {
		b.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got, status, text)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(text), v); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}

type sse struct{ name, data string }

// stream reads events until the stream ends or until says so.
func (b *bench) stream(method, path, body string, until func(sse) bool) []sse {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	res, err := http.DefaultClient.Do(b.request(method, path, body).WithContext(ctx))
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		text, _ := io.ReadAll(res.Body)
		b.t.Fatalf("%s: %d %s", path, res.StatusCode, text)
	}
	var all []sse
	var e sse
	s := bufio.NewScanner(res.Body)
	for s.Scan() {
		switch line := s.Text(); {
		case strings.HasPrefix(line, "event: "):
			e.name = line[7:]
		case strings.HasPrefix(line, "data: "):
			e.data = line[6:]
		case line == "" && e.name != "":
			all = append(all, e)
			if until != nil && until(e) {
				return all
			}
			e = sse{}
		}
	}
	if ctx.Err() != nil {
		b.t.Fatal("the stream did not end")
	}
	return all
}

func names(all []sse) (out []string) {
	for _, e := range all {
		out = append(out, e.name)
	}
	return out
}

func TestStateHasEverything(t *testing.T) {
	b := setup(t, func(c *api.Config) { c.Notices = []*errs.Error{errs.New(errs.DatabaseLost, 500, "set aside")} })
	b.call("POST", "/api/chats", `{"title":"T"}`, 201, nil)
	var got map[string]any
	b.call("GET", "/api/state", "", 200, &got)
	for _, key := range []string{"version", "platform", "native", "models", "commands", "settings", "engine", "chats", "notices"} {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	model := got["models"].([]any)[0].(map[string]any)
	for _, key := range []string{"name", "title", "path", "architecture", "quantization", "bytes", "context", "can_think", "starter", "missing"} {
		if _, ok := model[key]; !ok {
			t.Errorf("models[].%s is missing", key)
		}
	}
	for key, n := range map[string]int{"models": 1, "commands": len(command.All()), "chats": 1, "notices": 1} {
		if len(got[key].([]any)) != n {
			t.Errorf("%s: %v", key, got[key])
		}
	}
}

func TestEmptyListsAreNotNull(t *testing.T) {
	b := setup(t, nil)
	b.call("DELETE", "/api/models/m", "", 204, nil)
	for _, path := range []string{"/api/chats", "/api/models"} {
		if _, _, text := b.do(b.request("GET", path, "")); strings.TrimSpace(text) != "[]" {
			t.Errorf("%s: %s", path, text)
		}
	}
	var state map[string]any
	b.call("GET", "/api/state", "", 200, &state)
	for _, key := range []string{"models", "chats", "notices"} {
		if state[key] == nil {
			t.Errorf("%s is null", key)
		}
	}
}

func TestConversation(t *testing.T) {
	b := setup(t, nil)
	var c map[string]any
	b.call("POST", "/api/chats", `{}`, 201, &c)
	id := c["id"].(string)
	for _, key := range []string{"title", "updated", "model", "replying", "created", "system_prompt", "sampling", "thinking", "messages", "context"} {
		if _, ok := c[key]; !ok {
			t.Errorf("a chat lacks %s", key)
		}
	}
	var sent struct{ User, Reply map[string]any }
	b.call("POST", "/api/chats/"+id+"/messages", `{"content":"hello"}`, 202, &sent)
	if sent.User["content"] != "hello" || sent.Reply["status"] != "queued" || sent.Reply["role"] != "assistant" {
		t.Errorf("got %v", sent)
	}
	all := b.stream("GET", "/api/chats/"+id+"/stream", "", nil)
	if first, last := all[0], all[len(all)-1]; first.name != "snapshot" || last.name != "done" {
		t.Errorf("got %v", names(all))
	}
	var m chat.Message
	if err := json.Unmarshal([]byte(all[len(all)-1].data), &m); err != nil || m.Content != "You said hello" || m.Status != chat.Done || m.Stats.Seed != "7" {
		t.Errorf("%+v %v", m, err)
	}
	b.call("PUT", "/api/chats/"+id+"/messages/"+sent.User["id"].(string), `{"content":"hello again"}`, 202, &sent)
	b.stream("GET", "/api/chats/"+id+"/stream", "", nil)
	var regenerated map[string]any
	b.call("POST", "/api/chats/"+id+"/regenerate", "", 202, &regenerated)
	if _, has := regenerated["user"]; has || regenerated["reply"] == nil {
		t.Errorf("got %v", regenerated)
	}
	b.stream("GET", "/api/chats/"+id+"/stream", "", nil)
	var full chat.Chat
	b.call("GET", "/api/chats/"+id, "", 200, &full)
	if len(full.Messages) != 2 || full.Messages[1].Content != "You said hello again" || full.Context.Limit != 4096 || full.Context.Used != 7 {
		t.Errorf("got %+v", full)
	}
	b.call("PATCH", "/api/chats/"+id, `{"title":"New","sampling":{"top_k":5},"thinking":true}`, 200, &full)
	if full.Title != "New" || *full.Sampling.TopK != 5 || !full.Thinking {
		t.Errorf("got %+v", full)
	}
	var list []chat.Summary
	b.call("GET", "/api/chats", "", 200, &list)
	if len(list) != 1 || list[0].Title != "New" {
		t.Errorf("got %+v", list)
	}
	b.call("DELETE", "/api/chats/"+id, "", 204, nil)
	b.call("GET", "/api/chats/"+id, "", 404, nil)
}

// The same call serves first stream and reload, and stop keeps the text.
func TestReloadAndStop(t *testing.T) {
	b := setup(t, nil)
	var c map[string]any
	b.call("POST", "/api/chats", `{}`, 201, &c)
	path := "/api/chats/" + c["id"].(string)
	b.call("POST", path+"/messages", `{"content":"hold"}`, 202, nil)
	for range 2 {
		all := b.stream("GET", path+"/stream", "", func(e sse) bool {
			return strings.Contains(e.data, "You ")
		})
		if all[0].name != "snapshot" {
			t.Errorf("got %v", names(all))
		}
	}
	b.call("POST", path+"/messages", `{"content":"x"}`, 409, nil)
	b.call("POST", path+"/stop", "", 204, nil)
	b.call("POST", path+"/stop", "", 204, nil)
	all := b.stream("GET", path+"/stream", "", nil)
	if d := cmp.Diff([]string{"snapshot", "done"}, names(all)); d != "" || !strings.Contains(all[1].data, `"stopped"`) || !strings.Contains(all[1].data, `"You "`) {
		t.Error(d, all)
	}
}

func TestCrashIsToldInTheStream(t *testing.T) {
	b := setup(t, nil)
	var c map[string]any
	b.call("POST", "/api/chats", `{}`, 201, &c)
	path := "/api/chats/" + c["id"].(string)
	b.call("POST", path+"/messages", `{"content":"crash"}`, 202, nil)
	all := b.stream("GET", path+"/stream", "", nil)
	last := all[len(all)-1].data
	for _, part := range []string{`"interrupted"`, `"half"`, `"engine_crashed"`} {
		if !strings.Contains(last, part) {
			t.Errorf("%s is missing in %s", part, last)
		}
	}
}

func TestEventsAreTold(t *testing.T) {
	b := setup(t, nil)
	ready := make(chan struct{})
	go func() {
		<-ready
		b.server.Client().Do(b.request("PUT", "/api/settings", `{"theme":"dark"}`))
		b.server.Client().Do(b.request("POST", "/api/chats", `{}`))
		b.server.Client().Do(b.request("DELETE", "/api/models/m", ""))
		b.events.Publish(events.Event{Name: "surface", Data: map[string]string{"surface": "prompt"}})
	}()
	all := b.stream("GET", "/api/events", "", func(e sse) bool {
		if e.name == "engine" {
			close(ready)
		}
		return e.name == "surface"
	})
	if d := cmp.Diff([]string{"engine", "settings", "chats", "models", "surface"}, names(all)); d != "" {
		t.Error(d)
	}
}

func TestWriteStreams(t *testing.T) {
	b := setup(t, nil)
	all := b.stream("POST", "/api/write", `{"command":"proofread","text":"teh","door":"prompt"}`, nil)
	last := all[len(all)-1]
	if last.name != "done" {
		t.Fatalf("got %v", names(all))
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(last.data), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"text", "original", "shape", "diff", "stats"} {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	all = b.stream("POST", "/api/write", `{"command":"proofread","text":"crash"}`, nil)
	if last := all[len(all)-1]; last.name != "error" || !strings.Contains(last.data, "engine_crashed") {
		t.Errorf("got %v", all)
	}
	var c chat.Chat
	b.call("POST", "/api/write/continue", `{"question":"q","answer":"a"}`, 201, &c)
	if len(c.Messages) != 2 {
		t.Errorf("got %+v", c)
	}
}

// The page's language reaches the commands without being asked for.
func TestWriteKnowsThePagesLanguage(t *testing.T) {
	b := setup(t, nil)
	r, err := http.NewRequest("POST", b.server.URL+"/api/write", strings.NewReader(`{"command":"none","text":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", "de-DE,en;q=0.5")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := <-b.writer.told; got != "de" {
		t.Errorf("got %q", got)
	}
}

func TestLeavingAWriteCancelsIt(t *testing.T) {
	b := setup(t, nil)
	b.stream("POST", "/api/write", `{"command":"proofread","text":"hold"}`, func(e sse) bool { return e.name == "delta" })
	select {
	case err := <-b.writer.ended:
		if err == nil {
			t.Error("it ended by itself")
		}
	case <-time.After(time.Second):
		t.Error("a second later it still runs")
	}
}

func TestModels(t *testing.T) {
	b := setup(t, nil)
	var m models.Model
	b.call("POST", "/api/models/import", fmt.Sprintf(`{"path":%q,"name":"n"}`, b.folder), 201, &m)
	if m.Name != "n" || m.Path != b.folder {
		t.Errorf("got %+v", m)
	}
	b.call("DELETE", "/api/models/n", "", 204, nil)
	b.call("DELETE", "/api/models/n", "", 404, nil)
}

func TestChoosingAModel(t *testing.T) {
	b := setup(t, nil)
	var s settings.Settings
	for _, name := range []string{"m", ""} {
		if b.call("PUT", "/api/settings", fmt.Sprintf(`{"model":%q}`, name), 200, &s); s.Model != name {
			t.Errorf("got %+v", s)
		}
	}
}

func TestWindow(t *testing.T) {
	b := setup(t, nil)
	b.call("POST", "/api/window", `{"action":"hide"}`, 204, nil)
	b.call("POST", "/api/window", `{"action":"explode"}`, 400, nil)
	if d := cmp.Diff([]string{"hide"}, b.window); d != "" {
		t.Error(d)
	}
}

// Every bad request gets the contract's error object, with what it concerns.
func TestBadRequests(t *testing.T) {
	b := setup(t, nil)
	var c map[string]any
	b.call("POST", "/api/chats", `{}`, 201, &c)
	id := c["id"].(string)
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	for _, q := range []struct {
		method, path, body string
		status             int
		code, detail       string
	}{
		{"GET", "/api/nothing", "", 404, "not_found", "/api/nothing"},
		{"GET", "/api/", "", 404, "not_found", "/api/"},
		{"DELETE", "/api/state", "", 405, "method_not_allowed", "/api/state"},
		{"POST", "/api/settings", "{}", 405, "method_not_allowed", "/api/settings"},
		{"PUT", "/api/settings", `{"theme":"pink"}`, 400, "invalid", "theme"},
		{"PUT", "/api/settings", `{"nope":1}`, 400, "invalid", "nope"},
		{"PUT", "/api/settings", `{"model":"none"}`, 404, "model_unknown", "none"},
		{"PUT", "/api/settings", `{"model":7}`, 400, "invalid", "model"},
		{"PUT", "/api/settings", `[1]`, 400, "bad_json", ""},
		{"PUT", "/api/settings", `{"theme":"dark","theme":"light"}`, 400, "bad_json", "theme"},
		{"POST", "/api/chats", `{`, 400, "bad_json", ""},
		{"POST", "/api/chats", deep, 400, "bad_json", ""},
		{"POST", "/api/chats", `{"title":1}`, 400, "invalid", "title"},
		{"POST", "/api/chats", `{"model":"x"}`, 404, "model_unknown", "x"},
		{"PATCH", "/api/chats/" + id, `{"sampling":{"top_p":2}}`, 400, "invalid", "top_p"},
		{"GET", "/api/chats/none", "", 404, "not_found", "none"},
		{"GET", "/api/chats/none/stream", "", 404, "not_found", "none"},
		{"GET", "/api/chats/%2e%2e%2fetc", "", 404, "not_found", "../etc"},
		{"DELETE", "/api/models/..%2f..%2fetc", "", 404, "model_unknown", "../../etc"},
		{"POST", "/api/chats/none/stop", "", 404, "not_found", "none"},
		{"POST", "/api/chats/none/messages", `{"content":"x"}`, 404, "not_found", "none"},
		{"POST", "/api/chats/" + id + "/messages", `{"content":"  "}`, 400, "invalid", "content"},
		{"POST", "/api/chats/" + id + "/messages", `{"content":["x"]}`, 400, "invalid", "content"},
		{"PUT", "/api/chats/" + id + "/messages/none", `{"content":"x"}`, 404, "not_found", "none"},
		{"POST", "/api/chats/" + id + "/regenerate", "", 404, "not_found", id},
		{"POST", "/api/write", `{"command":"nope","text":"x"}`, 400, "invalid", "command"},
		{"POST", "/api/write", `{"command":"proofread","text":"x","door":"window"}`, 400, "invalid", "door"},
		{"POST", "/api/write/continue", `{"question":""}`, 400, "invalid", "question"},
		{"POST", "/api/models/import", `{"path":"/none","name":"n"}`, 400, "invalid", "/none"},
		{"POST", "/api/models/import", `{"path":"","name":"../n"}`, 400, "invalid", "name"},
	} {
		status, header, text := b.do(b.request(q.method, q.path, q.body))
		var got struct {
			Error *errs.Error `json:"error"`
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Error == nil {
			t.Errorf("%s %s: %s", q.method, q.path, text)
			continue
		}
		if status != q.status || got.Error.Code != q.code || got.Error.Detail != q.detail || got.Error.Message == "" {
			t.Errorf("%s %s %.60s: %d %s", q.method, q.path, q.body, status, text)
		}
		if status == 405 && header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", q.path)
		}
	}
}

func TestBodies(t *testing.T) {
	b := setup(t, nil)
	r := b.request("POST", "/api/chats", `{}`)
	r.Header.Set("Content-Type", "text/plain")
	if status, _, _ := b.do(r); status != 415 {
		t.Errorf("text/plain: %d", status)
	}
	if status, _, text := b.do(b.request("POST", "/api/chats", `{"title":"`+strings.Repeat("x", api.BodyLimit)+`"}`)); status != 413 {
		t.Errorf("too large: %d %s", status, text)
	}
	// Without a length: chunks without an end are cut off at the limit.
	r = b.request("POST", "/api/chats", "")
	r.Header.Set("Content-Type", "application/json")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"title":"`), &endless{}))
	r.ContentLength = -1
	if res, err := http.DefaultClient.Do(r); err == nil {
		if res.StatusCode != 413 {
			t.Errorf("endless: %d", res.StatusCode)
		}
		res.Body.Close()
	}
}

type endless struct{}

func (*endless) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte("x"), len(p))), nil
}

func TestAccess(t *testing.T) {
	b := setup(t, nil)
	plain := func(path string, set func(*http.Request)) (int, http.Header, string) {
		r, err := http.NewRequest("GET", b.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if set != nil {
			set(r)
		}
		return b.do(r)
	}
	for _, c := range []struct {
		path string
		set  func(*http.Request)
		want int
	}{
		{"/api/state", nil, 401},
		{"/api/state", func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") }, 401},
		{"/api/state", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, 200},
		{"/api/state", func(r *http.Request) { r.Header.Set("Cookie", "qwill_token=wrong") }, 401},
		{"/api/state", func(r *http.Request) { r.Header.Set("Cookie", "qwill_token=old; qwill_token="+token) }, 200},
		{"/api/state?token=" + token, nil, 401},
		{"/api/state", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token); r.Host = "evil.com" }, 403},
		{"/api/state", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Origin", "https://evil.com")
		}, 403},
		{"/", nil, 401},
		{"/?token=wrong", nil, 401},
		{"/?token=" + token, nil, 303},
		{"/", func(r *http.Request) { r.Header.Set("Cookie", "qwill_token="+token) }, 200},
		{"/assets/a.js", nil, 200},
		{"/assets/none.js", nil, 404},
		{"/../../etc/passwd.txt", nil, 307}, // to the cleaned path
		{"/etc/passwd.txt", nil, 404},
	} {
		if got, _, text := plain(c.path, c.set); got != c.want {
			t.Errorf("%s: %d, want %d: %s", c.path, got, c.want, text)
		}
	}
	_, h, _ := plain("/?token="+token, nil)
	cookie := h.Get("Set-Cookie")
	for _, part := range []string{"qwill_token=" + token, "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("%s is missing in %q", part, cookie)
		}
	}
	if h.Get("Location") != "/" {
		t.Errorf("it leads to %q", h.Get("Location"))
	}
}

func TestPage(t *testing.T) {
	b := setup(t, nil)
	for path, want := range map[string]string{"/": "<p>page", "/chat/7": "<p>page", "/assets/a.js": "js", "/icon.svg": "<svg/>"} {
		status, h, text := b.do(b.request("GET", path, ""))
		if status != 200 || text != want {
			t.Errorf("%s: %d %q", path, status, text)
		}
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control"} {
			if h.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
	}
	if status, _, _ := b.do(b.request("POST", "/", "{}")); status != 405 {
		t.Errorf("POST /: %d", status)
	}
	unbuilt := setup(t, func(c *api.Config) { c.Static = fstest.MapFS{".gitkeep": {}} })
	if status, _, text := unbuilt.do(unbuilt.request("GET", "/", "")); status != 503 || !strings.Contains(text, "make build") {
		t.Errorf("%d %s", status, text)
	}
}

// plainWriter is the window's: neither a Flusher nor with deadlines.
type plainWriter struct {
	header http.Header
	status int
	bytes.Buffer
}

func (w *plainWriter) Header() http.Header { return w.header }
func (w *plainWriter) WriteHeader(s int)   { w.status = s }

func TestInTheWindow(t *testing.T) {
	var h http.Handler
	b := setup(t, func(c *api.Config) {
		native := *c
		native.Native, native.Token = true, ""
		h = api.New(native)
	})
	_ = b
	serve := func(method, target, body string) *plainWriter {
		w := &plainWriter{header: http.Header{}}
		r := httptest.NewRequest(method, "wails://wails.localhost"+target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(w, r)
		return w
	}
	if w := serve("GET", "/api/state", ""); w.status != 200 || !strings.Contains(w.String(), `"native":true`) {
		t.Errorf("%d %s", w.status, w.String())
	}
	w := serve("POST", "/api/write", `{"command":"proofread","text":"x"}`)
	if w.status != 200 || !strings.Contains(w.String(), "event: delta\n") || !strings.Contains(w.String(), "event: done\n") {
		t.Errorf("%d %s", w.status, w.String())
	}
}

func TestUnwarned(t *testing.T) {
	r := api.WriteResult{Text: "He goes at 9.", Diff: []write.Segment{
		{Kind: write.Same, Old: "He ", New: "He "}, {Kind: write.Change, Old: "go", New: "goes", ID: 1}, {Kind: write.Same, Old: " at ", New: " at "},
		{Kind: write.Change, Old: "8", New: "9", ID: 2, Faults: []write.Fault{{Kind: "number"}}}, {Kind: write.Same, Old: ".", New: "."}}}
	if got := r.Unwarned(); got != "He goes at 8." {
		t.Errorf("%q", got)
	}
	if got := (api.WriteResult{Text: "Short."}).Unwarned(); got != "Short." {
		t.Errorf("%q", got)
	}
}
