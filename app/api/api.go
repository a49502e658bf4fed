// Package api is the page's door: one http.Handler for the window, a browser
// and the tests, as docs/http-api.md describes it.
package api

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"qwill/app/api/guard"
	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/fetch"
	"qwill/app/history"
	"qwill/app/models"
	"qwill/app/models/pull"
	"qwill/app/settings"
	"qwill/app/suggest"
	"qwill/app/suggest/live"
	"qwill/app/transfer"
)

// BodyLimit is the largest request in bytes: a long text, escaped.
const BodyLimit = 16 << 20

// Config wires the handler.
type Config struct {
	Version  string
	Platform string // darwin or linux
	Native   bool   // in the app's window: no port is open, so neither token nor Host is checked
	Token    string // needed unless Native
	Static   fs.FS  // the built page, index.html at its root

	Chats    *chat.Manager
	Models   *models.Service
	Pulls    *pull.Service
	Settings *settings.Service
	Events   *events.Broker
	Writer   Writer
	Commands *command.Registry
	History  *history.Service
	// Suggest starts suggestions for a field; it is closed by the caller.
	Suggest func(tell func(suggest.Effect), said func(suggest.Reason)) *live.Session
	Engine  func() EngineState
	Window  func(action string) // what the native window should do; nil in a browser
	Desktop *Desktop            // nil in a browser
	Notices []*errs.Error
	// Connections lists what left this machine, newest first.
	Connections func(ctx context.Context) ([]fetch.Connection, error)

	Transfer *transfer.Service
	// Erase erases all that was written, and models and settings if asked, and
	// counts the bytes that came free.
	Erase  func(ctx context.Context, models, settings bool) (int64, error)
	Doctor func(ctx context.Context) *diag.Report
}

// EngineState is what the page shows of the engine.
type EngineState struct {
	State   string `json:"state"` // stopped, starting, ready, loading, restarting, failed
	Model   string `json:"model,omitempty"`
	Percent int    `json:"percent,omitempty"`
	Message string `json:"message,omitempty"`
	Device  string `json:"device,omitempty"`
	Kernels string `json:"kernels,omitempty"`
}

// Merge keeps the later state.
func (EngineState) Merge(next any) (any, bool) { _, ok := next.(EngineState); return next, ok }

type api struct {
	Config
	mux      *http.ServeMux
	suggests sessions
}

// handler answers a request; its error becomes the answer.
type handler func(w http.ResponseWriter, r *http.Request) error

// methods are the handlers of one path.
type methods map[string]handler

