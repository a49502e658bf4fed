package models_test

import (
	"os"
	"path/filepath"
	"testing"

	"qwill/app/models"
)

func TestRole(t *testing.T) {
	for _, c := range []struct{ folder, repo, file, text, want string }{
		{"any", "", "", "", models.RoleChat},
		{"any", "mlx-community/Qwen3-Embedding-0.6B-4bit", "", "", models.RoleEmbedding},
		{"Qwen3-Embedding-4B", "", "", "", models.RoleEmbedding},
		{"any", "mlx-community/Qwen3-Reranker-0.6B-4bit", "", "", models.RoleReranker},
		{"any", "", "1_Pooling/config.json", "{}", models.RoleEmbedding},
		{"any", "", "README.md", "---\nbase_model: Qwen/Qwen3-Embedding-8B\n---\n# Mine\n", models.RoleEmbedding},
		{"any", "", "README.md", "---\nlicense: mit\n---\nBetter than Qwen3-Embedding-8B.\n", models.RoleChat},
	} {
		dir := filepath.Join(t.TempDir(), c.folder)
		if err := folder(dir); err != nil {
			t.Fatal(err)
		}
		if c.file != "" {
			file := filepath.Join(dir, c.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := models.Role(dir, c.repo); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// A model that does not write is never the default, nor the one that suggests.
func TestOnlyWritersByDefault(t *testing.T) {
	b := setup(t)
	small := filepath.Join(t.TempDir(), "Qwen3-Embedding-0.6B")
	if err := folder(small); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: small, Name: "a-vectors"}); err != nil {
		t.Fatal(err)
	}
	if m, err := b.Find(t.Context(), ""); err == nil {
		t.Errorf("the default is %s", m.Name)
	}
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.outer, Name: "z-writer"}); err != nil {
		t.Fatal(err)
	}
	for what, find := range map[string]func() (models.Model, error){
		"default":  func() (models.Model, error) { return b.Find(t.Context(), "") },
		"smallest": func() (models.Model, error) { return b.Smallest(t.Context(), "") },
	} {
		if m, err := find(); err != nil || m.Name != "z-writer" {
			t.Errorf("%s: %s, %v", what, m.Name, err)
		}
	}
	m, err := b.Find(t.Context(), "a-vectors")
	if err != nil || m.Role != models.RoleEmbedding || m.For(models.RoleEmbedding) != nil || m.For(models.RoleChat) == nil {
		t.Errorf("%+v, %v", m, err)
	}
}
