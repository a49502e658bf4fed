package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qwill/engine/proto"
	"qwill/engine/tokenizer"
)

// maxConfig bounds tokenizer_config.json and chat_template.jinja in bytes.
const maxConfig = 16 << 20

// Load finds the chat template of a model folder: chat_template.jinja, else
// chat_template of tokenizer_config.json, else the built-in one. A template
// that is there but broken is an error, a *proto.Error that names the file.
func Load(dir string, tok *tokenizer.Tokenizer) (*Template, error) {
	config := filepath.Join(dir, "tokenizer_config.json")
	source, tokens, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	file := config
	alone := filepath.Join(dir, "chat_template.jinja")
	switch data, err := readSmall(alone); {
	case err == nil:
		source, file = string(data), alone
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fileError(alone, "", err)
	}
	if source == "" {
		_, thinks := tok.ID("<think>")
		return Builtin(thinks), nil
	}
	t, err := Parse(source, tokens)
	var e *proto.Error
	if errors.As(err, &e) {
		e.File = file
	}
	return t, err
}

// readConfig gives the template and the special tokens of
// tokenizer_config.json; a missing file gives nothing.
func readConfig(path string) (source string, tokens map[string]string, err error) {
	data, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fileError(path, "", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return "", nil, fileError(path, "", err)
	}
	tokens = map[string]string{}
	for _, key := range []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"} {
		raw, ok := fields[key]
		if !ok {
			continue
		}
		var token string
		var object struct {
			Content string `json:"content"`
		}
		switch {
		case json.Unmarshal(raw, &token) == nil && token != "":
			tokens[key] = token
		case json.Unmarshal(raw, &object) == nil && object.Content != "":
			tokens[key] = object.Content
		}
	}
	raw, ok := fields["chat_template"]
	if !ok || string(raw) == "null" {
		return "", tokens, nil
	}
	if json.Unmarshal(raw, &source) == nil {
		return source, tokens, nil
	}
	var named []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		return "", nil, fileError(path, "chat_template", errors.New("neither a text nor a list of named templates"))
	}
	for _, n := range named {
		if n.Name == "default" {
			return n.Template, tokens, nil
		}
	}
	return "", tokens, nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return nil, fmt.Errorf("not a regular file of at most %d MB", maxConfig>>20)
	}
	return os.ReadFile(path)
}

func fileError(path, field string, err error) error {
	e := &proto.Error{Code: proto.CodeTemplate, Message: "cannot read the chat template: " + err.Error()}
	e.File, e.Field = path, field
	e.Hint = "import or download the model again"
	return e
}
