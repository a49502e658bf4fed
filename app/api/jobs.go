package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"qwill/app/api/guard"
	"qwill/app/errs"
	"qwill/app/models/catalogue"
	"qwill/app/models/pull"
)

// catalogue answers with the official models, what of them is installed or
// being fetched, and what fits this machine.
func (a *api) catalogue(w http.ResponseWriter, r *http.Request) error {
	all, err := catalogue.List(catalogue.Memory())
	if err != nil {
		return err
	}
	installed, err := a.Models.List(r.Context())
	if err != nil {
		return err
	}
	jobs, err := a.Pulls.Jobs(r.Context())
	if err != nil {
		return err
	}
	for i := range all {
		for _, m := range installed {
			if strings.EqualFold(m.Repo, all[i].Repo) {
				all[i].Installed = m.Name
			}
		}
		for _, j := range jobs {
			if strings.EqualFold(j.Repo, all[i].Repo) && j.State != pull.Done {
				all[i].Job = j.ID
			}
		}
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) listJobs(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Pulls.Jobs(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) pull(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Repo     string `json:"repo"`
		Revision string `json:"revision"`
		Name     string `json:"name"`
		Source   string `json:"source"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	j, err := a.Pulls.AddFrom(r.Context(), in.Source, in.Repo, in.Revision, in.Name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, j)
}

func (a *api) pauseJob(w http.ResponseWriter, r *http.Request) error {
	j, err := a.Pulls.Pause(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, j)
}

func (a *api) resumeJob(w http.ResponseWriter, r *http.Request) error {
	j, err := a.Pulls.Resume(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, j)
}

func (a *api) cancelJob(w http.ResponseWriter, r *http.Request) error {
	if err := a.Pulls.Cancel(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return empty(w)
}

func (a *api) connections(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Connections(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

// verifyTell is how often the progress of a verification is told.
const verifyTell = 250 * time.Millisecond

// verifyModel streams the progress of hashing a model's files, and the result.
func (a *api) verifyModel(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.Models.Find(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	s := guard.NewStream(w)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var last time.Time
	v, err := a.Models.Verify(ctx, r.PathValue("name"), func(done, total int64) {
		if time.Since(last) < verifyTell {
			return
		}
		last = time.Now()
		if s.Event("progress", map[string]int64{"done": done, "total": total}) != nil {
			cancel() // nobody reads
		}
	})
	if err != nil {
		_ = s.Event("error", errs.From(err))
		return nil
	}
	_ = s.Event("done", v)
	return nil
}
