package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"

	"qwill/app/api/guard"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/suggest"
	"qwill/app/suggest/live"
)

// sessionsLimit is how many pages may have suggestions at once.
const sessionsLimit = 16

// sessions are those of open streams, by their names.
type sessions struct {
	mu  sync.Mutex
	all map[string]*live.Session
}

func (s *sessions) add(one *live.Session) (id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= sessionsLimit {
		return "", false
	}
	if s.all == nil {
		s.all = map[string]*live.Session{}
	}
	id = rand.Text()
	s.all[id] = one
	return id, true
}

func (s *sessions) get(id string) *live.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[id]
}

func (s *sessions) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// suggest streams what to display in a field of the page, until it is closed.
func (a *api) suggest(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var broker events.Broker
	defer broker.Close()
	sub := broker.Subscribe()
	session := a.Suggest(func(e suggest.Effect) {
		switch e := e.(type) {
		case suggest.Show:
			broker.Publish(events.Event{Name: "show", Data: e})
		case suggest.Hide:
			broker.Publish(events.Event{Name: "hide", Data: struct{}{}})
		}
	}, func(why suggest.Reason) {
		broker.Publish(events.Event{Name: "why", Data: map[string]suggest.Reason{"why": why}})
	})
	defer session.Close()
	id, ok := a.suggests.add(session)
	if !ok {
		return errs.New(errs.Busy, 503, "Too many pages ask for suggestions.").Try("close some of them")
	}
	defer a.suggests.remove(id)
	broker.Publish(events.Event{Name: "session", Data: map[string]string{"id": id}})
	s := guard.NewStream(w)
	if a.Native {
		s.Ping = nativePing
	}
	_ = s.Copy(ctx, sub) // an error: the reader has left
	return nil
}

// suggestEvent is one event of the page; exactly one field is set.
type suggestEvent struct {
	Focus   *suggest.Field `json:"focus"`
	Blur    bool           `json:"blur"`
	Text    *suggest.Text  `json:"text"`
	Key     *suggest.Key   `json:"key"`
	Compose *bool          `json:"compose"`
}

func (e suggestEvent) event() (suggest.Event, bool) {
	switch {
	case e.Focus != nil:
		e.Focus.App = "qwill" // the page speaks for no other program
		return suggest.Focus{Field: *e.Focus}, true
	case e.Blur:
		return suggest.Blur{}, true
	case e.Text != nil:
		return *e.Text, true
	case e.Key != nil:
		e.Key.Inserted = true // the page has put an accepted part in by itself
		return *e.Key, true
	case e.Compose != nil:
		return suggest.Compose{On: *e.Compose}, true
	}
	return nil, false
}

func (a *api) suggestEvents(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Events []suggestEvent `json:"events"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	session := a.suggests.get(r.PathValue("id"))
	if session == nil {
		return errs.New(errs.NotFound, 404, "These suggestions have ended.").Try("start them again")
	}
	all := make([]suggest.Event, 0, len(in.Events))
	for _, e := range in.Events {
		event, ok := e.event()
		if !ok {
			return errs.InvalidField("events", "An event is one of %s.", strings.Join([]string{"focus", "blur", "text", "key", "compose"}, ", "))
		}
		all = append(all, event)
	}
	session.Do(all...)
	return empty(w)
}
