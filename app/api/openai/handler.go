package openai

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"qwill/app/api/guard"
	"qwill/app/errs"
	"qwill/app/models"
	"qwill/app/settings"
	"qwill/engine"
	"qwill/engine/proto"
)

// BodyLimit is the largest request in bytes.
const BodyLimit = 16 << 20

// Engine completes prompts; it queues them and refuses what is too much with
// errs.Busy.
type Engine interface {
	Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), loading func(percent int)) (engine.Result, error)
	Embed(ctx context.Context, p engine.EmbedParams) (engine.EmbedResult, error)
}

// Models are those that the server offers; "" is the default one.
type Models interface {
	List(ctx context.Context) ([]models.Model, error)
	Find(ctx context.Context, name string) (models.Model, error)
}

// Config wires the handler.
type Config struct {
	Key    string // every request carries it as Authorization: Bearer KEY
	Mode   engine.Mode
	Engine Engine
	Models Models
	// Commands, which may be nil, are offered as models beside the models.
	Commands Commands
	// Keep, which may be nil, is told of each request that was answered whole.
	Keep func(ctx context.Context, p engine.GenerateParams, text, reasoning string)
}

type server struct {
	Config
	started int64 // seconds since 1970
}

// New makes the handler. It answers under loopback names only.
func New(c Config) http.Handler {
	s := &server{c, time.Now().Unix()}
	mux := http.NewServeMux()
	for path, m := range map[string]map[string]func(http.ResponseWriter, *http.Request) error{
		"/v1/models":           {"GET": s.models},
		"/v1/models/{id...}":   {"GET": s.model},
		"/v1/chat/completions": {"POST": s.chat},
		"/v1/completions":      {"POST": s.complete},
		"/v1/embeddings":       {"POST": s.embed},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			for method, h := range m {
				if method == r.Method {
					if err := h(w, r); err != nil {
						fail(w, r, errs.From(err))
					}
					return
				}
				w.Header().Set("Allow", method)
			}
			fail(w, r, errs.New(errs.Method, 405, "%s does not fit this address.", r.Method))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, errs.New(errs.NotFound, 404, "There is no such address.").Try("see /v1/models, /v1/chat/completions, /v1/completions, /v1/embeddings"))
	})
	return guard.Local(fail, s.authorized(mux))
}

func (s *server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !guard.Same(guard.Bearer(r), s.Key) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, r, errs.New(errs.Unauthorized, 401, "The key is missing or not valid.").Try("send Authorization: Bearer KEY"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// codes are OpenAI's names where they differ from ours.
var codes = map[string]string{
	errs.TooLong:      "context_length_exceeded",
	errs.ModelUnknown: "model_not_found",
	errs.Unauthorized: "invalid_api_key",
}

func errorBody(e *errs.Error) ErrorBody {
	b := ErrorBody{Message: e.Message, Type: "invalid_request_error"}
	if e.Hint != "" {
		b.Message += " (" + e.Hint + ")"
	}
	switch {
	case e.Status == http.StatusTooManyRequests:
		b.Type = "rate_limit_error"
	case e.Status >= 500:
		b.Type = "server_error"
	}
	param := e.Detail
	switch e.Code {
	case errs.ModelUnknown, errs.ModelMissing, errs.NoModel:
		param = "model"
	}
	if param != "" && e.Status < 500 {
		b.Param = &param
	}
	code := e.Code
	if c := codes[code]; c != "" {
		code = c
	}
	b.Code = &code
	return b
}

func fail(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	if r.Context().Err() != nil {
		return // nobody reads it
	}
	if e.Status >= 500 && e.Code != errs.Busy {
		slog.Error("request failed", "path", r.URL.Path, "error", e)
	}
	switch e.Status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		w.Header().Set("Connection", "close")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "5")
	}
	answer(w, e.Status, map[string]ErrorBody{"error": errorBody(e)})
}

