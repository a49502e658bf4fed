package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"qwill/app/disk"
	"qwill/app/errs"
	"qwill/app/fetch/huggingface"
)

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

// whole fetches a file to its end and says whether its hash is right; if not,
// it is emptied. The hash follows the bytes from the file's start on as they
// arrive, those of an earlier process too, so that little of it is left at the
// end.
func (s *Service) whole(ctx context.Context, t *task, r huggingface.Repo, i int) (right bool, err error) {
	f := t.snapshot().Files[i]
	dir := s.partial(t.id)
	h, err := s.Disk.Open(filepath.Join(dir, f.Path))
	if err != nil {
		return false, fmt.Errorf("open %s: %w", f.Path, s.full(dir, f.Bytes, err))
	}
	defer h.Close()
	c := &content{s: s, t: t, repo: r, i: i, file: f, h: h, have: parseRanges(f.Have).clip(f.Bytes)}
	c.grown.L = &c.mu
	c.saved = c.have
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	var hashing sync.WaitGroup
	var hashed *sum
	hashing.Go(func() {
		var err error
		if hashed, err = c.hash(life); err != nil {
			end(err)
		}
	})
	wake := context.AfterFunc(life, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.grown.Broadcast()
	})
	defer wake()
	if err = c.fetch(life); err == nil {
		if f.Bytes > s.Pace.Verify {
			s.state(ctx, t, Verifying)
		}
		hashing.Wait()
	}
	if cause := context.Cause(life); cause != nil && (err != nil || hashed == nil) {
		err = cause
	}
	end(nil)
	hashing.Wait()
	if err == nil {
		right = hashed.is(f.SHA256, f.GitSHA1)
		if !right {
			if err := c.reset(ctx); err != nil {
				return false, err
			}
			s.state(ctx, t, Downloading)
			return false, nil
		}
	}
	// Whatever ended it, what came is kept.
	serr := c.record(context.WithoutCancel(ctx), func(f *File) {
		if f.Verified = right; right {
			f.SHA256 = hashed.sha256()
		}
	})
	if err == nil {
		err = serr
	}
	if err == nil && f.Bytes > s.Pace.Verify {
		s.state(ctx, t, Downloading)
	}
	return right && err == nil, err
}

// content is one file on its way.
type content struct {
	s    *Service
	t    *task
	repo huggingface.Repo
	i    int
	file File // as it was at the start
	h    disk.File

	mu    sync.Mutex
	grown sync.Cond
	have  ranges // written
	begun int    // how often the file was begun anew
	taken ranges // what connections are asked for
	lies  int    // parts that were not those asked for

	recording sync.Mutex
	saved     ranges // recorded: on the disk for certain
	lost      error  // of a sync that failed: what was written since the last record may be gone
}

// wrote takes up bytes that were written at from.
func (c *content) wrote(ctx context.Context, from int64, n int) error {
	c.mu.Lock()
	c.have = c.have.add(span{from, from + int64(n)})
	total := c.have.total()
	c.grown.Broadcast()
	c.mu.Unlock()
	c.shown(total)
	if !c.recording.TryLock() {
		return nil // another connection is at it
	}
	due := total-c.saved.total() >= c.s.Pace.Sync
	c.recording.Unlock()
	if due {
		return c.record(ctx, nil)
	}
	return nil
}

// shown lets the job show how much of the file is there.
func (c *content) shown(total int64) {
	t := c.t
	t.mu.Lock()
	defer t.mu.Unlock()
	t.job.Files[c.i].Done = total
	if t.job.State == Waiting { // bytes came: this one need not wait
		t.job.State, t.job.Error = t.stage, nil
	}
}

// record makes the progress durable: data first. also changes more of the row.
func (c *content) record(ctx context.Context, also func(f *File)) error {
	c.recording.Lock()
	defer c.recording.Unlock()
	c.mu.Lock()
	have := c.have
	c.mu.Unlock()
	if c.lost != nil {
		return c.lost
	}
	if err := c.h.Sync(); err != nil {
		// A second sync may succeed although the system dropped the data.
		c.lost = fmt.Errorf("write %s to the disk: %w", c.file.Path, c.full(err))
		return c.lost
	}
	return c.save(ctx, have, also)
}

// save writes the row of the file; the caller holds recording.
func (c *content) save(ctx context.Context, have ranges, also func(f *File)) error {
	f := c.t.snapshot().Files[c.i]
	f.Have, f.Done = have.String(), have.total()
	if also != nil {
		also(&f)
	}
	if err := c.s.Store.SaveJobFile(ctx, c.t.id, f); err != nil {
		return fmt.Errorf("record the progress of %s: %w", c.file.Path, err)
	}
	c.saved = have
	c.t.change(func(j *Job) {
		f.Done = max(f.Done, j.Files[c.i].Done) // more came meanwhile
		j.Files[c.i] = f
	})
	return nil
}

// keep drops all but the first n bytes. The record goes before the data.
func (c *content) keep(ctx context.Context, n int64) error {
	c.recording.Lock()
	defer c.recording.Unlock()
	c.mu.Lock()
	c.have, c.taken = c.have.clip(n), nil
	have := c.have
	if n == 0 {
		c.begun++
	}
	c.mu.Unlock()
	c.shown(have.total())
	if err := c.save(ctx, have, nil); err != nil {
		return err
	}
	if err := c.h.Truncate(n); err != nil {
		return fmt.Errorf("shorten %s: %w", c.file.Path, c.full(err))
	}
	if err := c.h.Reserve(c.file.Bytes); err != nil {
		return fmt.Errorf("set space aside for %s: %w", c.file.Path, c.full(err))
	}
	return nil
}

// reset begins the file again.
func (c *content) reset(ctx context.Context) error { return c.keep(ctx, 0) }

// full turns "no space left" into the user's error.
func (c *content) full(err error) error {
	return c.s.full(c.s.partial(c.t.id), c.file.Bytes-c.t.snapshot().Files[c.i].Done, err)
}

// hash follows the bytes from the file's start on, to the last.
func (c *content) hash(ctx context.Context) (*sum, error) {
	buf := make([]byte, min(1<<20, max(c.file.Bytes, 1)))
	var sum *sum
	var at int64
	for begun := -1; ; {
		c.mu.Lock()
		for ctx.Err() == nil && begun == c.begun && c.have.prefix() <= at && at < c.file.Bytes {
			c.grown.Wait()
		}
		again, prefix := begun != c.begun, c.have.prefix()
		begun = c.begun
		c.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case again:
			sum, at = newSum(c.file.Bytes, c.file.GitSHA1 != ""), 0
			continue
		case at == c.file.Bytes:
			return sum, nil
		}
		n, err := c.h.ReadAt(buf[:min(int64(len(buf)), prefix-at)], at)
		if n == 0 {
			c.mu.Lock()
			again = begun != c.begun
			c.mu.Unlock()
			if again {
				continue // shortened under our hands
			}
			return nil, fmt.Errorf("read what was downloaded of %s: %w", c.file.Path, errors.Join(err, io.ErrUnexpectedEOF))
		}
		sum.Write(buf[:n])
		at += int64(n)
	}
}
