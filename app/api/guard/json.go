package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"time"

	"qwill/app/errs"
)

// depthLimit bounds the nesting of a request's JSON.
const depthLimit = 32

// ReadJSON reads a request's body, one JSON value of at most limit bytes.
func ReadJSON(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errs.New(errs.MediaType, http.StatusUnsupportedMediaType, "The request is not JSON.").At("Content-Type").
			Try("send Content-Type: application/json")
	}
	if r.ContentLength > limit {
		return nil, errs.From(&http.MaxBytesError{Limit: limit})
	}
	// Not every ResponseWriter has deadlines: the window's has none and needs none.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(BodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// The deadline stays: the server would wait for the rest of the body.
		w.Header().Set("Connection", "close")
		return nil, errs.New(errs.TooLarge, http.StatusRequestTimeout, "The request did not arrive within %v.", BodyTime).Because(err)
	}
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, errs.From(err)
		}
		return nil, badJSON("it broke off").Because(err)
	}
	_ = c.SetReadDeadline(time.Time{}) // else it would end the wait for the answer
	return body, CheckJSON(body)
}

// CheckJSON refuses what is not exactly one JSON value, nests too deep, or
// gives a key twice, where readers would disagree about its meaning.
func CheckJSON(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var open []map[string]bool // nil for arrays
	var key bool               // the next string is a key
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return badJSON(err.Error())
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				if len(open) == depthLimit {
					return badJSON(fmt.Sprintf("it nests deeper than %d", depthLimit))
				}
				var keys map[string]bool
				if t == '{' {
					keys = map[string]bool{}
				}
				open = append(open, keys)
			default:
				open = open[:len(open)-1]
			}
		case string:
			if keys := top(open); key && keys != nil {
				if keys[t] {
					return badJSON("it gives a key twice").At(t)
				}
				keys[t] = true
				key = false
				continue
			}
		}
		key = top(open) != nil
	}
	if !json.Valid(body) {
		return badJSON("it is not one whole value")
	}
	return nil
}

func top(open []map[string]bool) map[string]bool {
	if len(open) == 0 {
		return nil
	}
	return open[len(open)-1]
}

func badJSON(why string) *errs.Error {
	return errs.New(errs.BadJSON, http.StatusBadRequest, "The request is not valid JSON: %s.", why)
}