func answer(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(guard.WriteTime))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the reader may have gone
	return nil
}

func (s *server) entry(m models.Model) ModelEntry {
	return ModelEntry{ID: m.Name, Object: "model", Created: s.started, OwnedBy: "qwill"}
}

func (s *server) models(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Models.List(r.Context())
	if err != nil {
		return err
	}
	entries := []ModelEntry{}
	for _, m := range all {
		if !m.Missing {
			entries = append(entries, s.entry(m))
		}
	}
	if s.Commands != nil {
		ids, err := s.Commands.IDs(r.Context())
		if err != nil {
			return err
		}
		for _, id := range ids {
			entries = append(entries, s.entry(models.Model{Name: Prefix + id}))
		}
	}
	return answer(w, http.StatusOK, map[string]any{"object": "list", "data": entries})
}

func (s *server) model(w http.ResponseWriter, r *http.Request) error {
	if id, ok, err := s.called(r.Context(), r.PathValue("id")); ok {
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, s.entry(models.Model{Name: Prefix + id}))
	}
	m, err := s.Models.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, s.entry(m))
}

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

// reply writes one request's answer, as a stream or in one piece.
type reply struct {
	s      *server
	w      http.ResponseWriter
	stream *guard.Stream // nil until the first chunk
	usage  bool          // a last chunk with the usage is wanted
	head   Answer        // what all chunks share
	total  Usage
}

func (s *server) begin(w http.ResponseWriter, kind, object string, m models.Model, c *common) *reply {
	return &reply{s: s, w: w, usage: c.usageWanted(),
		head: Answer{ID: kind + strings.ReplaceAll(uuid.NewString(), "-", ""), Object: object, Created: time.Now().Unix(), Model: m.Name}}
}

// chunk sends a part. The head of the stream goes out with the first, so that
// what fails before it still has a status.
func (r *reply) chunk(c Choice) error {
	if r.stream == nil {
		r.stream = guard.NewStream(r.w)
	}
	a := r.head
	a.Choices = []Choice{c}
	return r.send(a)
}

func (r *reply) send(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.stream.Data(b)
}

// end closes a stream, or reports the error inside it.
func (r *reply) end(err error) error {
	if err != nil {
		if r.stream == nil {
			return err
		}
		_ = r.send(map[string]ErrorBody{"error": errorBody(errs.From(err))})
		return nil
	}
	if r.usage {
		a := r.head
		a.Choices, a.Usage = []Choice{}, &r.total
		if err := r.send(a); err != nil {
			return nil // the reader has gone
		}
	}
	_ = r.stream.Data([]byte("[DONE]"))
	return nil
}

func (r *reply) count(res engine.Result, dropped int) {
	r.total.Prompt += res.PromptTokens
	r.total.Completion += max(0, res.CompletionTokens-dropped)
	r.total.Total = r.total.Prompt + r.total.Completion
	r.total.PromptDetails.Cached += res.CachedTokens
	r.total.CompletionDetails.Reasoning += res.ReasoningTokens
}

func finish(res engine.Result) *string {
	f := res.Finish
	if f != proto.FinishLength {
		f = proto.FinishStop
	}
	return &f
}

// run generates. A failing write, or the end of the request, stops it; then
// gone is true and there is nobody to answer.
func (s *server) run(ctx context.Context, p engine.GenerateParams, each func(engine.Event) error) (res engine.Result, gone bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var text, reasoning strings.Builder
	res, err = s.Engine.Generate(ctx, p, func(e engine.Event) {
		if s.Keep != nil {
			text.WriteString(e.Text)
			reasoning.WriteString(e.Reasoning)
		}
		if !gone && each(e) != nil {
			gone = true
			cancel()
		}
	}, nil)
	gone = gone || ctx.Err() != nil
	if s.Keep != nil && !gone && err == nil {
		s.Keep(ctx, p, text.String(), reasoning.String())
	}
	return res, gone, err
}
