package errs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"testing"

	"qwill/engine/proto"
)

func TestFrom(t *testing.T) {
	own := New(Conflict, 409, "taken")
	for name, c := range map[string]struct {
		err                error
		code, detail, hint string
		status             int
		stillIs            error
	}{
		"own":       {fmt.Errorf("import: %w", own), Conflict, "", "", 409, own},
		"file":      {&proto.Error{Code: proto.CodeModel, Message: "bad header", ErrorData: proto.ErrorData{File: "m.safetensors", Field: "x", Hint: "download again"}}, ModelDamaged, "m.safetensors", "download again", 422, nil},
		"field":     {&proto.Error{Code: proto.CodeInvalid, Message: "too big", ErrorData: proto.ErrorData{Field: "top_p"}}, Invalid, "top_p", "", 400, nil},
		"crash":     {fmt.Errorf("generate: %w", &proto.Error{Code: proto.CodeCrashed, Message: "died"}), EngineCrash, "", "", 502, nil},
		"unknown":   {&proto.Error{Code: -1, Message: "?"}, EngineFailed, "", "", 500, nil},
		"cancelled": {context.Canceled, Cancelled, "", "", 499, context.Canceled},
		"late":      {context.DeadlineExceeded, Cancelled, "", "", 504, context.DeadlineExceeded},
		"body":      {&http.MaxBytesError{Limit: 7}, TooLarge, "", "", 413, nil},
		"any":       {fs.ErrNotExist, Internal, "", "", 500, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			e := From(c.err)
			if e.Code != c.code || e.Status != c.status || e.Detail != c.detail || e.Hint != c.hint {
				t.Errorf("got %+v", e)
			}
			if e.Message == "" {
				t.Error("no message")
			}
			if c.stillIs != nil && !errors.Is(e, c.stillIs) {
				t.Error("the cause is lost")
			}
		})
	}
	if From(nil) != nil {
		t.Error("nil became an error")
	}
}

func TestTextAndJSON(t *testing.T) {
	e := InvalidField("top_p", "must be at most %d", 1).Try("use 0.9")
	if got, want := e.Error(), "top_p: must be at most 1 (use 0.9)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b), `{"code":"invalid","message":"must be at most 1","detail":"top_p","hint":"use 0.9"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