// New makes the handler.
func New(c Config) http.Handler {
	a := &api{Config: c, mux: http.NewServeMux()}
	a.on("/api/state", methods{"GET": a.state})
	a.on("/api/events", methods{"GET": a.events})
	a.on("/api/settings", methods{"GET": a.getSettings, "PUT": a.putSettings})
	a.on("/api/window", methods{"POST": a.window})
	a.on("/api/hotkey", methods{"GET": a.hotkey})
	a.on("/api/insert", methods{"POST": a.insert})
	a.on("/api/chats", methods{"GET": a.listChats, "POST": a.createChat, "PATCH": a.fileChats})
	a.on("/api/chats/delete", methods{"POST": a.deleteChats})
	a.on("/api/chats/restore", methods{"POST": a.restoreChats})
	a.on("/api/chats/export", methods{"GET": a.exportChats, "POST": a.saveChats})
	a.on("/api/chats/import", methods{"POST": a.importChats})
	a.on("/api/erase", methods{"POST": a.erase})
	a.on("/api/doctor", methods{"GET": a.doctor})
	a.on("/api/licences", methods{"GET": a.licences})
	a.on("/api/chats/{id}", methods{"GET": a.getChat, "PATCH": a.changeChat, "DELETE": a.deleteChat})
	a.on("/api/chats/{id}/messages", methods{"POST": a.send})
	a.on("/api/chats/{id}/messages/{mid}", methods{"PUT": a.edit, "DELETE": a.removeMessage})
	a.on("/api/chats/{id}/regenerate", methods{"POST": a.regenerate})
	a.on("/api/chats/{id}/continue", methods{"POST": a.resume})
	a.on("/api/chats/{id}/branch", methods{"POST": a.branch})
	a.on("/api/chats/{id}/fork", methods{"POST": a.fork})
	a.on("/api/chats/{id}/draft", methods{"PUT": a.putDraft})
	a.on("/api/chats/{id}/stop", methods{"POST": a.stop})
	a.on("/api/chats/{id}/stream", methods{"GET": a.stream})
	a.on("/api/draft", methods{"GET": a.newDraft, "PUT": a.putNewDraft})
	a.on("/api/search", methods{"GET": a.search})
	a.on("/api/folders", methods{"GET": a.listFolders, "POST": a.createFolder})
	a.on("/api/folders/{id}", methods{"PATCH": a.renameFolder, "DELETE": a.deleteFolder})
	a.on("/api/presets", methods{"GET": a.listPresets, "POST": a.createPreset})
	a.on("/api/presets/{id}", methods{"PATCH": a.changePreset, "DELETE": a.deletePreset})
	a.on("/api/write", methods{"POST": a.write})
	a.on("/api/write/style", methods{"POST": a.style})
	a.on("/api/write/continue", methods{"POST": a.continueChat})
	a.on("/api/suggest", methods{"POST": a.suggest})
	a.on("/api/suggest/elsewhere", methods{"GET": a.suggesting})
	a.on("/api/suggest/{id}", methods{"POST": a.suggestEvents})
	a.on("/api/commands", methods{"GET": a.listCommands})
	a.on("/api/commands/custom", methods{"GET": a.listCustom, "POST": a.addCustom})
	a.on("/api/commands/custom/{id}", methods{"PUT": a.putCustom, "DELETE": a.removeCustom})
	a.on("/api/commands/import", methods{"POST": a.importCommands})
	a.on("/api/commands/export", methods{"GET": a.exportCommands})
	a.on("/api/models", methods{"GET": a.listModels})
	a.on("/api/models/import", methods{"POST": a.importModel})
	a.on("/api/models/found", methods{"GET": a.foundModels})
	a.on("/api/models/{name}", methods{"DELETE": a.removeModel})
	a.on("/api/models/{name}/export", methods{"POST": a.exportModel})
	a.on("/api/models/{name}/verify", methods{"POST": a.verifyModel})
	a.on("/api/models/pull", methods{"POST": a.pull})
	a.on("/api/catalogue", methods{"GET": a.catalogue})
	a.on("/api/jobs", methods{"GET": a.listJobs})
	a.on("/api/jobs/{id}", methods{"DELETE": a.cancelJob})
	a.on("/api/jobs/{id}/pause", methods{"POST": a.pauseJob})
	a.on("/api/jobs/{id}/resume", methods{"POST": a.resumeJob})
	a.on("/api/connections", methods{"GET": a.connections})
	a.on("/api/history", methods{"GET": a.listHistory, "POST": a.addReplacement, "DELETE": a.eraseHistory})
	a.on("/api/history/{id}", methods{"GET": a.getReplacement, "DELETE": a.eraseReplacement})
	a.on("/api/history/{id}/restore", methods{"POST": a.restoreReplacement})
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, errs.New(errs.NotFound, 404, "There is no such address.").At(r.URL.Path))
	})
	a.mux.Handle("/", a.static())

	var h http.Handler = headers(a.mux)
	if !c.Native {
		h = guard.Local(fail, a.authorized(h))
	}
	return h
}

func (a *api) on(path string, m methods) {
	var allowed []string
	for _, name := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if m[name] != nil {
			allowed = append(allowed, name)
		}
	}
	allow := strings.Join(allowed, ", ")
	a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		h := m[r.Method]
		if h == nil {
			w.Header().Set("Allow", allow)
			fail(w, r, errs.New(errs.Method, 405, "%s does not fit this address.", r.Method).At(r.URL.Path).Try("use %s", allow))
			return
		}
		if err := h(w, r); err != nil {
			fail(w, r, errs.From(err))
		}
	})
}

// fail answers with the contract's error object.
func fail(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	if e.Status == 499 || r.Context().Err() != nil {
		return // nobody reads it
	}
	status := e.Status
	if status < 400 {
		status = http.StatusInternalServerError
	}
	if status >= 500 && e.Code != errs.Busy {
		slog.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", e)
	}
	if status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout {
		w.Header().Set("Connection", "close") // the rest of the body is not wanted
	}
	reply(w, status, map[string]*errs.Error{"error": e})
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(guard.WriteTime))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the reader may have gone
	return nil
}

func empty(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// read decodes a request's JSON into v; a body may be left out where all
// fields may be.
func read(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := guard.ReadJSON(w, r, BodyLimit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return settings.FieldError(err)
	}
	return nil
}

// readOptional is read for a body that may be missing.
func readOptional(w http.ResponseWriter, r *http.Request, v any) error {
	if r.ContentLength == 0 || r.Header.Get("Content-Type") == "" {
		return nil
	}
	return read(w, r, v)
}

// policy lets the page load its own files only, and be framed by nobody.
// Inline styles are Svelte's and the formula setter's.
const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; " +
	"connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}
