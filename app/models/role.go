package models

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"qwill/app/errs"
)

// What a model is for.
const (
	RoleChat      = "chat"
	RoleEmbedding = "embedding" // gives a vector for a text
	RoleReranker  = "reranker"  // judges whether a text answers a question; nothing here uses it yet
)

// readmeHead is how much of a model card is read for its tags, in bytes.
const readmeHead = 8 << 10

// Role finds what the model in a folder is for. An embedding model looks like
// any other in config.json: what tells are the files of sentence-transformers,
// and where a conversion left those out, the repository's name or the model
// card's tags.
func Role(path, repo string) string {
	for _, name := range []string{"1_Pooling/config.json", "config_sentence_transformers.json"} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return RoleEmbedding
		}
	}
	for _, words := range []string{repo, filepath.Base(path), tags(path)} {
		words = strings.ToLower(words)
		switch {
		case strings.Contains(words, "qwen3-reranker"):
			return RoleReranker
		case strings.Contains(words, "qwen3-embedding"):
			return RoleEmbedding
		}
	}
	return RoleChat
}

// tags is the YAML before a model card's text.
func tags(path string) string {
	f, err := os.Open(filepath.Join(path, "README.md"))
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, readmeHead))
	head, found := strings.CutPrefix(string(b), "---")
	if !found {
		return ""
	}
	head, _, _ = strings.Cut(head, "\n---")
	return head
}

// For says why a model cannot be used in a role, if so.
func (m Model) For(role string) error {
	have := m.Role
	if have == "" {
		have = RoleChat
	}
	switch {
	case have == role:
		return nil
	case role == RoleEmbedding:
		return errs.New(errs.Unsupported, 400, "%s is not an embedding model.", m.Name).At("model").
			Try("install an embedding model, such as Qwen3-Embedding-0.6B, and name it")
	case have == RoleEmbedding:
		return errs.New(errs.Unsupported, 400, "%s is an embedding model: it gives vectors, it does not write.", m.Name).At("model").
			Try("choose a model for chats; this one answers /v1/embeddings")
	}
	return errs.New(errs.Unsupported, 400, "%s is a reranker, which Qwill does not run.", m.Name).At("model").
		Try("choose a model for chats")
}
