package pull

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"qwill/app/disk"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/fetch/huggingface"
	"qwill/app/fetch/modelscope"
	"qwill/app/filelock"
	"qwill/app/models"
)

// Hub is where models come from.
type Hub interface {
	List(ctx context.Context, r huggingface.Repo, want func(path string) bool) (huggingface.Listing, error)
	Open(ctx context.Context, r huggingface.Repo, commit string, f huggingface.File, part huggingface.Span, purpose string) (*huggingface.Body, error)
}

// Sources of models.
const (
	HuggingFace = "huggingface"
	ModelScope  = "modelscope"
)

// ParseSource reads a hub's name; "" is Hugging Face.
func ParseSource(s string) (string, error) {
	switch strings.ToLower(s) {
	case "", HuggingFace, "hf":
		return HuggingFace, nil
	case ModelScope, "ms":
		return ModelScope, nil
	}
	return "", errs.InvalidField("source", "%.40q is no hub.", s).Try("give huggingface or modelscope")
}

// Pace holds the times and sizes that tests shorten.
type Pace struct {
	Backoff time.Duration // before the first new try; doubles each time
	Longest time.Duration // between two tries
	Stall   time.Duration // so long without enough bytes, and the connection is given up
	Slow    int64         // bytes that must come in a Stall
	Tries   int           // in a row that bring nothing, before the job fails
	Sync    int64         // bytes between two records of progress
	Margin  int64         // bytes of disk that stay free
	Part    int64         // bytes that one connection is asked for; smaller files come whole
	Streams int           // connections that fetch parts of a file at once
	Verify  int64         // bytes of a file from which verifying it is shown as a stage
}

// Usual is the pace of the app.
var Usual = Pace{Backoff: time.Second, Longest: time.Minute, Stall: 30 * time.Second, Slow: 4 << 10, Tries: 8, Sync: 64 << 20, Margin: 128 << 20,
	Part: 64 << 20, Streams: 4, Verify: 16 << 20}

// Config wires a Service.
type Config struct {
	Store   Store
	Hubs    map[string]Hub // by source
	Models  *models.Service
	Events  *events.Broker
	Offline func() bool // the one switch, as it stands now
	Forbid  func()      // ends running connections; called when the switch was turned elsewhere
	Pace    Pace
	Disk    disk.FS // nil: the system's
}

// Service runs the queue of downloads.
type Service struct {
	Config
	wake chan struct{}

	mu   sync.Mutex
	live *task // the job that this process works on; nil
}

// New makes a service.
func New(c Config) *Service {
	if c.Pace == (Pace{}) {
		c.Pace = Usual
	}
	if c.Disk == nil {
		c.Disk = disk.OS
	}
	return &Service{Config: c, wake: make(chan struct{}, 1)}
}

// causes that end the work on a job.
var (
	errPaused    = errors.New("paused")
	errCancelled = errors.New("cancelled")
)

// Wake lets Run look at the queue.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Add puts a repository into the queue: owner/name or the address of its page.
// One that is in the queue already goes on. name is what to install it under;
// "" derives one.
func (s *Service) Add(ctx context.Context, repo, revision, name string) (Job, error) {
	return s.AddFrom(ctx, "", repo, revision, name)
}

