package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"qwill/app/chat"
	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/paths"
)

// These tests run the built binaries with the starter model.

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("QWILL_TEST_BINARY") // an installed copy
	if path == "" {
		path = "../../build/bin/qwill"
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v (run make build first)", err)
	}
	return path
}

// program gives a run of the built qwill below home.
func program(t *testing.T, home string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Env = append(os.Environ(), paths.HomeVariable+"="+home, "QWILL_ENGINE=", tokenVariable+"=token", keyVariable+"=key")
	return cmd
}

// installed is a home with the starter installed, made once for all tests and
// copied for each: a conversion takes seconds.
var installed string

func TestMain(m *testing.M) {
	code := m.Run()
	if installed != "" {
		os.RemoveAll(installed)
	}
	os.Exit(code)
}

func home(t *testing.T) string {
	t.Helper()
	if installed == "" {
		dir, err := os.MkdirTemp("", "qwill-home-")
		if err != nil {
			t.Fatal(err)
		}
		installed = dir
		out, err := program(t, dir, "models", "list", "--json").CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(`"starter":true`)) {
			t.Fatalf("the starter was not installed: %v %s", err, out)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(installed)); err != nil {
		t.Fatal(err)
	}
	// The list of models holds absolute paths: let the copy find its own again.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(paths.Under(dir).Database() + suffix)
	}
	return dir
}

// end asks a program to end, and makes it after a while.
func end(cmd *exec.Cmd, how os.Signal) {
	cmd.Process.Signal(how)
	late := time.AfterFunc(15*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	cmd.Wait()
}

func output(t *testing.T, cmd *exec.Cmd) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

func TestChatOnTheCommandLine(t *testing.T) {
	dir := home(t)
	var first string
	for range 2 {
		code, out, errOut := output(t, program(t, dir, "chat", "-m", "starter", "--temp", "0.8", "--seed", "7", "--max-tokens", "24", "--mode", "exact", "Name three colours."))
		if code != 0 || len(strings.TrimSpace(out)) < 3 || strings.Contains(out, "\ufffd") {
			t.Fatalf("exit %d, %q %q", code, out, errOut)
		}
		if first == "" {
			first = out
		}
		if out != first {
			t.Errorf("same seed, other text: %q and %q", first, out)
		}
	}
	cmd := program(t, dir, "chat", "--json", "--max-tokens", "8", "--temp", "0")
	cmd.Stdin = strings.NewReader("What is the capital of France?\n")
	code, out, errOut := output(t, cmd)
	var got answered
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Text == "" || got.Model != "starter" || got.Stats.CompletionTokens > 8 || got.Stats.PromptTokens == 0 {
		t.Errorf("exit %d, %v, %s %s", code, err, out, errOut)
	}
}

// Ctrl-C keeps the partial answer on stdout.
func TestInterrupt(t *testing.T) {
	cmd := program(t, home(t), "chat", "--temp", "0", "Write a very long story about a fox and a hen.")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a terminal: the whole group gets the signal
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	begin := make([]byte, 10)
	if _, err := io.ReadFull(r, begin); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(r)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !bytes.HasSuffix(rest, []byte("\n")) {
		t.Errorf("exit %d, %q", code, rest)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}

// page is a running qwill ui.
type page struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string
}

func openPage(t *testing.T, dir string) *page {
	t.Helper()
	cmd := program(t, dir, "ui", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd, syscall.SIGTERM) })
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(said.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &page{t, cmd, "http://" + u.Host}
}

func (p *page) request(method, path, body string) *http.Response {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	p.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer token")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { res.Body.Close() })
	return res
}

func (p *page) call(method, path, body string, v any) {
	p.t.Helper()
	res := p.request(method, path, body)
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, b, err)
	}
	if v != nil {
		if err := json.Unmarshal(b, v); err != nil {
			p.t.Fatal(err)
		}
	}
}

// ready waits until a model is installed and gives its name.
func (p *page) ready() {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var all []struct{ Name string }
		if p.call("GET", "/api/models", "", &all); len(all) > 0 {
			return
		}
	}
	p.t.Fatal("no model was installed")
}

