package models

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"qwill/app/errs"
)

// CacheFolder is where huggingface_hub and its relatives keep what they
// downloaded: $HF_HUB_CACHE, else $HF_HOME/hub, else below the user's caches.
func CacheFolder() (string, error) {
	for _, v := range []struct{ name, below string }{{"HF_HUB_CACHE", ""}, {"HUGGINGFACE_HUB_CACHE", ""}, {"HF_HOME", "hub"}, {"XDG_CACHE_HOME", "huggingface/hub"}} {
		if path := os.Getenv(v.name); path != "" {
			return absolute(filepath.Join(path, v.below))
		}
	}
	return absolute("~/.cache/huggingface/hub")
}

// Found is a model in the cache of Hugging Face that can be imported.
type Found struct {
	Repo         string      `json:"repo"`     // owner/name
	Revision     string      `json:"revision"` // the commit that the snapshot is of
	Path         string      `json:"path"`     // the snapshot, or a GGUF file in it: what to import
	Title        string      `json:"title"`
	Architecture string      `json:"architecture,omitempty"`
	Quantization string      `json:"quantization,omitempty"`
	Bytes        int64       `json:"bytes"`
	Runs         bool        `json:"runs"`              // by this engine, as far as can be seen
	Problem      *errs.Error `json:"problem,omitempty"` // why it cannot be imported
	Installed    string      `json:"installed,omitempty"`
}

// cached takes a snapshot's path apart.
var cached = regexp.MustCompile(`^models--([A-Za-z0-9._-]+?)--([A-Za-z0-9._-]+)$`)

