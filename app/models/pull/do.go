package pull

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"qwill/app/errs"
	"qwill/app/fetch"
	"qwill/app/fetch/huggingface"
	"qwill/app/models"
)

// do carries a job from its list of files to the installed model.
func (s *Service) do(ctx context.Context, t *task) error {
	if s.Offline() {
		return offline()
	}
	owner := t.snapshot()
	r, err := huggingface.ParseRepo(owner.Repo)
	if err != nil {
		return err
	}
	r.Revision = owner.Asked
	if s.Hubs[owner.Source] == nil {
		return errs.InvalidField("source", "%.40q is no hub.", owner.Source).Try("cancel the download and begin it again")
	}
	if len(owner.Files) == 0 || owner.Commit == "" {
		if err := s.list(ctx, t, r); err != nil {
			return err
		}
	}
	if s.renamed(t.snapshot()) {
		return s.publish(ctx, t)
	}
	if err := s.Models.CheckFree(ctx, owner.Name); err != nil {
		return err
	}
	if err := s.prepare(ctx, t); err != nil {
		return err
	}
	s.state(ctx, t, Downloading)
	for i := range t.snapshot().Files {
		if err := s.file(ctx, t, r, i); err != nil {
			return err
		}
	}
	return s.publish(ctx, t)
}

// renamed says that the verified files lie under the model's name already: the
// process was killed, or the disk was full, between the rename and the row.
func (s *Service) renamed(j Job) bool {
	if len(j.Files) == 0 {
		return false
	}
	for _, f := range j.Files {
		if !f.Verified {
			return false
		}
	}
	_, err := s.Disk.Lstat(s.partial(j.ID))
	_, there := s.Disk.Lstat(filepath.Join(s.Models.Folder(), j.Name))
	return errors.Is(err, fs.ErrNotExist) && there == nil
}

// state sets and records the job's state.
func (s *Service) state(ctx context.Context, t *task, state string) {
	t.mu.Lock()
	t.stage, t.job.State, t.job.Error = state, state, nil
	t.mu.Unlock()
	j := t.snapshot()
	_ = s.Store.SaveJob(ctx, j) // only what is shown after a restart depends on it
	s.tell(j)
}

// list asks the hub what to fetch, pins the commit, and refuses what the engine
// could not run before anything large is fetched.
func (s *Service) list(ctx context.Context, t *task, r huggingface.Repo) error {
	s.state(ctx, t, Listing)
	var l huggingface.Listing
	if err := s.retry(ctx, t, func(ctx context.Context) (bool, error) {
		var err error
		l, err = s.hub(t).List(ctx, r, models.Needed)
		return false, err
	}); err != nil {
		return err
	}
	var config *huggingface.File
	weights, tokenizer := false, false
	for i, f := range l.Files {
		switch {
		case f.Path == "config.json":
			config = &l.Files[i]
		case f.Path == "tokenizer.json":
			tokenizer = true
		case filepath.Ext(f.Path) == ".safetensors":
			weights = true
		}
	}
	switch {
	case config == nil || !weights:
		return errs.New(errs.Unsupported, 422, "The repository %s holds no model in MLX form (config.json and .safetensors).", r).At(r.String()).
			Try("look for one whose name ends in -MLX-4bit or the like; GGUF files can be added from this machine")
	case !tokenizer:
		return errs.New(errs.Unsupported, 422, "The repository %s has no tokenizer.json.", r).At(r.String()).Try("choose another repository of this model")
	}
	var data []byte
	if err := s.retry(ctx, t, func(ctx context.Context) (bool, error) {
		var err error
		data, err = s.small(ctx, s.hub(t), r, l.Commit, *config)
		if errs.From(err) != nil && errs.From(err).Code == errs.HashMismatch { // once more, as any file
			data, err = s.small(ctx, s.hub(t), r, l.Commit, *config)
		}
		return false, err
	}); err != nil {
		return err
	}
	if err := runnable(r, data); err != nil {
		return err
	}
	files := make([]File, len(l.Files))
	for i, f := range l.Files {
		files[i] = File{Path: f.Path, Bytes: f.Bytes, SHA256: f.SHA256, GitSHA1: f.GitSHA1}
	}
	if err := s.keep(t, files); err != nil {
		return err
	}
	t.change(func(j *Job) { j.Commit, j.Licence = l.Commit, l.Licence })
	if err := s.Store.SaveJob(ctx, t.snapshot()); err != nil {
		return err
	}
	if err := s.Store.SetJobFiles(ctx, t.id, files); err != nil {
		return err
	}
	stored, err := s.Store.Job(ctx, t.id) // in the order of fetching: small ones first
	if err != nil {
		return err
	}
	t.change(func(j *Job) { j.Files = stored.Files })
	return nil
}

