// Package errs holds the errors that a user sees: a stable code, one clear
// sentence, the file or field concerned and what to do about it.
package errs

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"qwill/engine/proto"
)

// Error is a user's error. It marshals to the contract's error object.
type Error struct {
	Code    string `json:"code"`             // stable; translations go by it
	Message string `json:"message"`          // one sentence
	Detail  string `json:"detail,omitempty"` // file or field
	Hint    string `json:"hint,omitempty"`   // what to do
	Status  int    `json:"-"`                // HTTP status
	Cause   error  `json:"-"`
}

// Codes in use. The page translates by them.
const (
	Invalid      = "invalid"       // a field is out of range; Detail names it
	NotFound     = "not_found"     // no such chat, message or address
	Conflict     = "conflict"      // the name is taken
	ChatBusy     = "chat_busy"     // a reply is being written in this chat
	NoModel      = "no_model"      // nothing is installed
	ModelMissing = "model_missing" // installed, but its folder is gone
	ModelUnknown = "model_unknown" // no installed model has this name
	ModelDamaged = "model_damaged" // files missing, damaged or unsupported
	ModelInUse   = "model_in_use"
	TooLong      = "too_long"      // the text does not fit the model's context
	Memory       = "memory"        // not enough memory
	Template     = "template"      // the model's chat template failed
	EngineFailed = "engine_failed" // the engine reported an error
	EngineCrash  = "engine_crashed"
	EngineAbsent = "engine_unavailable"
	Interrupted  = "interrupted" // Qwill ended while the reply was written
	Cancelled    = "cancelled"
	Busy         = "busy" // too many requests wait
	Unauthorized = "unauthorized"
	Forbidden    = "forbidden" // foreign Host or Origin
	Method       = "method_not_allowed"
	TooLarge     = "too_large"
	MediaType    = "media_type"
	BadJSON      = "bad_json"
	Database     = "database"
	DatabaseNew  = "database_newer"
	DatabaseLock = "database_locked"
	DatabaseLost = "database_damaged" // notice: set aside, a new one started
	DiskFull     = "disk_full"        // nothing that was saved is lost
	ReadOnly     = "read_only"        // the data folder or a file in it
	Running      = "already_running"
	PortInUse    = "port_in_use"
	// Fetching models.
	OfflineSwitch = "offline_switch"           // the one switch forbids connections
	HostRefused   = "host_refused"             // not on the list of hosts
	Network       = "network"                  // the connection failed
	RateLimited   = "rate_limited"             // the hub asks to wait
	RepoUnknown   = "repo_unknown"             // no such repository, revision or file; or a private one
	RepoGated     = "repo_gated"               // its terms must be accepted first
	HubAnswer     = "hub_answer"               // the hub's answer makes no sense, or is not the hub's
	HashMismatch  = "hash_mismatch"            // a file is not what the hub says it is
	Unsupported   = "architecture_unsupported" // the engine does not run this kind of model
	JobUnknown    = "job_unknown"
	// Putting a text back into another program.
	TargetChanged     = "target_changed"
	TargetGone        = "target_gone"
	TargetSecure      = "target_secure"      // a field for passwords
	TargetUnsupported = "target_unsupported" // the program, or the desktop, has no way
	TargetRefused     = "target_refused"     // it did not take the text
	TargetOther       = "target_other"       // it put in something else
	Internal          = "internal"
)

// New makes an error with a message in fmt's form.
func New(code string, status int, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// InvalidField says that a field's value was refused.
func InvalidField(field, format string, args ...any) *Error {
	return New(Invalid, http.StatusBadRequest, format, args...).At(field)
}

// At names the file or field concerned.
func (e *Error) At(detail string) *Error { e.Detail = detail; return e }

// Try says what the user can do.
func (e *Error) Try(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Because keeps the cause for logs and errors.Is.
func (e *Error) Because(cause error) *Error { e.Cause = cause; return e }

// Error gives the sentence, with file or field in front and the hint behind.
func (e *Error) Error() string {
	s := e.Message
	if e.Detail != "" {
		s = e.Detail + ": " + s
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// From turns any error into a user's error; nil stays nil. Engine errors keep
// their file, field and hint.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*proto.Error](err); ok {
		return fromEngine(e).Because(err)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return New(Cancelled, 499, "The request was cancelled.").Because(err)
	case errors.Is(err, context.DeadlineExceeded):
		return New(Cancelled, http.StatusGatewayTimeout, "The request took too long.").Because(err)
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return New(TooLarge, http.StatusRequestEntityTooLarge, "The request is larger than %d bytes.", e.Limit).Because(err)
	}
	return New(Internal, http.StatusInternalServerError, "%s", err.Error()).Because(err)
}

type kind struct {
	code   string
	status int
}

var engineKinds = map[int]kind{
	proto.CodeInvalid:     {Invalid, http.StatusBadRequest},
	proto.CodeModel:       {ModelDamaged, http.StatusUnprocessableEntity},
	proto.CodeTooLong:     {TooLong, http.StatusBadRequest},
	proto.CodeNotOpen:     {EngineFailed, http.StatusInternalServerError},
	proto.CodeMemory:      {Memory, http.StatusServiceUnavailable},
	proto.CodeTemplate:    {Template, http.StatusUnprocessableEntity},
	proto.CodeEngine:      {EngineFailed, http.StatusInternalServerError},
	proto.CodeCrashed:     {EngineCrash, http.StatusBadGateway},
	proto.CodeUnavailable: {EngineAbsent, http.StatusServiceUnavailable},
}

func fromEngine(e *proto.Error) *Error {
	k, known := engineKinds[e.Code]
	if !known {
		k = kind{EngineFailed, http.StatusInternalServerError}
	}
	u := New(k.code, k.status, "%s", e.Message)
	u.Detail, u.Hint = e.File, e.Hint
	if u.Detail == "" {
		u.Detail = e.Field
	}
	return u
}