// FoundModels lists what lies in the cache of Hugging Face, by repository; an
// absent cache holds nothing. Nothing is written there.
func (s *Service) FoundModels(ctx context.Context) ([]Found, error) {
	all := []Found{}
	root, err := CacheFolder()
	if err != nil {
		return nil, err
	}
	repos, err := os.ReadDir(root)
	if err != nil {
		return all, nil
	}
	installed, err := s.store.Models(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range repos {
		m := cached.FindStringSubmatch(r.Name())
		if m == nil {
			continue
		}
		snapshots, _ := os.ReadDir(filepath.Join(root, r.Name(), "snapshots"))
		for _, snap := range snapshots {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			all = append(all, s.look(ctx, m[1]+"/"+m[2], filepath.Join(root, r.Name(), "snapshots", snap.Name()))...)
		}
	}
	for i := range all {
		for _, m := range installed {
			if strings.EqualFold(m.Repo, all[i].Repo) && (m.Revision == all[i].Revision || all[i].Revision == "") {
				all[i].Installed = m.Name
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Found) int { return strings.Compare(strings.ToLower(a.Repo), strings.ToLower(b.Repo)) })
	return all, nil
}

// look describes the models of one snapshot: one in MLX form, or its GGUF files.
func (s *Service) look(ctx context.Context, repo, path string) []Found {
	f := Found{Repo: repo, Revision: filepath.Base(path), Path: path, Title: TitleOf(repo)}
	weights, _ := filepath.Glob(filepath.Join(escape(path), "*.gguf"))
	safe, _ := filepath.Glob(filepath.Join(escape(path), "*.safetensors"))
	if len(safe) == 0 && len(weights) > 0 {
		var all []Found
		for _, w := range weights {
			f.Path, f.Title = w, strings.TrimSuffix(filepath.Base(w), ".gguf")
			if info, err := os.Stat(w); err == nil {
				f.Bytes, f.Runs = info.Size(), true // what it holds is known when it is converted
			} else {
				f.Runs, f.Problem = false, damaged(w, "The file is not there any more.", "download it again")
			}
			all = append(all, f)
		}
		return all
	}
	if len(safe) == 0 {
		return nil // a tokenizer or a data set's card: no model
	}
	m, err := Inspect(path)
	f.Architecture, f.Quantization, f.Bytes = m.Architecture, m.Quantization, m.Bytes
	if err != nil {
		f.Problem = errs.From(err)
		return []Found{f}
	}
	if f.Runs = Runs(m.Architecture); !f.Runs {
		f.Problem = errUnrunnable(m.Architecture, path)
	}
	return []Found{f}
}

func errUnrunnable(architecture, at string) *errs.Error {
	return errs.New(errs.Unsupported, 422, "The engine does not run the architecture %q.", architecture).At(at).
		Try("it runs: %s", strings.Join(Architectures, ", "))
}

// InCache finds a model of the cache by owner/name, or by its name alone where
// that is the only one.
func (s *Service) InCache(ctx context.Context, name string) (Found, error) {
	all, err := s.FoundModels(ctx)
	if err != nil {
		return Found{}, err
	}
	var hits []Found
	for _, f := range all {
		_, short, _ := strings.Cut(f.Repo, "/")
		if strings.EqualFold(f.Repo, name) || strings.EqualFold(short, name) {
			hits = append(hits, f)
		}
	}
	root, _ := CacheFolder()
	switch {
	case len(hits) == 0:
		return Found{}, errs.New(errs.NotFound, 404, "The cache of Hugging Face holds no model %s.", name).At(root).
			Try("see what it holds with: qwill models found")
	case len(hits) > 1:
		hits = slices.DeleteFunc(slices.Clone(hits), func(f Found) bool { return !f.current() })
		if len(hits) != 1 {
			return Found{}, errs.InvalidField("name", "%q stands for several models in the cache.", name).Try("give the path; see: qwill models found")
		}
	}
	return hits[0], nil
}

// current says whether the snapshot is the one that the branch main points to.
func (f Found) current() bool {
	snapshot := f.Path
	if strings.HasSuffix(snapshot, ".gguf") {
		snapshot = filepath.Dir(snapshot)
	}
	b, err := os.ReadFile(filepath.Join(snapshot, "..", "..", "refs", "main"))
	return err == nil && strings.TrimSpace(string(b)) == filepath.Base(snapshot)
}

// snapshot says whether path is a snapshot in a cache of Hugging Face, and of
// which repository and commit. The folder of the repository stands for the
// snapshot that its branch main points to.
func snapshot(path string) (folder, repo, revision string, ok bool) {
	if m := cached.FindStringSubmatch(filepath.Base(path)); m != nil {
		b, err := os.ReadFile(filepath.Join(path, "refs", "main"))
		if name := strings.TrimSpace(string(b)); err == nil && name == filepath.Base(name) {
			return filepath.Join(path, "snapshots", name), m[1] + "/" + m[2], name, true
		}
		return path, "", "", false
	}
	up := filepath.Dir(path)
	if m := cached.FindStringSubmatch(filepath.Base(filepath.Dir(up))); m != nil && filepath.Base(up) == "snapshots" {
		return path, m[1] + "/" + m[2], filepath.Base(path), true
	}
	return path, "", "", false
}

var (
	hex64 = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hex40 = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// original follows a snapshot's link to its blob, whose name is the hash that
// the hub gave: SHA-256 of large files, git's of small ones. A link that leads
// out of the repository's folder is refused.
func original(snapshot, file string) (path string, expect FileHash, err error) {
	path, err = filepath.EvalSymlinks(filepath.Join(snapshot, file))
	if err != nil {
		return "", expect, err
	}
	root, err := filepath.EvalSymlinks(filepath.Join(snapshot, "..", ".."))
	if err != nil {
		return "", expect, err
	}
	if inside, err := filepath.Rel(root, path); err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		return "", expect, damaged(filepath.Join(snapshot, file), fmt.Sprintf("It leads out of the cache, to %s.", path), "download the model again")
	}
	expect.Path = file
	switch name := filepath.Base(path); {
	case filepath.Base(filepath.Dir(path)) != "blobs":
	case hex64.MatchString(name):
		expect.SHA256, expect.Evidence = name, ByCache
	case hex40.MatchString(name):
		expect.GitSHA1, expect.Evidence = name, ByCache
	}
	return path, expect, nil
}
