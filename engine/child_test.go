package engine_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The child answers nonsense with errors, keeps answering, and ends by itself
// when its stdin does.
func TestChildAlone(t *testing.T) {
	cmd := exec.Command(binary)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	ask := func(line string) (code int, result string) {
		t.Helper()
		if _, err := fmt.Fprintln(in, line); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() {
			t.Fatalf("the child ended at %.60q", line)
		}
		var r struct {
			Result json.RawMessage
			Error  struct{ Code int }
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("answer %q: %v", lines.Text(), err)
		}
		return r.Error.Code, string(r.Result)
	}
	for _, bad := range []string{
		`nonsense`, `{"jsonrpc":"2.0","id":1`, `[]`, `{}`, `{"jsonrpc":"2.0","id":2,"method":"fly"}`,
		`{"jsonrpc":"2.0","id":3,"method":"generate"}`,
		`{"jsonrpc":"2.0","id":4,"method":"generate","params":{"max_tokens":"many"}}`,
		`{"jsonrpc":"2.0","id":5,"method":"generate","params":{"surprise":1}}`,
		`{"jsonrpc":"2.0","id":6,"method":"open","params":{"path":"../model","mode":"exact"}}`,
		`{"jsonrpc":"2.0","id":7,"method":"open","params":{"path":"/nowhere","mode":"exact"}}`,
		`{"jsonrpc":"2.0","id":8,"method":"import","params":{"source":"a.gguf","target":"b"}}`,
		`{"jsonrpc":"2.0","id":9,"method":"generate","params":` + strings.Repeat(`[`, 20000) + strings.Repeat(`]`, 20000) + `}`,
	} {
		if code, result := ask(bad); code == 0 {
			t.Errorf("%.60q was answered with %s", bad, result)
		}
	}
	if code, result := ask(`{"jsonrpc":"2.0","id":99,"method":"hello","params":{"version":1}}`); code != 0 || !strings.Contains(result, `"kernels"`) {
		t.Errorf("hello: %d %s", code, result)
	}
	in.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("at the end of its stdin: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the child outlives its stdin")
	}
}