// AddFrom is Add from a hub; "" is the one that the address is of, else that
// of the job in the queue, else Hugging Face. A job in the queue that was begun
// at the other hub goes on at this one.
func (s *Service) AddFrom(ctx context.Context, source, repo, revision, name string) (Job, error) {
	if rest, is := modelscope.Path(repo); is {
		repo = rest
		if source == "" {
			source = ModelScope
		}
	}
	chosen := source != ""
	source, err := ParseSource(source)
	if err != nil {
		return Job{}, err
	}
	r, err := huggingface.ParseRepo(repo)
	if err != nil {
		return Job{}, err
	}
	if revision != "" {
		if err := huggingface.CheckRevision(revision); err != nil {
			return Job{}, err
		}
		r.Revision = revision
	}
	if s.Offline() {
		return Job{}, offline()
	}
	jobs, err := s.Store.Jobs(ctx)
	if err != nil {
		return Job{}, err
	}
	taken := map[string]bool{}
	for _, j := range jobs {
		if j.State == Done {
			continue
		}
		if strings.EqualFold(j.Repo, r.String()) && j.Asked == r.Revision {
			if chosen && j.Source != source {
				return s.Move(ctx, j.ID, source)
			}
			return s.Resume(ctx, j.ID)
		}
		taken[strings.ToLower(j.Name)] = true
	}
	if name == "" {
		installed, err := s.Models.List(ctx)
		if err != nil {
			return Job{}, err
		}
		for _, m := range installed {
			if strings.EqualFold(m.Repo, r.String()) && r.Revision == "" && !m.Missing {
				return Job{}, errs.New(errs.Conflict, 409, "This model is installed already, as %s.", m.Name).At(r.String()).
					Try("use it, or download another revision or under another name")
			}
		}
		if name, err = s.Models.Free(ctx, DefaultName(r.Name)); err != nil {
			return Job{}, err
		}
		for base, n := name, 2; taken[strings.ToLower(name)]; n++ {
			if name, err = s.Models.Free(ctx, base+"-"+string(rune('0'+n))); err != nil || n == 9 {
				return Job{}, models.ErrTaken(base)
			}
		}
	} else {
		if err := s.Models.CheckFree(ctx, name); err != nil {
			return Job{}, err
		}
		if taken[strings.ToLower(name)] {
			return Job{}, models.ErrTaken(name)
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Job{}, err
	}
	j := Job{ID: id.String(), Repo: r.String(), Asked: r.Revision, Name: name, Source: source, State: Queued, Wanted: run}
	if err := s.Store.AddJob(ctx, j); err != nil {
		return Job{}, err
	}
	j.sum()
	s.tell(j)
	s.Wake()
	return j, nil
}

// DefaultName makes an installed name of a repository's.
func DefaultName(repo string) string {
	s := strings.ToLower(repo)
	s = strings.ReplaceAll(s, "-mlx", "")
	s = strings.Trim(s, "-_.")
	if len(s) > 60 {
		s = strings.TrimRight(s[:60], "-_.")
	}
	if s == "" {
		s = "model"
	}
	return s
}

func offline() *errs.Error {
	return errs.New(errs.OfflineSwitch, 403, "Connections off this machine are switched off.").
		Try("allow them in Settings, under Privacy, and try again")
}

// Jobs lists the downloads, with the progress of the one that runs here.
func (s *Service) Jobs(ctx context.Context) ([]Job, error) {
	all, err := s.Store.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	active := false
	for i := range all {
		all[i] = s.shown(all[i])
		active = active || all[i].Active()
	}
	if active {
		s.Wake() // another process may work on it: follow
	}
	return all, nil
}

// Job gives one by its id or an unambiguous beginning of it.
func (s *Service) Job(ctx context.Context, id string) (Job, error) {
	all, err := s.Store.Jobs(ctx)
	if err != nil {
		return Job{}, err
	}
	var found *Job
	for i, j := range all {
		if j.ID == id {
			found = &all[i]
			break
		}
		if len(id) >= 4 && (strings.HasSuffix(j.ID, id) || strings.EqualFold(j.Repo, id) || j.Name == id) {
			if found != nil {
				return Job{}, errs.InvalidField("id", "%q stands for several downloads.", id).Try("give the whole id; see: qwill models jobs")
			}
			found = &all[i]
		}
	}
	if found == nil {
		return Job{}, errUnknown(id)
	}
	return s.shown(*found), nil
}

// shown gives the job as it runs here, or with its stored sums.
func (s *Service) shown(j Job) Job {
	s.mu.Lock()
	t := s.live
	s.mu.Unlock()
	if t != nil && t.id == j.ID {
		return t.snapshot()
	}
	j.sum()
	return j
}

// Pause stops a job; what was fetched stays.
func (s *Service) Pause(ctx context.Context, id string) (Job, error) {
	j, err := s.Job(ctx, id)
	if err != nil {
		return j, err
	}
	if j.State == Done || j.State == Failed || j.State == Paused {
		return j, nil
	}
	if err := s.Store.WantJob(ctx, j.ID, pause); err != nil {
		return j, err
	}
	if t := s.running(j.ID); t != nil {
		t.end(errPaused)
		t.wait(ctx)
	} else if j.State == Queued || s.idle() {
		j.State, j.Error = Paused, nil
		if err := s.Store.SaveJob(ctx, j); err != nil {
			return j, err
		}
	}
	return s.again(ctx, j.ID)
}

// Resume puts a paused or failed job back into the queue.
func (s *Service) Resume(ctx context.Context, id string) (Job, error) {
	j, err := s.Job(ctx, id)
	if err != nil {
		return j, err
	}
	if s.Offline() {
		return j, offline()
	}
	if j.State == Done {
		return j, nil
	}
	if err := s.Store.WantJob(ctx, j.ID, run); err != nil {
		return j, err
	}
	s.Wake()
	return s.again(ctx, j.ID)
}

// Move goes on with a job at another hub. What is there stays where the
// SHA-256 is the same.
func (s *Service) Move(ctx context.Context, id, source string) (Job, error) {
	source, err := ParseSource(source)
	if err != nil {
		return Job{}, err
	}
	j, err := s.Pause(ctx, id)
	if err != nil || j.State == Done {
		return j, err
	}
	if err := s.rests(ctx, j); err != nil {
		return j, err
	}
	// What lies verified under the model's name needs no hub any more.
	if j.Source != source && !s.renamed(j) {
		if err := s.Store.MoveJob(ctx, j.ID, source); err != nil {
			return j, err
		}
	}
	return s.Resume(ctx, j.ID)
}

// rests waits until no process works on a job that was paused.
func (s *Service) rests(ctx context.Context, j Job) error {
	for end := time.Now().Add(3 * lookTime); ; {
		stored, err := s.Store.Job(ctx, j.ID)
		if err != nil {
			return err
		}
		// The stored state is written by the process that works on the job.
		if stored.State == Paused || stored.State == Failed || stored.State == Queued || s.idle() {
			return nil
		}
		if time.Now().After(end) {
			return errs.New(errs.Conflict, 409, "Another process works on this download.").At(j.Repo).Try("pause it there first")
		}
		select {
		case <-time.After(lookTime / 10):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Cancel ends a job and removes what it fetched.
func (s *Service) Cancel(ctx context.Context, id string) error {
	j, err := s.Job(ctx, id)
	if err != nil {
		return err
	}
	if err := s.Store.WantJob(ctx, j.ID, cancel); err != nil {
		return err
	}
	if t := s.running(j.ID); t != nil {
		t.end(errCancelled)
		t.wait(ctx)
		return nil
	}
	lock, err := filelock.Try(s.lockFile())
	if errors.Is(err, filelock.ErrHeld) {
		return nil // the process that runs the queue sees it within a second
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	return s.discard(ctx, j)
}

// discard removes a job and its files.
func (s *Service) discard(ctx context.Context, j Job) error {
	if s.renamed(j) && s.Models.CheckFree(ctx, j.Name) != nil {
		// Published, but for its row: the folder is the job's if it holds its files.
		path := filepath.Join(s.Models.Folder(), j.Name)
		if _, err := s.Models.Find(ctx, j.Name); err != nil && s.same(ctx, path, j.hashes()) == nil {
			if err := s.Disk.RemoveAll(path); err != nil {
				return errs.New(errs.Internal, 500, "What was downloaded cannot be deleted: %v.", err).At(path).Try("check its permissions")
			}
		}
	}
	if err := s.Disk.RemoveAll(s.partial(j.ID)); err != nil {
		return errs.New(errs.Internal, 500, "What was downloaded cannot be deleted: %v.", err).At(s.partial(j.ID)).Try("check its permissions")
	}
	if err := s.Store.RemoveJob(ctx, j.ID); err != nil {
		return err
	}
	j.State = Cancelled
	j.sum()
	s.tell(j)
	return nil
}

func (s *Service) again(ctx context.Context, id string) (Job, error) {
	j, err := s.Store.Job(ctx, id)
	if err != nil {
		return j, err
	}
	j = s.shown(j)
	s.tell(j)
	return j, nil
}

func (s *Service) running(id string) *task {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil && s.live.id == id {
		return s.live
	}
	return nil
}

// idle says that no process works on the queue.
func (s *Service) idle() bool {
	lock, err := filelock.Try(s.lockFile())
	if err != nil {
		return false
	}
	lock.Release()
	return true
}

func (s *Service) tell(j Job) {
	s.Events.Publish(events.Event{Name: "jobs", Data: j})
}

func (s *Service) lockFile() string { return filepath.Join(s.Models.Folder(), ".downloads.lock") }

// partialPrefix marks the folders of unfinished downloads.
const partialPrefix = ".download-"

func (s *Service) partial(id string) string {
	return filepath.Join(s.Models.Folder(), partialPrefix+id)
}

// followTime is how often a job that another process runs is looked at.
const followTime = time.Second

// Run works on the queue until ctx ends; without work it sleeps. What a killed
// process left is taken up. Between processes one runs the queue and the others
// follow it.
func (s *Service) Run(ctx context.Context) {
	followed := map[string]bool{}
	pause := followTime
	for {
		work, err := s.next(ctx)
		if err == nil && work == nil {
			s.unfollow(ctx, followed)
			select {
			case <-s.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		var lock *filelock.Lock
		if err == nil {
			if err = s.Disk.MkdirAll(s.Models.Folder()); err == nil {
				lock, err = filelock.Try(s.lockFile())
			}
		}
		if err == nil {
			err = s.drain(ctx, "")
			lock.Release()
		} else if errors.Is(err, filelock.ErrHeld) {
			s.follow(ctx, followed)
			err = nil
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			slog.Warn("downloads wait", "error", err)
			pause = min(2*pause, time.Minute) // a broken database mends seldom
		} else {
			pause = followTime
		}
		if err != nil || lock == nil {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
		}
	}
}

// RunUntil works on the queue until the job has ended, for commands. Where
// another process runs the queue, it waits for that one.
func (s *Service) RunUntil(ctx context.Context, id string) error {
	followed := map[string]bool{}
	for ctx.Err() == nil {
		j, err := s.Store.Job(ctx, id)
		if err != nil {
			return err
		}
		if !j.Active() {
			return nil
		}
		if err := s.Disk.MkdirAll(s.Models.Folder()); err != nil {
			return err
		}
		lock, err := filelock.Try(s.lockFile())
		switch {
		case err == nil:
			err = s.drain(ctx, id)
			lock.Release()
			if err != nil {
				return err
			}
			continue
		case !errors.Is(err, filelock.ErrHeld):
			return err
		}
		s.follow(ctx, followed)
		select {
		case <-time.After(followTime / 2):
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// follow tells of jobs that another process runs.
func (s *Service) follow(ctx context.Context, followed map[string]bool) {
	all, err := s.Store.Jobs(ctx)
	if err != nil {
		return
	}
	for _, j := range all {
		if j.Active() || followed[j.ID] {
			j.sum()
			s.tell(j)
			followed[j.ID] = j.Active()
		}
	}
}

// unfollow tells how the followed jobs ended.
func (s *Service) unfollow(ctx context.Context, followed map[string]bool) {
	if len(followed) == 0 {
		return
	}
	s.follow(ctx, followed)
	clear(followed)
	s.Models.Tell(ctx)
}

// next gives the first job to work on; nil without one.
func (s *Service) next(ctx context.Context) (*Job, error) {
	all, err := s.Store.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	for _, j := range all {
		if j.Active() {
			return &j, nil
		}
	}
	return nil, nil
}

// keepDone is how long a finished job stays in the list.
const keepDone = 24 * time.Hour

// drain works through the queue; the caller holds the lock. With only, it ends
// after that job.
func (s *Service) drain(ctx context.Context, only string) error {
	s.sweep(ctx)
	for ctx.Err() == nil {
		j, err := s.next(ctx)
		if err != nil {
			return err
		}
		if only != "" {
			o, err := s.Store.Job(ctx, only)
			if err != nil || !o.Active() {
				return err
			}
		}
		if j == nil {
			return nil
		}
		if err := s.work(ctx, *j); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// sweep removes what no job knows any more, and jobs that ended long ago.
func (s *Service) sweep(ctx context.Context) {
	all, err := s.Store.Jobs(ctx)
	if err != nil {
		return
	}
	known := map[string]bool{}
	for _, j := range all {
		if j.State == Done && time.Since(j.Updated) > keepDone {
			_ = s.Store.RemoveJob(ctx, j.ID)
		}
		if j.State != Done {
			known[partialPrefix+j.ID] = true
		}
	}
	entries, err := s.Disk.ReadDir(s.Models.Folder())
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partialPrefix) && !known[e.Name()] {
			s.Disk.RemoveAll(filepath.Join(s.Models.Folder(), e.Name()))
		}
	}
}
