package serve

import (
	"fmt"
	"strings"

	"qwill/engine/proto"
)

// overhead is what a model needs beside its weights before any text is read:
// work space of the kernels and the first part of the key-value cache.
const overhead = 256 << 20

// admit refuses models whose weights leave too little of the machine's memory:
// a tenth, and at least 1 GiB where there is more than 4, belongs to the rest of
// the system. A machine of unknown memory admits all.
func admit(path string, weights, memory int64) error {
	if memory <= 0 {
		return nil
	}
	rest := memory / 10
	if memory > 4<<30 {
		rest = max(rest, 1<<30)
	}
	if need := weights + overhead; need > memory-rest {
		return &proto.Error{Code: proto.CodeMemory,
			Message:   fmt.Sprintf("the model needs %s of memory and this machine has %s", gib(need), gib(memory)),
			ErrorData: proto.ErrorData{File: path, Hint: "choose a smaller model or one with fewer bits"}}
	}
	return nil
}

func gib(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

// escape makes a path safe as the start of a glob pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
