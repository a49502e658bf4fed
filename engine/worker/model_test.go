package worker

import (
	"errors"
	"testing"

	"qwill/engine/generate"
	"qwill/engine/proto"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		prompt, asked             int
		memory, weights, perToken int64
		want                      int // MaxTokens after; -1: refused
	}{
		{10, 5, 0, 0, 100, 5},          // unknown memory
		{10, 5, 10000, 1000, 100, 5},   // room for 80
		{10, 0, 10000, 1000, 100, 70},  // no limit asked
		{10, 90, 10000, 1000, 100, 70}, // more asked than there is
		{79, 90, 10000, 1000, 100, 1},
		{80, 1, 10000, 1000, 100, -1},
		{1, 1, 10000, 20000, 100, -1},
	} {
		r := generate.Request{Prompt: make([]int, c.prompt), MaxTokens: c.asked}
		err := fit(&r, c.memory, c.weights, c.perToken)
		var e *proto.Error
		if c.want < 0 {
			if !errors.As(err, &e) || e.Code != proto.CodeMemory {
				t.Errorf("%+v: %v", c, err)
			}
		} else if err != nil || r.MaxTokens != c.want {
			t.Errorf("%+v: %d, %v", c, r.MaxTokens, err)
		}
	}
}
