package openai

import (
	"encoding/json"
	"errors"
	"testing"

	"qwill/app/errs"
)

// Whatever a request holds, it is refused with a typed error or gives
// parameters that the engine takes.
func FuzzParams(f *testing.F) {
	for _, s := range []string{
		`{"messages":[{"role":"user","content":"q"}],"stop":["a"],"logprobs":true,"top_logprobs":3}`,
		`{"messages":[{"role":"assistant","content":null},{"role":"user","content":[{"type":"text","text":"x"}]}]}`,
		`{"prompt":[[1,2],[3]],"echo":true,"max_tokens":0,"logprobs":2}`,
		`{"prompt":["a","b"],"temperature":1.5,"top_p":0.1,"seed":18446744073709551615}`,
		`{"messages":[{"role":"user","content":"q"}],"response_format":{"type":"json_schema","json_schema":{"schema":{}}},"guided_choice":["a"]}`,
		`{"prompt":"x","guided_json":{},"guided_regex":"a"}`,
		`{"prompt":"x","n":1,"best_of":1,"suffix":"","stop":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var chat ChatRequest
		if json.Unmarshal(body, &chat) == nil {
			p, err := chat.Params()
			typed(t, err)
			if err == nil {
				p.Path, p.Mode = "/m", "exact"
				if e := p.Validate(); e != nil {
					t.Errorf("%s: the engine refuses %v", body, e)
				}
			}
		}
		var completion CompletionRequest
		if json.Unmarshal(body, &completion) == nil {
			all, _, err := completion.Params()
			typed(t, err)
			for _, p := range all {
				p.Path, p.Mode = "/m", "exact"
				if e := p.Validate(); e != nil {
					t.Errorf("%s: the engine refuses %v", body, e)
				}
			}
		}
	})
}

func typed(t *testing.T, err error) {
	if e, ok := errors.AsType[*errs.Error](err); err != nil && (!ok || e.Status != 400 || e.Detail == "") {
		t.Errorf("untyped error %v", err)
	}
}