// hub is where the task's job is fetched from.
func (s *Service) hub(t *task) Hub { return s.Hubs[t.snapshot().Source] }

// keep takes over what an earlier list of the job, of another hub, has on the
// disk: of files whose SHA-256 is the same. What is of no use goes.
func (s *Service) keep(t *task, files []File) error {
	for _, old := range t.snapshot().Files {
		same := false
		for i, f := range files {
			if f.Path != old.Path || f.Bytes != old.Bytes {
				continue
			}
			same = f.SHA256 != "" && f.SHA256 == old.SHA256 || f.GitSHA1 != "" && f.GitSHA1 == old.GitSHA1
			if same {
				files[i].Done, files[i].Have, files[i].Verified = old.Done, old.Have, old.Verified
				if files[i].SHA256 == "" {
					files[i].SHA256 = old.SHA256
				}
			}
		}
		if same {
			continue
		}
		if err := s.Disk.Remove(filepath.Join(s.partial(t.id), old.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear what the other hub sent: %w", err)
		}
	}
	return nil
}

// configLimit bounds a config.json.
const configLimit = 1 << 20

// small fetches a small file into memory and checks its hash.
func (s *Service) small(ctx context.Context, hub Hub, r huggingface.Repo, commit string, f huggingface.File) ([]byte, error) {
	if f.Bytes > configLimit {
		return nil, errs.New(errs.Unsupported, 422, "Its config.json is larger than %d bytes.", configLimit).At(r.String()).Try("do not use this repository")
	}
	b, err := hub.Open(ctx, r, commit, f, huggingface.Span{}, fetch.ConfigFile)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	stop := time.AfterFunc(s.Pace.Stall, func() { b.Close() })
	defer stop.Stop()
	data, err := io.ReadAll(io.LimitReader(b, f.Bytes+1))
	if err != nil {
		return nil, cutOff(ctx, f.Path, err)
	}
	sum := newSum(f.Bytes, f.GitSHA1 != "")
	sum.Write(data)
	if int64(len(data)) != f.Bytes || !sum.is(f.SHA256, f.GitSHA1) {
		return nil, mismatch(f.Path)
	}
	return data, nil
}

// runnable refuses by name what the engine does not run.
func runnable(r huggingface.Repo, config []byte) error {
	var c struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return errs.New(errs.Unsupported, 422, "The config.json of %s is damaged.", r).At("config.json").Try("choose another repository").Because(err)
	}
	if !models.Runs(c.ModelType) {
		return errs.New(errs.Unsupported, 422, "This is a model of the kind %.60q, which Qwill's engine does not run yet.", c.ModelType).At(r.String()).
			Try("choose a Qwen3 model that is not a mixture of experts; see: qwill models catalogue")
	}
	return nil
}

// prepare makes the folder of the unfinished download, takes up what lies
// there, and sets the rest of the space aside.
func (s *Service) prepare(ctx context.Context, t *task) error {
	dir := s.partial(t.id)
	if err := s.Disk.MkdirAll(dir); err != nil {
		return fmt.Errorf("create the download's folder: %w", s.full(dir, 0, err))
	}
	files := t.snapshot().Files
	var rest, aside int64
	for i, f := range files {
		info, err := s.Disk.Lstat(filepath.Join(dir, f.Path))
		length := int64(0)
		if err == nil && info.Mode().IsRegular() {
			length = info.Size()
		}
		if f.Verified && length != f.Bytes {
			f.Verified = false
		}
		// What the record does not name may never have reached the disk.
		have := parseRanges(f.Have).clip(min(length, f.Bytes))
		f.Have, f.Done = have.String(), have.total()
		if f != files[i] {
			if err := s.Store.SaveJobFile(ctx, t.id, f); err != nil {
				return err
			}
			t.change(func(j *Job) { j.Files[i] = f })
		}
		rest += f.Bytes - f.Done
		// Space that was set aside for this job earlier is missing from what is free.
		if err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				aside += max(0, int64(st.Blocks)*512-f.Done)
			}
		}
	}
	available, err := s.Disk.Free(dir)
	if err != nil {
		return err
	}
	if need := rest + s.Pace.Margin; need > available+aside {
		return noSpace(dir, need, available+aside)
	}
	for _, f := range t.snapshot().Files {
		if f.Verified {
			continue
		}
		err := func() error {
			h, err := s.Disk.Open(filepath.Join(dir, f.Path))
			if err != nil {
				return err
			}
			defer h.Close()
			if err := h.Truncate(parseRanges(f.Have).end()); err != nil {
				return err
			}
			return h.Reserve(f.Bytes)
		}()
		if err != nil {
			return fmt.Errorf("set space aside for %s: %w", f.Path, s.full(dir, rest, err))
		}
	}
	// The names of the files must be as durable as the records of their bytes.
	for _, d := range []string{dir, s.Models.Folder()} {
		if err := s.Disk.SyncDir(d); err != nil {
			return s.full(dir, rest, err)
		}
	}
	return nil
}

