// Package pull downloads models: a queue of jobs that outlives the process,
// one at a time, each file verified against the hub's own hash before the model
// appears.
package pull

import (
	"context"
	"time"

	"qwill/app/errs"
	"qwill/app/models"
)

// States of a job.
const (
	Queued      = "queued"
	Listing     = "listing"
	Downloading = "downloading"
	Waiting     = "waiting" // for the hub or the network
	Verifying   = "verifying"
	Publishing  = "publishing"
	Paused      = "paused"
	Failed      = "failed"
	Done        = "done"
	Cancelled   = "cancelled" // in events only: the job is gone
)

// What is wanted of a job.
const (
	run    = "run"
	pause  = "pause"
	cancel = "cancel"
)

// File is one file of a job.
type File struct {
	Path     string `json:"path"`
	Bytes    int64  `json:"bytes"`
	Done     int64  `json:"done"`
	Verified bool   `json:"verified"`
	Have     string `json:"-"` // the ranges that are on the disk for certain: "0-1048576,67108864-70000000", ends exclusive
	SHA256   string `json:"-"` // hex; "" until computed for files that git hashes
	GitSHA1  string `json:"-"` // hex, or ""
}

// Job is a download as the page and the command line see it.
type Job struct {
	ID       string      `json:"id"`
	Repo     string      `json:"repo"`
	Revision string      `json:"revision"` // the commit; until it is known what was asked for
	Name     string      `json:"name"`
	Source   string      `json:"source"` // the hub: huggingface or modelscope
	State    string      `json:"state"`
	Files    []File      `json:"files"`
	Bytes    int64       `json:"bytes"`
	Done     int64       `json:"done"`
	Rate     float64     `json:"rate"` // bytes a second
	ETA      *int        `json:"eta_s,omitempty"`
	Wait     *int        `json:"wait_s,omitempty"`
	Error    *errs.Error `json:"error,omitempty"`

	Asked   string    `json:"-"` // revision asked for
	Commit  string    `json:"-"`
	Licence string    `json:"-"`
	Wanted  string    `json:"-"`
	Created time.Time `json:"-"`
	Updated time.Time `json:"-"`
}

// Merge keeps the later state of the same job.
func (j Job) Merge(next any) (any, bool) {
	n, ok := next.(Job)
	return next, ok && n.ID == j.ID
}

// Active says whether the job should be worked on.
func (j Job) Active() bool {
	return j.State != Done && (j.Wanted == cancel || j.Wanted == run && j.State != Failed)
}

// sum fills what follows from the files.
func (j *Job) sum() {
	j.Bytes, j.Done = 0, 0
	for _, f := range j.Files {
		j.Bytes += f.Bytes
		j.Done += min(f.Done, f.Bytes)
	}
	j.Revision = j.Commit
	if j.Revision == "" {
		j.Revision = j.Asked
	}
	if j.Files == nil {
		j.Files = []File{}
	}
	if j.Wanted == pause && j.State != Failed && j.State != Done {
		j.State = Paused // also where a killed process could not say so
	}
}

// Store keeps jobs.
type Store interface {
	Jobs(ctx context.Context) ([]Job, error) // with their files, in the queue's order
	// Job fails with errs.JobUnknown when there is none.
	Job(ctx context.Context, id string) (Job, error)
	AddJob(ctx context.Context, j Job) error
	// SaveJob keeps state, commit, licence and error.
	SaveJob(ctx context.Context, j Job) error
	// MoveJob lets the next work on a job list it anew at a hub.
	MoveJob(ctx context.Context, id, source string) error
	// WantJob keeps what is wanted; run also puts a paused or failed job back into the queue.
	WantJob(ctx context.Context, id, wanted string) error
	SetJobFiles(ctx context.Context, id string, files []File) error
	SaveJobFile(ctx context.Context, id string, f File) error
	RemoveJob(ctx context.Context, id string) error
	// PublishJob lists the model with its hashes and marks the job as done, all at once.
	PublishJob(ctx context.Context, id string, m models.Model, files []models.FileHash) error
}

func errUnknown(id string) *errs.Error {
	return errs.New(errs.JobUnknown, 404, "There is no such download.").At(id).Try("see the downloads with: qwill models jobs")
}

// ErrUnknown says that no job has the id.
func ErrUnknown(id string) *errs.Error { return errUnknown(id) }
