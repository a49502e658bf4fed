package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"qwill/engine/proto"
)

// The test binary is the child too: QWILL_TEST_CHILD says how it behaves.
func TestMain(m *testing.M) {
	if how := os.Getenv("QWILL_TEST_CHILD"); how != "" {
		child0(how)
		return
	}
	os.Exit(m.Run())
}

type wire struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  any             `json:"result,omitempty"`
	Error   any             `json:"error,omitempty"`
}

// child0 is a child that misbehaves on demand.
func child0(how string) {
	out := bufio.NewWriter(os.Stdout)
	send := func(w wire) {
		w.Version = "2.0"
		b, err := json.Marshal(w)
		if err != nil {
			panic(err)
		}
		out.Write(b)
		out.WriteByte('\n')
		out.Flush()
	}
	switch how {
	case "die":
		fmt.Fprintln(os.Stderr, "qwill-engine: error while loading shared libraries: libmlx.so")
		os.Exit(127)
	case "mute":
		time.Sleep(time.Hour)
	case "noise":
		for {
			if _, err := fmt.Println("x"); err != nil {
				return
			}
		}
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			if how == "stubborn" {
				time.Sleep(time.Hour)
			}
			return
		}
		var req wire
		if err := json.Unmarshal(line, &req); err != nil {
			panic(err)
		}
		switch req.Method {
		case proto.MethodHello:
			v := proto.ProtocolVersion
			if how == "old" {
				v = 99
			}
			send(wire{ID: req.ID, Result: proto.HelloResult{Version: v, PID: os.Getpid(), Confined: os.Getenv("QWILL_TEST_NOTE")}})
		case "echo":
			fmt.Println("a library says something on stdout")
			fmt.Println(`{"neither":"is this"}`)
			send(wire{ID: req.ID, Result: req.Params})
		case "count":
			for i := range 2000 {
				p, _ := json.Marshal(map[string]int{"i": i})
				send(wire{Method: "event", Params: p})
			}
			send(wire{ID: req.ID, Result: "done"})
		case "refuse":
			send(wire{ID: req.ID, Error: map[string]any{"code": proto.CodeInvalid, "message": "too hot",
				"data": proto.ErrorData{Field: "temperature", Hint: "use 0 to 2"}}})
		case "hang":
		case "panic":
			panic("index out of range [7]")
		case "orphan":
			cmd := exec.Command("sleep", "1000")
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Start(); err != nil {
				panic(err)
			}
			send(wire{ID: req.ID, Result: cmd.Process.Pid})
		case "exit":
			os.Exit(3)
		}
	}
}

// testHost makes a host over a child that behaves as how says.
func testHost(t *testing.T, how string, cfg Config) *Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Binary == "" {
		cfg.Binary = self
	}
	cfg.Env = append(cfg.Env, "QWILL_TEST_CHILD="+how)
	if cfg.Backoff == 0 {
		cfg.Backoff = 10 * time.Millisecond
	}
	h := New(cfg)
	t.Cleanup(func() { h.Close() })
	return h
}

func call(t *testing.T, h *Host, method string, params, result any) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := h.Call(ctx, method, params, result)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%s hung", method)
	}
	return err
}

