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
	"os"
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
	for _, f := range j.Files {
		if !f.Verified {
			return false
		}
	}
	_, err := os.Lstat(s.partial(j.ID))
	_, there := os.Lstat(filepath.Join(s.Models.Folder(), j.Name))
	return errors.Is(err, fs.ErrNotExist) && there == nil
}

// state sets and records the job's state.
func (s *Service) state(ctx context.Context, t *task, state string) {
	t.change(func(j *Job) { j.State, j.Error = state, nil })
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
				files[i].Done, files[i].Verified = old.Done, old.Verified
				if files[i].SHA256 == "" {
					files[i].SHA256 = old.SHA256
				}
			}
		}
		if same {
			continue
		}
		if err := os.Remove(filepath.Join(s.partial(t.id), old.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	b, err := hub.Open(ctx, r, commit, f, 0, fetch.ConfigFile)
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
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create the download's folder: %w", full(dir, 0, err))
	}
	files := t.snapshot().Files
	var rest int64
	for i, f := range files {
		info, err := os.Lstat(filepath.Join(dir, f.Path))
		have := int64(0)
		if err == nil && info.Mode().IsRegular() {
			have = info.Size()
		}
		if f.Verified && have != f.Bytes {
			f.Verified = false
		}
		// What lies beyond the last record may never have reached the disk.
		f.Done = min(have, f.Done, f.Bytes)
		if f != files[i] {
			if err := s.Store.SaveJobFile(ctx, t.id, f); err != nil {
				return err
			}
			t.change(func(j *Job) { j.Files[i] = f })
		}
		rest += f.Bytes - f.Done
	}
	available, err := free(dir)
	if err != nil {
		return err
	}
	// Space that was set aside for this job earlier is missing from what is free.
	var aside int64
	for _, f := range files {
		if info, err := os.Lstat(filepath.Join(dir, f.Path)); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				aside += max(0, int64(st.Blocks)*512-min(f.Done, info.Size()))
			}
		}
	}
	if need := rest + s.Pace.Margin; need > available+aside {
		return noSpace(dir, need, available+aside)
	}
	for _, f := range t.snapshot().Files {
		if f.Verified {
			continue
		}
		err := func() error {
			h, err := os.OpenFile(filepath.Join(dir, f.Path), os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				return err
			}
			defer h.Close()
			if err := h.Truncate(f.Done); err != nil {
				return err
			}
			return reserve(h, f.Bytes)
		}()
		if err != nil {
			return full(dir, rest, err)
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
func full(dir string, need int64, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		have, _ := free(dir)
		e := noSpace(dir, max(need, have+1), have)
		if need == 0 {
			e.Message = "The disk is full."
		}
		return e.Because(err)
	}
	return err
}

// file fetches one file until its hash is right. A whole file with a wrong hash
// is fetched again once.
func (s *Service) file(ctx context.Context, t *task, r huggingface.Repo, i int) error {
	for wrong := 0; ; wrong++ {
		f := t.snapshot().Files[i]
		if f.Verified {
			return nil
		}
		right, err := s.whole(ctx, t, r, i)
		if err != nil {
			return err
		}
		if right {
			return nil
		}
		if wrong == 1 {
			return mismatch(f.Path)
		}
	}
}

func mismatch(path string) *errs.Error {
	return errs.New(errs.HashMismatch, 502, "What arrived is not the file that the hub describes: its hash is another one.").At(path).
		Try("try again later, or with another mirror; nothing was installed")
}

// part is the open file of a download with the hash of what it holds.
type part struct {
	*os.File
	sum  *sum
	have int64
}

// whole fetches a file to its end and says whether its hash is right; if not,
// it is emptied.
func (s *Service) whole(ctx context.Context, t *task, r huggingface.Repo, i int) (right bool, err error) {
	f := t.snapshot().Files[i]
	dir := s.partial(t.id)
	h, err := os.OpenFile(filepath.Join(dir, f.Path), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", f.Path, full(dir, f.Bytes, err))
	}
	defer h.Close()
	p := &part{File: h, sum: newSum(f.Bytes, f.GitSHA1 != "")}
	if f.Done > 0 {
		// The bytes of an earlier process are hashed before more are added.
		s.state(ctx, t, Verifying)
		if err := p.hashStart(ctx, f.Done); err != nil {
			return false, err
		}
		s.state(ctx, t, Downloading)
	}
	err = s.retry(ctx, t, func(ctx context.Context) (bool, error) { return s.attempt(ctx, t, r, i, p) })
	if err == nil && p.have == f.Bytes {
		if f.Bytes > verifyShown {
			s.state(ctx, t, Verifying)
		}
		right = p.sum.is(f.SHA256, f.GitSHA1)
		if !right {
			if err := p.reset(f.Bytes); err != nil {
				return false, full(dir, f.Bytes, err)
			}
		}
	}
	// Data before its record.
	if serr := p.Sync(); serr != nil && err == nil {
		err = full(dir, f.Bytes, serr)
	}
	f.Done, f.Verified = p.have, right
	if right {
		f.SHA256 = p.sum.sha256()
	}
	t.change(func(j *Job) { j.Files[i] = f })
	if serr := s.Store.SaveJobFile(context.WithoutCancel(ctx), t.id, f); serr != nil && err == nil {
		err = serr
	}
	if err == nil && f.Bytes > verifyShown {
		s.state(ctx, t, Downloading)
	}
	return right, err
}

// verifyShown is the size from which verifying is shown as a stage, in bytes.
const verifyShown = 16 << 20

// hashStart takes up the first n bytes of the file.
func (p *part) hashStart(ctx context.Context, n int64) error {
	buf := make([]byte, 1<<20)
	for p.have < n {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k, err := p.ReadAt(buf[:min(int64(len(buf)), n-p.have)], p.have)
		p.sum.Write(buf[:k])
		p.have += int64(k)
		if err != nil && k == 0 {
			return fmt.Errorf("read what was downloaded: %w", err)
		}
	}
	return nil
}

// reset begins the file again.
func (p *part) reset(size int64) error {
	p.have, p.sum = 0, newSum(size, p.sum.git != nil)
	if err := p.Truncate(0); err != nil {
		return err
	}
	return reserve(p.File, size)
}

// attempt fetches what is missing over one connection; some says whether any
// bytes came.
func (s *Service) attempt(ctx context.Context, t *task, r huggingface.Repo, i int, p *part) (some bool, err error) {
	j := t.snapshot()
	f := j.Files[i]
	dir := s.partial(t.id)
	if p.have >= f.Bytes {
		return false, nil
	}
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	dog := newWatchdog(s.Pace, func() { end(stalled(f.Path)) })
	defer dog.stop()
	body, err := s.hub(t).Open(life, r, j.Commit, huggingface.File{Path: f.Path, Bytes: f.Bytes, SHA256: hubHash(f), GitSHA1: f.GitSHA1}, p.have, fetch.Download)
	if err != nil {
		if _, past := errors.AsType[*huggingface.PastEnd](err); past {
			if rerr := p.reset(f.Bytes); rerr != nil {
				return false, full(dir, f.Bytes, rerr)
			}
			s.progress(t, i, 0)
		}
		return false, cutOff(life, f.Path, err)
	}
	defer body.Close()
	if body.Offset != p.have { // the host delivers no parts
		if err := p.reset(f.Bytes); err != nil {
			return false, full(dir, f.Bytes, err)
		}
		s.progress(t, i, 0)
	}
	buf := make([]byte, 256<<10)
	recorded := p.have
	for p.have < f.Bytes {
		n, rerr := body.Read(buf[:min(int64(len(buf)), f.Bytes-p.have)])
		if n > 0 {
			dog.fed(n)
			if _, werr := p.WriteAt(buf[:n], p.have); werr != nil {
				return some, full(dir, f.Bytes-p.have, werr)
			}
			p.sum.Write(buf[:n])
			p.have += int64(n)
			some = true
			s.progress(t, i, p.have)
			if p.have-recorded >= s.Pace.Sync {
				if err := s.record(ctx, t, i, p); err != nil {
					return some, full(dir, f.Bytes-p.have, err)
				}
				recorded = p.have
			}
		}
		if rerr != nil && p.have < f.Bytes {
			return some, cutOff(life, f.Path, rerr)
		}
	}
	return some, nil
}

// hubHash is the hash that the hub gave for a file: not one computed here.
func hubHash(f File) string {
	if f.GitSHA1 != "" {
		return ""
	}
	return f.SHA256
}

// record makes the progress durable: data first.
func (s *Service) record(ctx context.Context, t *task, i int, p *part) error {
	if err := p.Sync(); err != nil {
		return err
	}
	f := t.snapshot().Files[i]
	f.Done = p.have
	return s.Store.SaveJobFile(ctx, t.id, f)
}

func (s *Service) progress(t *task, i int, done int64) {
	t.mu.Lock()
	t.job.Files[i].Done = done
	if t.job.State == Waiting {
		t.job.State, t.job.Error = Downloading, nil
	}
	t.mu.Unlock()
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
	hashes := make([]models.FileHash, 0, len(j.Files))
	for _, f := range j.Files {
		if !f.Verified || f.SHA256 == "" {
			return fmt.Errorf("publish %s: %s is not verified", j.Repo, f.Path)
		}
		evidence := models.BySHA256
		if f.GitSHA1 != "" {
			evidence = models.ByGitSHA1
		}
		hashes = append(hashes, models.FileHash{Path: f.Path, Bytes: f.Bytes, SHA256: f.SHA256, GitSHA1: f.GitSHA1, Evidence: evidence})
	}
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
