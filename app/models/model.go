// Package models keeps the list of installed models: folders in MLX form that
// are either ours (converted from GGUF below the models folder) or linked
// where the user keeps them.
package models

import (
	"context"

	"qwill/app/errs"
)

// Model is one installed model.
type Model struct {
	Name         string `json:"name"`
	Title        string `json:"title"`
	Path         string `json:"path"` // absolute folder
	Architecture string `json:"architecture"`
	Quantization string `json:"quantization"` // such as "4 bit, group 64" or "bf16"
	Bytes        int64  `json:"bytes"`        // weight files
	Context      int    `json:"context"`      // tokens
	CanThink     bool   `json:"can_think"`
	Role         string `json:"role"` // what it is for: RoleChat and so on; found in its folder, not stored
	Starter      bool   `json:"starter"`
	Missing      bool   `json:"missing"` // the folder is not there now
	Note         string `json:"note,omitempty"`
	Owned        bool   `json:"-"`                  // the folder is ours and goes with the entry
	Repo         string `json:"repo,omitempty"`     // owner/name on the hub it came from
	Revision     string `json:"revision,omitempty"` // its commit there
	Licence      string `json:"licence,omitempty"`
	Source       string `json:"source,omitempty"`    // the hub: huggingface or modelscope
	Placement    string `json:"placement,omitempty"` // of an imported one: link, clone, hardlink or copy
}

// Store keeps the list.
type Store interface {
	Models(ctx context.Context) ([]Model, error) // by name
	// AddModel lists a model together with the hashes of its files. It fails with
	// errs.Conflict when the name is taken.
	AddModel(ctx context.Context, m Model, files []FileHash) error
	// RemoveModel fails with errs.ModelUnknown when there is none.
	RemoveModel(ctx context.Context, name string) error
	// ModelFiles gives what is known of a model's files, by path.
	ModelFiles(ctx context.Context, name string) ([]FileHash, error)
	SetModelFiles(ctx context.Context, name string, files []FileHash) error
}

// FileHash is what a file of a model was when it was hashed.
type FileHash struct {
	Path   string // inside the model's folder
	Bytes  int64
	SHA256 string // hex; of every byte, read here
	// GitSHA1 is the hub's own hash where that is git's; compared too.
	GitSHA1 string // hex, or ""
	// Evidence says what the bytes were compared with before the model was listed.
	Evidence string
}

// What a file's bytes were compared with.
const (
	BySHA256  = "sha256"   // the SHA-256 that the hub gave
	ByGitSHA1 = "git_sha1" // git's blob hash, which is all that the hub gives of small files
	ByExport  = "export"   // the list that Qwill wrote beside exported files
	ByCache   = "cache"    // the name of a blob in the cache of Hugging Face
)

// StarterName is the installed name of the model that comes with Qwill.
const StarterName = "starter"

// ErrUnknown says that no installed model has the name.
func ErrUnknown(name string) *errs.Error {
	return errs.New(errs.ModelUnknown, 404, "There is no model of this name.").At(name).
		Try("see the installed ones with: qwill models list")
}

// ErrTaken says that the name is in use.
func ErrTaken(name string) *errs.Error {
	return errs.New(errs.Conflict, 409, "A model of this name is installed already.").At(name).
		Try("choose another name, or remove it with: qwill models rm %s", name)
}
