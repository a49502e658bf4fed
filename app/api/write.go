package api

import (
	"context"
	"net/http"
	"time"

	"qwill/app/api/guard"
	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/write"
)

// Writer runs the commands of the registry on texts.
type Writer interface {
	// Check refuses a request that cannot run, before its stream begins.
	Check(ctx context.Context, r WriteRequest) error
	// Write runs one; tell receives prefill, loading and delta events.
	Write(ctx context.Context, r WriteRequest, tell func(events.Event)) (WriteResult, error)
}

// WriteRequest asks for one command on one text.
type WriteRequest struct {
	Command     string            `json:"command"`
	Try         *command.Custom   `json:"try"` // a command that is not saved yet, in place of Command
	Text        string            `json:"text"`
	Instruction string            `json:"instruction"`
	Options     map[string]string `json:"options"`
	Model       string            `json:"model"`
	Door        string            `json:"door"`   // prompt, chat, services
	Drafts      bool              `json:"drafts"` // three replies to choose from

	// Language is the page's own, for commands that are told none; "" where
	// there is no page.
	Language string `json:"-"`
}

// WriteResult is the stream's last event.
type WriteResult struct {
	Text     string          `json:"text"`
	Original string          `json:"original"`
	Shape    string          `json:"shape"`
	Diff     []write.Segment `json:"diff"` // null unless the shape is diff
	Drafts   []write.Draft   `json:"drafts,omitempty"`
	Faults   []write.Fault   `json:"faults,omitempty"`
	Tries    int             `json:"tries"`
	Sections int             `json:"sections,omitempty"` // of a long text
	Stats    *chat.Stats     `json:"stats"`
	Warning  write.Warning   `json:"warning,omitempty"`
}

// Warnings lists what may be wrong with the result, change by change and then
// with the whole.
func (r WriteResult) Warnings() []write.Fault {
	var all []write.Fault
	for _, s := range r.Diff {
		all = append(all, s.Faults...)
	}
	for _, d := range r.Drafts {
		all = append(all, d.Faults...)
	}
	return append(all, r.Faults...)
}

// Unwarned is the result without the changes that carry a warning: what a door
// may put in place where nobody reviews it.
func (r WriteResult) Unwarned() string {
	if r.Diff == nil {
		return r.Text
	}
	accepted := map[int]bool{}
	for _, s := range r.Diff {
		accepted[s.ID] = len(s.Faults) == 0
	}
	return write.Apply(r.Diff, accepted)
}

// EventAgain says that the text so far is given up and another one begins.
const EventAgain = "again"

// Again is its data.
type Again struct {
	Faults []write.Fault `json:"faults"` // why
}

// EventEdits tells of the edits that the model gave so far.
const EventEdits = "edits"

// Edits is its data: the text, of a long one the section's, with these edits.
type Edits struct {
	Diff []write.Segment `json:"diff"`
}

// EventDrafts tells of the drafts that are whole.
const EventDrafts = "drafts"

// Drafts is its data.
type Drafts struct {
	Drafts []write.Draft `json:"drafts"`
}

// EventSection says that a section of a long text begins.
const EventSection = "section"

// Section is its data: section Index of Count, from 1.
type Section struct {
	Index int `json:"index"`
	Count int `json:"count"`
}

// nativePing is short in the window: there only a failing write tells that the
// page has left.
const nativePing = time.Second

func (a *api) write(w http.ResponseWriter, r *http.Request) error {
	var in WriteRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	switch in.Door {
	case "", "prompt", "chat", "services":
	default:
		return errs.InvalidField("door", "%q is not one of prompt, chat, services.", in.Door)
	}
	in.Language = command.PageLanguage(r.Header.Get("Accept-Language"))
	if err := a.Writer.Check(r.Context(), in); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	var broker events.Broker
	sub := broker.Subscribe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer broker.Close()
		result, err := a.Writer.Write(ctx, in, broker.Publish)
		if err != nil {
			broker.Publish(events.Event{Name: "error", Data: errs.From(err)})
			return
		}
		broker.Publish(events.Event{Name: chat.EventDone, Data: result})
	}()
	s := guard.NewStream(w)
	if a.Native {
		s.Ping = nativePing
	}
	_ = s.Copy(ctx, sub) // an error: the reader has left
	cancel()
	<-ended
	return nil
}

func (a *api) continueChat(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Question string `json:"question"`
		Answer   string `json:"answer"`
		Model    string `json:"model"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	c, err := a.Chats.Continue(r.Context(), in.Question, in.Answer, in.Model)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, c)
}