// talk starts a long reply and returns when n deltas were read.
func (p *page) talk(n int) (chatID, text string) {
	p.t.Helper()
	var c chat.Chat
	p.call("POST", "/api/chats", `{"sampling":{"temperature":0,"max_tokens":800}}`, &c)
	p.call("POST", "/api/chats/"+c.ID+"/messages", `{"content":"Write a very long story about a fox and a hen."}`, nil)
	return c.ID, p.deltas(c.ID, n)
}

// deltas reads text from a chat's stream until n parts came, or its end.
func (p *page) deltas(id string, n int) string {
	p.t.Helper()
	res := p.request("GET", "/api/chats/"+id+"/stream", "")
	var text, name string
	s := bufio.NewScanner(res.Body)
	s.Buffer(nil, 1<<20)
	for n > 0 && s.Scan() {
		if v, ok := strings.CutPrefix(s.Text(), "event: "); ok {
			name = v
		}
		data, ok := strings.CutPrefix(s.Text(), "data: ")
		if !ok {
			continue
		}
		switch name {
		case chat.EventDelta:
			var d chat.Delta
			if err := json.Unmarshal([]byte(data), &d); err != nil {
				p.t.Fatal(err)
			}
			text += d.Text
			n--
		case chat.EventDone:
			return text
		}
	}
	return text
}

func (p *page) last(id string) chat.Message {
	p.t.Helper()
	var c chat.Chat
	p.call("GET", "/api/chats/"+id, "", &c)
	return c.Messages[len(c.Messages)-1]
}

// settled waits for the last reply's end.
func (p *page) settled(id string) chat.Message {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if m := p.last(id); !m.Status.Running() {
			return m
		}
	}
	p.t.Fatal("the reply did not end")
	return chat.Message{}
}

// engineOf finds the child of a process.
func engineOf(t *testing.T, parent int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("children are found through /proc")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		// pid (name) state ppid
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) && bytes.Contains(stat, []byte("(qwill-engine)")) {
			return pid
		}
	}
	t.Fatal("no engine runs")
	return 0
}

// kill -9 of the app in mid-reply: the text is there at the next start, and
// the engine does not stay behind.
func TestKilledAppKeepsTheReply(t *testing.T) {
	dir := home(t)
	p := openPage(t, dir)
	p.ready()
	id, _ := p.talk(12)
	seen := p.last(id).Content
	time.Sleep(1500 * time.Millisecond) // several flushes, on a busy machine too
	engine := engineOf(t, p.cmd.Process.Pid)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.cmd.Wait()

	again := openPage(t, dir)
	m := again.last(id)
	if m.Status != chat.Interrupted || m.Error == nil || m.Error.Code != errs.Interrupted {
		t.Errorf("the reply is %s, %+v", m.Status, m.Error)
	}
	if seen == "" || !strings.HasPrefix(m.Content, seen) {
		t.Errorf("of %q there is %q", seen, m.Content)
	}
	for deadline := time.Now().Add(5 * time.Second); syscall.Kill(engine, 0) == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("the killed app's engine still runs")
			break
		}
	}
	again.ready()
	again.call("PATCH", "/api/chats/"+id, `{"sampling":{"temperature":0,"max_tokens":8}}`, nil)
	again.call("POST", "/api/chats/"+id+"/messages", `{"content":"And then?"}`, nil)
	if m := again.settled(id); m.Status != chat.Done || m.Content == "" {
		t.Errorf("the next reply: %+v", m)
	}
}

