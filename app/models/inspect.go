package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qwill/app/errs"
)

// configLimit bounds the JSON files that are read here.
const configLimit = 64 << 20

type config struct {
	ModelType    string          `json:"model_type"`
	Context      json.Number     `json:"max_position_embeddings"`
	DType        string          `json:"torch_dtype"`
	DTypeNew     string          `json:"dtype"`
	Quantization json.RawMessage `json:"quantization"`
	Older        json.RawMessage `json:"quantization_config"`
}

// Inspect describes the model folder in MLX form at path, an absolute folder.
// It reads the small files only; the engine checks the weights when it loads
// them.
func Inspect(path string) (Model, error) {
	m := Model{Path: path, Title: filepath.Base(path)}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return m, damaged(path, "There is no such folder.", "check the path")
	}
	var c config
	if err := readJSON(filepath.Join(path, "config.json"), &c); err != nil {
		return m, err
	}
	if c.ModelType == "" {
		return m, damaged(filepath.Join(path, "config.json"), "It has no model_type.", "choose a folder that holds a model in MLX form")
	}
	m.Architecture = c.ModelType
	if n, err := c.Context.Int64(); err == nil && n > 0 && n < 1<<31 {
		m.Context = int(n)
	}
	m.Quantization = quantization(c)
	var err error
	if m.Bytes, err = weights(path); err != nil {
		return m, err
	}
	if _, err := os.Stat(filepath.Join(path, "tokenizer.json")); err != nil {
		return m, damaged(filepath.Join(path, "tokenizer.json"), "The tokenizer is missing.", "download the model again, whole")
	}
	m.CanThink, m.Role = canThink(path), Role(path, "")
	return m, nil
}

func damaged(file, message, hint string) *errs.Error {
	return errs.New(errs.ModelDamaged, 422, "%s", message).At(file).Try("%s", hint)
}

func readJSON(path string, into any) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return damaged(path, "The file is missing.", "choose a folder that holds a model in MLX form, or a .gguf file")
	case err != nil:
		return damaged(path, "The file cannot be read: "+err.Error()+".", "check its permissions")
	case info.IsDir() || info.Size() > configLimit:
		return damaged(path, "This is no model's file.", "download the model again")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return damaged(path, "The file cannot be read: "+err.Error()+".", "check its permissions")
	}
	err = json.Unmarshal(b, into)
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		what := "The file holds"
		if t.Field != "" {
			what = "Its " + t.Field + " is"
		}
		return damaged(path, fmt.Sprintf("%s a JSON %s where another kind is expected.", what, t.Value), "download the model again")
	}
	if err != nil {
		return damaged(path, "The file is damaged: "+err.Error()+".", "download the model again")
	}
	return nil
}

func quantization(c config) string {
	raw := c.Quantization
	if len(raw) == 0 || string(raw) == "null" {
		raw = c.Older
	}
	var q struct {
		Bits  int `json:"bits"`
		Group int `json:"group_size"`
	}
	if json.Unmarshal(raw, &q) == nil && q.Bits > 0 {
		return fmt.Sprintf("%d bit, group %d", q.Bits, q.Group)
	}
	dtype := c.DType
	if dtype == "" {
		dtype = c.DTypeNew
	}
	short := map[string]string{"bfloat16": "bf16", "float16": "fp16", "float32": "f32"}
	if s, ok := short[dtype]; ok {
		return s
	}
	return dtype
}

// weights adds up the weight files and checks that the index's shards are
// there.
func weights(path string) (int64, error) {
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	indexFile := filepath.Join(path, "model.safetensors.index.json")
	wanted := map[string]bool{}
	if _, err := os.Stat(indexFile); err == nil {
		if err := readJSON(indexFile, &index); err != nil {
			return 0, err
		}
		for _, shard := range index.Map {
			if shard != filepath.Base(shard) || strings.Contains(shard, `\`) {
				return 0, damaged(indexFile, fmt.Sprintf("It names a file outside its folder: %q.", shard), "download the model again from a source you trust")
			}
			wanted[shard] = true
		}
	} else {
		found, _ := filepath.Glob(filepath.Join(escape(path), "*.safetensors"))
		for _, f := range found {
			wanted[filepath.Base(f)] = true
		}
	}
	if len(wanted) == 0 {
		return 0, damaged(path, "There are no .safetensors weights.", "choose a folder that holds a model in MLX form, or a .gguf file")
	}
	var total int64
	for shard := range wanted {
		info, err := os.Stat(filepath.Join(path, shard))
		if err != nil || info.IsDir() || info.Size() == 0 {
			return 0, damaged(filepath.Join(path, shard), "This part of the weights is missing or empty.", "download the model again, whole")
		}
		total += info.Size()
	}
	return total, nil
}

// escape keeps a folder's name from being read as a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// canThink looks whether the chat template knows the switch.
func canThink(path string) bool {
	for _, name := range []string{"chat_template.jinja", "chat_template.json", "tokenizer_config.json"} {
		file := filepath.Join(path, name)
		if info, err := os.Stat(file); err != nil || info.Size() > configLimit {
			continue
		}
		if b, err := os.ReadFile(file); err == nil && strings.Contains(string(b), "enable_thinking") {
			return true
		}
	}
	return false
}
