package serve

import (
	"fmt"
	"strings"

	"qwill/engine/proto"
)

// overhead is what a model needs beside its weights before any text is read:
// work space of the kernels and the first part of the key-value cache.
const overhead = 256 << 20

// room is how much of the machine's memory models may take: a tenth of it, and
// at least 1 GiB where there is more than 4, belongs to the rest of the system.
func room(memory int64) int64 {
	rest := memory / 10
	if memory > 4<<30 {
		rest = max(rest, 1<<30)
	}
	return memory - rest
}

// holds reports whether a machine has room for models whose weights take so
// much together. A machine of unknown memory holds all.
func holds(weights int64, models int, memory int64) bool {
	return memory <= 0 || weights+int64(models)*overhead <= room(memory)
}

// admit refuses models whose weights alone leave too little of the memory.
func admit(path string, weights, memory int64) error {
	if holds(weights, 1, memory) {
		return nil
	}
	return &proto.Error{Code: proto.CodeMemory,
		Message:   fmt.Sprintf("the model needs %s of memory and this machine has %s", gib(weights+overhead), gib(memory)),
		ErrorData: proto.ErrorData{File: path, Hint: "choose a smaller model or one with fewer bits"}}
}

// noRoomBeside refuses a model that does not fit beside those in memory.
func noRoomBeside(path string, weights, memory int64) error {
	return &proto.Error{Code: proto.CodeMemory,
		Message:   fmt.Sprintf("the model needs %s of memory beside the one in use, which leaves too little of this machine's %s", gib(weights+overhead), gib(memory)),
		ErrorData: proto.ErrorData{File: path, Hint: "choose a smaller model for suggestions, or a smaller one for chats"}}
}

func gib(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

// escape makes a path safe as the start of a glob pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