// kill -9 of the engine in mid-reply: app, chat and partial reply stay whole,
// and the next message works.
func TestKilledEngineKeepsTheReply(t *testing.T) {
	dir := home(t)
	p := openPage(t, dir)
	p.ready()
	id, text := p.talk(8)
	if err := syscall.Kill(engineOf(t, p.cmd.Process.Pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m := p.settled(id)
	if m.Status != chat.Interrupted || m.Error == nil || m.Error.Code != errs.EngineCrash || !strings.HasPrefix(m.Content, text) {
		t.Errorf("after %q: %+v %+v", text, m, m.Error)
	}
	p.call("PATCH", "/api/chats/"+id, `{"sampling":{"temperature":0,"max_tokens":8}}`, nil)
	p.call("POST", "/api/chats/"+id+"/messages", `{"content":"And then?"}`, nil)
	if m := p.settled(id); m.Status != chat.Done || m.Content == "" || m.Stats == nil {
		t.Errorf("the next reply: %+v", m)
	}
	// The death is on record, without a word of the reply.
	reports, err := filepath.Glob(filepath.Join(paths.Under(dir).Logs, "crash-*.txt"))
	if err != nil || len(reports) != 1 {
		t.Fatalf("reports %v %v", reports, err)
	}
	b, err := os.ReadFile(reports[0])
	if err != nil || !strings.Contains(string(b), "signal killed") || strings.Contains(string(b), "fox") {
		t.Errorf("%v: %s", err, b)
	}
	var d diag.Report
	if p.call("GET", "/api/doctor", "", &d); !strings.Contains(d.Text, filepath.Base(reports[0])) {
		t.Errorf("the doctor does not tell of it: %s", d.Text)
	}
}

// A command goes before a running reply, which resumes by itself.
func TestCommandGoesBeforeTheReply(t *testing.T) {
	p := openPage(t, home(t))
	p.ready()
	id, _ := p.talk(4)
	start := time.Now()
	res := p.request("POST", "/api/write", `{"command":"ask","text":"What is the capital of France?","door":"prompt"}`)
	var names []string
	first := time.Duration(0)
	for s := bufio.NewScanner(res.Body); s.Scan(); {
		name, ok := strings.CutPrefix(s.Text(), "event: ")
		if !ok {
			continue
		}
		if name == chat.EventDelta && first == 0 {
			first = time.Since(start)
		}
		names = append(names, name)
	}
	if first == 0 || first > 3*time.Second || names[len(names)-1] != chat.EventDone {
		t.Errorf("the first word came after %v, events %v", first, names)
	}
	t.Logf("first word after %v", first)
	if m := p.last(id); m.Status != chat.Writing {
		t.Errorf("the reply is %s", m.Status)
	}
	before := len(p.last(id).Content)
	p.deltas(id, 12)
	if after := p.last(id); len(after.Content) <= before {
		t.Errorf("the reply did not resume: %d, then %d bytes", before, len(after.Content))
	}
	p.call("POST", "/api/chats/"+id+"/stop", "", nil)
	if m := p.last(id); m.Status != chat.Stopped || m.Stats == nil {
		t.Errorf("after the stop: %+v", m)
	}
}

// server is a running qwill serve.
type server struct {
	t   *testing.T
	url string
}

func serveStarter(t *testing.T) *server { return serveIn(t, home(t)) }

func serveIn(t *testing.T, dir string) *server {
	t.Helper()
	cmd := program(t, dir, "serve", "--addr", "127.0.0.1:0", "--json", "--mode", "exact")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end(cmd, syscall.SIGINT)
		if code := cmd.ProcessState.ExitCode(); code != exitOK {
			t.Errorf("exit %d: %s", code, errOut.String())
		}
		if strings.Contains(errOut.String(), ": key") {
			t.Errorf("the given key was printed: %s", errOut.String())
		}
	})
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatalf("%v %s", err, errOut.String())
	}
	return &server{t, said.URL}
}

func (s *server) post(ctx context.Context, path, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer key")
	r.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(r)
}