func wantCode(t *testing.T, err error, code int, parts ...string) {
	t.Helper()
	var e *proto.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error %v, want code %d", err, code)
	}
	for _, p := range parts {
		if !strings.Contains(e.Error(), p) {
			t.Errorf("error %q does not say %q", e.Error(), p)
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

func TestCall(t *testing.T) {
	h := testHost(t, "good", Config{})
	// Far more than a pipe holds, both ways, and with noise in between.
	big := map[string]string{"text": strings.Repeat("é<\u2028\n", 1<<20)}
	var back map[string]string
	if err := call(t, h, "echo", big, &back); err != nil {
		t.Fatal(err)
	}
	if back["text"] != big["text"] {
		t.Errorf("%d bytes came back, not the %d sent", len(back["text"]), len(big["text"]))
	}
	err := call(t, h, "refuse", nil, nil)
	wantCode(t, err, proto.CodeInvalid, "too hot", "use 0 to 2")
	var e *proto.Error
	if errors.As(err, &e); e.Field != "temperature" {
		t.Errorf("field %q", e.Field)
	}
	if s := h.State(); s.Phase != Ready || s.Hello.PID == 0 {
		t.Errorf("state %+v", s)
	}
}

// Notifications keep their order, and those sent before a response come first.
func TestNotifyOrder(t *testing.T) {
	var got []int
	h := testHost(t, "good", Config{Notify: func(method string, params json.RawMessage) {
		var p struct{ I int }
		if err := json.Unmarshal(params, &p); err != nil || method != "event" {
			t.Errorf("%s: %v", method, err)
		}
		got = append(got, p.I)
	}})
	if err := call(t, h, "count", nil, nil); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2000 {
		t.Fatalf("%d notifications before the response, want 2000", len(got))
	}
	for i, v := range got {
		if v != i {
			t.Fatalf("notification %d is number %d", i, v)
		}
	}
}

// A kill fails what is in flight, names the signal, and the next call works.
func TestKilled(t *testing.T) {
	h := testHost(t, "good", Config{})
	if err := call(t, h, "echo", []int{1}, nil); err != nil {
		t.Fatal(err)
	}
	pid := h.State().Hello.PID
	failed := make(chan error)
	go func() { failed <- h.Call(t.Context(), "hang", nil, nil) }()
	time.Sleep(50 * time.Millisecond)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantCode(t, <-failed, proto.CodeCrashed, "signal killed")
	if err := call(t, h, "echo", []int{1}, nil); err != nil {
		t.Fatalf("next call: %v", err)
	}
	waitGone(t, pid)
	s := h.State()
	if s.Hello.PID == pid || s.Attempt != 1 || !strings.Contains(s.Cause, "killed") {
		t.Errorf("state %+v after one crash", s)
	}
	h.Success()
	if s := h.State(); s.Attempt != 0 {
		t.Errorf("attempt %d after a success", s.Attempt)
	}
}

func TestCause(t *testing.T) {
	h := testHost(t, "good", Config{})
	wantCode(t, call(t, h, "panic", nil, nil), proto.CodeCrashed, "exit code 2", "panic: index out of range [7]")
	wantCode(t, call(t, h, "exit", nil, nil), proto.CodeCrashed, "exit code 3")
}

// Three deaths in a row without a success end in Failed; a call later tries once.
func TestGiveUp(t *testing.T) {
	var mu sync.Mutex
	var phases []string
	h := testHost(t, "good", Config{Retry: 300 * time.Millisecond})
	h.Subscribe(func(s State) {
		mu.Lock()
		defer mu.Unlock()
		phases = append(phases, fmt.Sprint(s.Phase, s.Attempt))
	})
	for range 3 {
		wantCode(t, call(t, h, "exit", nil, nil), proto.CodeCrashed, "exit code 3")
	}
	wantCode(t, call(t, h, "echo", []int{1}, nil), proto.CodeUnavailable, "exit code 3")
	mu.Lock()
	got := strings.Join(phases, " ")
	mu.Unlock()
	want := "stopped0 starting0 ready0 restarting1 ready1 restarting2 ready2 failed3"
	if got != want {
		t.Errorf("phases %s, want %s", got, want)
	}
	time.Sleep(350 * time.Millisecond)
	if err := call(t, h, "echo", []int{1}, nil); err != nil {
		t.Errorf("call after the pause: %v", err)
	}
}

func TestCannotStart(t *testing.T) {
	t.Run("dies", func(t *testing.T) {
		h := testHost(t, "die", Config{})
		wantCode(t, call(t, h, "echo", nil, nil), proto.CodeUnavailable, "exit code 127", "libmlx.so")
		if n := h.State().Attempt; n != 3 {
			t.Errorf("%d attempts, want 3", n)
		}
	})
	t.Run("missing", func(t *testing.T) {
		h := testHost(t, "good", Config{Binary: filepath.Join(t.TempDir(), "none")})
		wantCode(t, call(t, h, "echo", nil, nil), proto.CodeUnavailable, "none")
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("QWILL_ENGINE", "/nowhere/qwill-engine")
		_, err := Find()
		wantCode(t, err, proto.CodeUnavailable, "/nowhere/qwill-engine", "QWILL_ENGINE")
		h := New(Config{})
		t.Cleanup(func() { h.Close() })
		for range 2 { // the refusal after the first try says the same
			err := call(t, h, "echo", nil, nil)
			wantCode(t, err, proto.CodeUnavailable)
			var e *proto.Error
			if errors.As(err, &e); e.File != "/nowhere/qwill-engine" || !strings.Contains(e.Hint, "QWILL_ENGINE") {
				t.Errorf("file %q, hint %q", e.File, e.Hint)
			}
		}
	})
	t.Run("version", func(t *testing.T) {
		h := testHost(t, "old", Config{})
		wantCode(t, call(t, h, "echo", nil, nil), proto.CodeUnavailable, "protocol 99")
		if n := h.State().Attempt; n != 1 {
			t.Errorf("%d attempts at a wrong version, want 1", n)
		}
	})
	t.Run("mute", func(t *testing.T) {
		h := testHost(t, "mute", Config{Hello: 50 * time.Millisecond})
		wantCode(t, call(t, h, "echo", nil, nil), proto.CodeUnavailable, "hello")
		if n := h.State().Attempt; n != 1 {
			t.Errorf("%d attempts at a mute program, want 1", n)
		}
	})
	t.Run("noise", func(t *testing.T) {
		h := testHost(t, "noise", Config{})
		wantCode(t, call(t, h, "echo", nil, nil), proto.CodeUnavailable, "no JSON-RPC message")
	})
}

func TestClose(t *testing.T) {
	for _, how := range []string{"good", "stubborn"} {
		t.Run(how, func(t *testing.T) {
			h := testHost(t, how, Config{Grace: 100 * time.Millisecond})
			var orphan int
			if err := call(t, h, "orphan", nil, &orphan); err != nil {
				t.Fatal(err)
			}
			pid := h.State().Hello.PID
			failed := make(chan error, 1)
			go func() { failed <- h.Call(t.Context(), "hang", nil, nil) }()
			time.Sleep(20 * time.Millisecond)
			start := time.Now()
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("closing took %v", d)
			}
			if <-failed == nil {
				t.Error("a call in flight succeeded")
			}
			waitGone(t, pid)
			waitGone(t, orphan)
			wantCode(t, call(t, h, "echo", nil, nil), proto.CodeUnavailable, "closed")
			if s := h.State(); s.Phase != Stopped {
				t.Errorf("phase %s", s.Phase)
			}
		})
	}
}

func TestCallCancelled(t *testing.T) {
	h := testHost(t, "good", Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := h.Call(ctx, "hang", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if err := call(t, h, "echo", []int{1}, nil); err != nil {
		t.Errorf("the child does not answer after a cancelled call: %v", err)
	}
}

// The child dies with its parent, even when the parent has no time to say so.
func TestParentKilled(t *testing.T) {
	if os.Getenv("QWILL_TEST_PARENT") != "" {
		h := testHost(t, "stubborn", Config{})
		if _, err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Println("pid", h.State().Hello.PID)
		time.Sleep(time.Hour)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestParentKilled$", "-test.v")
	cmd.Env = append(os.Environ(), "QWILL_TEST_PARENT=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for sc := bufio.NewScanner(out); sc.Scan(); {
		if _, err := fmt.Sscanf(sc.Text(), "pid %d", &pid); err == nil {
			break
		}
	}
	if pid == 0 || !alive(pid) {
		t.Fatalf("no child, pid %d", pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitGone(t, pid)
}

func TestStderrCause(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"one\ntwo\n", "two"},
		{"note\npanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n", "panic: boom"},
		{"terminate called after throwing\n  what():  bad\n", "what():  bad"},
		{"unfinished", "unfinished"},
		{"cannot load bar\ntime=2026 level=INFO msg=\"model open\"\n", "cannot load bar"},
		{"time=2026 level=INFO msg=\"model open\"\n", ""},
		{strings.Repeat("x", 5000) + "\n", strings.Repeat("x", stderrWidth)},
	} {
		s := &stderrLog{}
		for i := range len(c.in) { // in the smallest pieces
			s.Write([]byte{c.in[i]})
		}
		if got := s.Cause(); got != c.want {
			t.Errorf("cause of %.20q is %.40q, want %.40q", c.in, got, c.want)
		}
	}
	s := &stderrLog{}
	for i := range 10000 {
		fmt.Fprintf(s, "line %d\n", i)
	}
	if n := len(s.Lines()); n != stderrLines {
		t.Errorf("%d lines kept, want %d", n, stderrLines)
	}
}

// A child that dies is told with its last lines; one that is ended is not.
func TestCrashesAreTold(t *testing.T) {
	var mu sync.Mutex
	var told []string
	tell := func(cause string, stderr []string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, cause+" | "+strings.Join(stderr, " | "))
	}
	h := testHost(t, "good", Config{Crashed: tell})
	if err := call(t, h, "echo", map[string]int{"a": 1}, nil); err != nil {
		t.Fatal(err)
	}
	if !h.Rest() {
		t.Fatal("it did not rest")
	}
	if err := call(t, h, "echo", map[string]int{"a": 1}, nil); err != nil {
		t.Fatal(err)
	}
	wantCode(t, call(t, h, "panic", nil, nil), proto.CodeCrashed, "index out of range")
	h.Close()
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || !strings.Contains(told[0], "exit code 2") || !strings.Contains(told[0], "goroutine 1 [running]:") {
		t.Errorf("told %q", told)
	}
}