func noSpace(dir string, need, have int64) *errs.Error {
	return errs.New(errs.DiskFull, 507, "There is not enough space: %s are needed and %s are free.", megabytes(need), megabytes(have)).At(dir).
		Try("free some space, then resume; what was downloaded is kept")
}

func megabytes(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0f MB", max(float64(n)/1e6, 1))
}

// full turns "no space left" into the user's error.
func (s *Service) full(dir string, need int64, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		have, _ := s.Disk.Free(dir)
		e := noSpace(dir, max(need, have+1), have)
		if need == 0 {
			e.Message = "The disk is full."
		}
		return e.Because(err)
	}
	return err
}

func stalled(path string) *errs.Error {
	return errs.New(errs.Network, 502, "The download stood still.").At(path).Try("check the network")
}

// cutOff explains a connection that ended too early.
func cutOff(ctx context.Context, path string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if _, known := errors.AsType[*errs.Error](err); known {
		return err
	}
	return errs.New(errs.Network, 502, "The connection ended before the file did.").At(path).Try("check the network").Because(err)
}

// publish makes the model of the verified files.
func (s *Service) publish(ctx context.Context, t *task) error {
	s.state(ctx, t, Publishing)
	j := t.snapshot()
	for _, f := range j.Files {
		if !f.Verified || f.SHA256 == "" {
			return fmt.Errorf("publish %s: %s is not verified", j.Repo, f.Path)
		}
	}
	hashes := j.hashes()
	describe := func(m *models.Model) {
		m.Repo, m.Revision, m.Licence, m.Source = j.Repo, j.Commit, j.Licence, j.Source
		m.Title = models.TitleOf(j.Repo)
	}
	settled := func(path string) error { return s.same(ctx, path, hashes) }
	// From here on it is done whole or not at all.
	whole := context.WithoutCancel(ctx)
	_, err := s.Models.Publish(whole, s.partial(j.ID), j.Name, describe, settled,
		func(m models.Model) error { return s.Store.PublishJob(whole, j.ID, m, hashes) })
	if err != nil {
		return err
	}
	t.change(func(j *Job) { j.State, j.Error = Done, nil })
	return nil
}

// hashes are those that the files are listed with.
func (j Job) hashes() []models.FileHash {
	hashes := make([]models.FileHash, 0, len(j.Files))
	for _, f := range j.Files {
		evidence := models.BySHA256
		if f.GitSHA1 != "" {
			evidence = models.ByGitSHA1
		}
		hashes = append(hashes, models.FileHash{Path: f.Path, Bytes: f.Bytes, SHA256: f.SHA256, GitSHA1: f.GitSHA1, Evidence: evidence})
	}
	return hashes
}

// same says whether a folder holds exactly these files.
func (s *Service) same(ctx context.Context, path string, files []models.FileHash) error {
	for _, f := range files {
		sum, err := models.Hash(ctx, filepath.Join(path, f.Path), nil)
		if err != nil || sum.Bytes != f.Bytes || sum.SHA256 != f.SHA256 {
			return errs.New(errs.ModelDamaged, 422, "What was downloaded is gone, and another folder has the model's name.").At(path).
				Try("cancel the download and begin it again").Because(err)
		}
	}
	return nil
}

// sum hashes as the hub does: SHA-256, and git's blob hash where that is what
// the hub gives.
type sum struct {
	sha hash.Hash
	git hash.Hash // nil when not needed
}

func newSum(size int64, git bool) *sum {
	s := &sum{sha: sha256.New()}
	if git {
		s.git = sha1.New()
		s.git.Write([]byte("blob " + strconv.FormatInt(size, 10) + "\x00"))
	}
	return s
}

func (s *sum) Write(b []byte) {
	s.sha.Write(b)
	if s.git != nil {
		s.git.Write(b)
	}
}

func (s *sum) sha256() string { return hex.EncodeToString(s.sha.Sum(nil)) }

func (s *sum) is(sha, git string) bool {
	if git != "" {
		return s.git != nil && hex.EncodeToString(s.git.Sum(nil)) == git
	}
	return sha != "" && s.sha256() == sha
}