func (s *server) ask(path, body string) map[string]any {
	s.t.Helper()
	res, err := s.post(s.t.Context(), path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != 200 {
		s.t.Fatalf("%s: %d %v %v", path, res.StatusCode, got, err)
	}
	return got
}

func TestServeSpeaksOpenAI(t *testing.T) {
	s := serveStarter(t)
	got := s.ask("/chat/completions", `{"model":"starter","messages":[{"role":"user","content":"What is the capital of France?"}],"temperature":0,"max_tokens":16}`)
	text := fmt.Sprint(got["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"])
	if !strings.Contains(text, "Paris") {
		t.Errorf("the capital of France: %q", text)
	}
	// The prompt's own tokens: as many as the usage says, the first without a
	// probability, their texts joined the prompt itself.
	prompt := "The quick brown fox jumps over the lazy dog. Grüße, 世界!"
	body, _ := json.Marshal(map[string]any{"prompt": prompt, "echo": true, "logprobs": 2, "max_tokens": 0})
	got = s.ask("/completions", string(body))
	choice := got["choices"].([]any)[0].(map[string]any)
	l := choice["logprobs"].(map[string]any)
	n := int(got["usage"].(map[string]any)["prompt_tokens"].(float64))
	if choice["text"] != prompt || len(l["tokens"].([]any)) != n || len(l["text_offset"].([]any)) != n {
		t.Errorf("%d tokens: %v", n, choice)
	}
	for i, v := range l["token_logprobs"].([]any) {
		if p, ok := v.(float64); i == 0 && v != nil || i > 0 && (!ok || p > 0) {
			t.Errorf("token %d has %v", i, v)
		}
	}
}

// Other programs reach the commands too, also one that was made while the
// server ran.
func TestServeOffersTheCommands(t *testing.T) {
	dir := home(t)
	s := serveIn(t, dir)
	message := func(got map[string]any) string {
		return fmt.Sprint(got["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"])
	}
	text := "The meeting with Anna is on 3 March at 10:30 in room 12."
	got := s.ask("/chat/completions", `{"model":"command/rewrite","messages":[{"role":"user","content":"`+text+`"}],"temperature":0}`)
	for _, kept := range []string{"Anna", "3 March", "10:30", "12"} {
		if !strings.Contains(message(got), kept) && got["warnings"] == nil {
			t.Errorf("%q is lost without a warning: %v", kept, got)
		}
	}
	if got["model"] != "command/rewrite" || got["usage"].(map[string]any)["completion_tokens"].(float64) < 1 {
		t.Errorf("%v", got)
	}

	const shout = `{"model":"command/my-shout-it","messages":[{"role":"user","content":"Good morning."}],"temperature":0,"max_tokens":24}`
	res, err := s.post(t.Context(), "/chat/completions", shout)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "command/rewrite") {
		t.Errorf("an unknown command: %d %s", res.StatusCode, body)
	}
	if out, err := program(t, dir, "commands", "add", "Shout it", "--instruction", "Write the text in capital letters.").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if got := s.ask("/chat/completions", shout); message(got) == "" {
		t.Errorf("%v", got)
	}
}

