package api

import (
	"net/http"

	"qwill/app/api/guard"
	"qwill/app/chat"
)

func (a *api) listChats(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Chats.List(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) createChat(w http.ResponseWriter, r *http.Request) error {
	var f chat.Fields
	if err := read(w, r, &f); err != nil {
		return err
	}
	c, err := a.Chats.Create(r.Context(), f)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, c)
}

func (a *api) getChat(w http.ResponseWriter, r *http.Request) error {
	c, err := a.Chats.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, c)
}

func (a *api) changeChat(w http.ResponseWriter, r *http.Request) error {
	var f chat.Fields
	if err := read(w, r, &f); err != nil {
		return err
	}
	c, err := a.Chats.Change(r.Context(), r.PathValue("id"), f)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, c)
}

func (a *api) deleteChat(w http.ResponseWriter, r *http.Request) error {
	if err := a.Chats.Delete(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return empty(w)
}

type content struct {
	Content string `json:"content"`
}

// exchange is a user's message and the reply that has begun.
type exchange struct {
	User  *chat.Message `json:"user,omitempty"`
	Reply chat.Message  `json:"reply"`
}

func (a *api) send(w http.ResponseWriter, r *http.Request) error {
	var in content
	if err := read(w, r, &in); err != nil {
		return err
	}
	user, answer, err := a.Chats.Send(r.Context(), r.PathValue("id"), in.Content)
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, exchange{&user, answer})
}

func (a *api) edit(w http.ResponseWriter, r *http.Request) error {
	var in content
	if err := read(w, r, &in); err != nil {
		return err
	}
	user, answer, err := a.Chats.Edit(r.Context(), r.PathValue("id"), r.PathValue("mid"), in.Content)
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, exchange{&user, answer})
}

func (a *api) regenerate(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Message string `json:"message"`
		Model   string `json:"model"`
	}
	if err := readOptional(w, r, &in); err != nil {
		return err
	}
	answer, err := a.Chats.Regenerate(r.Context(), r.PathValue("id"), in.Message, in.Model)
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, exchange{nil, answer})
}

func (a *api) resume(w http.ResponseWriter, r *http.Request) error {
	answer, err := a.Chats.Resume(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, exchange{nil, answer})
}

// named is the message that a request is about.
type named struct {
	Message string `json:"message"`
}

func (a *api) branch(w http.ResponseWriter, r *http.Request) error {
	var in named
	if err := read(w, r, &in); err != nil {
		return err
	}
	c, err := a.Chats.Branch(r.Context(), r.PathValue("id"), in.Message)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, c)
}

func (a *api) fork(w http.ResponseWriter, r *http.Request) error {
	var in named
	if err := read(w, r, &in); err != nil {
		return err
	}
	c, err := a.Chats.Fork(r.Context(), r.PathValue("id"), in.Message)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, c)
}

func (a *api) removeMessage(w http.ResponseWriter, r *http.Request) error {
	c, err := a.Chats.RemoveMessage(r.Context(), r.PathValue("id"), r.PathValue("mid"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, c)
}

// many names the chats that a request is about.
type many struct {
	IDs []string `json:"ids"`
}

func (a *api) fileChats(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		many
		Folder *string `json:"folder"`
		Pinned *bool   `json:"pinned"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	all, err := a.Chats.File(r.Context(), in.IDs, in.Folder, in.Pinned)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) deleteChats(w http.ResponseWriter, r *http.Request) error {
	var in many
	if err := read(w, r, &in); err != nil {
		return err
	}
	if err := a.Chats.Delete(r.Context(), in.IDs...); err != nil {
		return err
	}
	return empty(w)
}

func (a *api) restoreChats(w http.ResponseWriter, r *http.Request) error {
	var in many
	if err := read(w, r, &in); err != nil {
		return err
	}
	all, err := a.Chats.Restore(r.Context(), in.IDs)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

type draft struct {
	Text string `json:"text"`
}

func (a *api) putDraft(w http.ResponseWriter, r *http.Request) error {
	var in draft
	if err := read(w, r, &in); err != nil {
		return err
	}
	if err := a.Chats.SetDraft(r.Context(), r.PathValue("id"), in.Text); err != nil {
		return err
	}
	return empty(w)
}

func (a *api) newDraft(w http.ResponseWriter, r *http.Request) error {
	text, err := a.Chats.NewDraft(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, draft{text})
}

func (a *api) putNewDraft(w http.ResponseWriter, r *http.Request) error {
	var in draft
	if err := read(w, r, &in); err != nil {
		return err
	}
	if err := a.Chats.SetNewDraft(r.Context(), in.Text); err != nil {
		return err
	}
	return empty(w)
}

func (a *api) stop(w http.ResponseWriter, r *http.Request) error {
	if err := a.Chats.Stop(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return empty(w)
}

func (a *api) stream(w http.ResponseWriter, r *http.Request) error {
	sub, err := a.Chats.Watch(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	defer sub.Close()
	_ = guard.NewStream(w).Copy(r.Context(), sub) // ends when the reader leaves
	return nil
}
