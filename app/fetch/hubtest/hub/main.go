// Command hub serves a hub on loopback for tests outside Go: it prints its
// address as JSON and ends when its standard input does. Faults are armed by
// POST /_control.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"qwill/app/fetch/hubtest"
)

func main() {
	huge := flag.Int("huge", 0, "MiB of weights in test/Huge, for measurements; 0: there is none")
	flag.Parse()
	h := hubtest.New()
	defer h.Close()
	h.Put("Qwen/Qwen3-0.6B-MLX-4bit", hubtest.Tiny())
	// Large enough to be watched.
	big := hubtest.Tiny()
	big["model-extra.safetensors"] = bytes.Repeat([]byte("0123456789abcdef"), 1<<19)
	h.Put("test/Large", big)
	if *huge > 0 {
		weights := make([]byte, *huge<<20)
		r := rand.NewChaCha8([32]byte{1})
		_, _ = r.Read(weights)
		most := hubtest.Tiny()
		most["model-extra.safetensors"] = weights
		h.Put("test/Huge", most)
	}
	other := hubtest.Tiny()
	other["config.json"] = []byte(strings.Replace(string(other["config.json"]), `"qwen3"`, `"qwen3_moe"`, 1))
	h.Put("Qwen/Qwen3-30B-A3B-MLX-4bit", other)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"url": h.URL, "cdn": h.CDN}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}