// A client that leaves in mid-stream frees the engine at once.
func TestServeForgetsWhoLeft(t *testing.T) {
	s := serveStarter(t)
	ctx, leave := context.WithCancel(t.Context())
	res, err := s.post(ctx, "/chat/completions", `{"messages":[{"role":"user","content":"Write a very long story."}],"stream":true,"max_tokens":4000,"temperature":0}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}
	leave()
	res.Body.Close()
	start := time.Now()
	s.ask("/completions", `{"prompt":"Hi","max_tokens":1}`)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("the next request waited %v", d)
	}
}

// More requests than the queue holds: each is answered or refused, none hangs.
func TestServeBoundsItsQueue(t *testing.T) {
	s := serveStarter(t)
	const n = 90
	statuses := make(chan int, n)
	for range n {
		go func() {
			res, err := s.post(t.Context(), "/completions", `{"prompt":"One two three","max_tokens":2,"temperature":0}`)
			if err != nil {
				statuses <- 0
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			statuses <- res.StatusCode
		}()
	}
	count := map[int]int{}
	for range n {
		count[<-statuses]++
	}
	if count[200]+count[503] != n || count[200] < 64 {
		t.Errorf("statuses %v", count)
	}
	s.ask("/completions", `{"prompt":"Hi","max_tokens":1}`)
}

func TestDraftsOnTheCommandLine(t *testing.T) {
	dir := home(t)
	cmd := program(t, dir, "write", "reply", "--drafts", "--json", "--temp", "0")
	cmd.Stdin = strings.NewReader("Hi Sam, can you join us for dinner on Friday at 7? Anna\n")
	code, out, errOut := output(t, cmd)
	var got struct {
		Drafts []struct{ Intent, Text string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || len(got.Drafts) != 3 {
		t.Fatalf("exit %d, %v %s %s", code, err, out, errOut)
	}
	seen := map[string]bool{}
	for _, d := range got.Drafts {
		if seen[d.Intent] || !slices.Contains([]string{"agree", "decline", "ask", "postpone"}, d.Intent) || strings.TrimSpace(d.Text) == "" || len(d.Text) > 1600 {
			t.Errorf("%+v", d)
		}
		seen[d.Intent] = true
	}
	for _, args := range [][]string{{"write", "reply", "--drafts"}, {"write", "rewrite", "--drafts"}} {
		cmd = program(t, dir, args...)
		text := " \n"
		if args[1] == "rewrite" {
			text = "A text.\n"
		}
		cmd.Stdin = strings.NewReader(text)
		if code, out, errOut := output(t, cmd); code == 0 || out != "" || errOut == "" {
			t.Errorf("%v: exit %d, %q %q", args, code, out, errOut)
		}
	}
}

func TestWriteOnTheCommandLine(t *testing.T) {
	dir := home(t)
	cmd := program(t, dir, "write", "summarize", "--mode", "exact", "--temp", "0", "--max-tokens", "40")
	cmd.Stdin = strings.NewReader("The meeting moved from Monday to Wednesday because the room was taken. Everyone agreed.\n")
	if code, out, errOut := output(t, cmd); code != 0 || len(strings.TrimSpace(out)) < 5 || strings.Contains(out, "<text>") {
		t.Errorf("exit %d, %q %q", code, out, errOut)
	}
	cmd = program(t, dir, "write", "proofread", "--json", "--mode", "exact", "--temp", "0", "--max-tokens", "40")
	text := "he go to school yesterday.\n"
	cmd.Stdin = strings.NewReader(text)
	code, out, errOut := output(t, cmd)
	var got struct {
		Text, Original, Shape string
		Diff                  []struct{ Old, New string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
		t.Fatalf("exit %d, %v %s %s", code, err, out, errOut)
	}
	var before, after string
	for _, s := range got.Diff {
		before += s.Old
		after += s.New
	}
	if before != text || after != got.Text || got.Original != text || got.Shape != "diff" {
		t.Errorf("got %+v", got)
	}
}

func TestBenchOnTheCommandLine(t *testing.T) {
	code, out, errOut := output(t, program(t, home(t), "bench", "-m", "starter", "--prompt", "32", "--gen", "8", "--runs", "1", "--json"))
	var got struct {
		Machine, Model string
		Runs           []struct {
			Mode        string
			Prompt, Gen int
			Prefill     float64 `json:"prefill_tokens_per_second"`
			Decode      float64 `json:"decode_tokens_per_second"`
			TTFT        float64 `json:"ttft_ms"`
			Peak        int64   `json:"peak_memory_bytes"`
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Machine == "" || got.Model != "starter" || len(got.Runs) != 2 {
		t.Fatalf("exit %d, %v %s %s", code, err, out, errOut)
	}
	for _, r := range got.Runs {
		if r.Prompt != 32 || r.Gen != 8 || r.Prefill <= 0 || r.Decode <= 0 || r.TTFT <= 0 || r.Peak <= 0 {
			t.Errorf("got %+v", r)
		}
	}
}

func TestDoctorFindsAllWell(t *testing.T) {
	code, out, errOut := output(t, program(t, home(t), "doctor", "--json"))
	var d diag.Report
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != 0 || d.Problems != 0 {
		t.Fatalf("exit %d, %v %s %s", code, err, out, errOut)
	}
	names := map[string]bool{}
	for _, c := range d.Checks {
		names[c.Name] = true
	}
	for _, want := range []string{"engine", "processor", "model starter", "loading", "database"} {
		if !names[want] {
			t.Errorf("%s was not looked at: %s", want, out)
		}
	}
}
