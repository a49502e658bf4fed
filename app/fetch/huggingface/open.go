package huggingface

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"qwill/app/errs"
	"qwill/app/fetch"
)

// Body is a file's bytes from Offset on.
type Body struct {
	io.ReadCloser
	// Offset is where the bytes begin: the offset asked for, or 0 where the host
	// does not deliver parts.
	Offset int64
	// Part says that the host delivers a part, not the whole file.
	Part bool
}

// Span is what to fetch of a file: the bytes from From up to, not including, To;
// To 0 is the file's end.
type Span struct{ From, To int64 }

// Header gives the request's Range, "" for the whole file.
func (s Span) Header() string {
	switch {
	case s.To > 0:
		return fmt.Sprintf("bytes=%d-%d", s.From, s.To-1)
	case s.From > 0:
		return fmt.Sprintf("bytes=%d-", s.From)
	}
	return ""
}

// Wait asks to come back later.
type Wait struct {
	For  time.Duration
	User *errs.Error
}

// Expired says that a signed address no longer holds: resolve again.
type Expired struct{ User *errs.Error }

// PastEnd says that nothing lies behind the offset asked for.
type PastEnd struct{ User *errs.Error }

// OtherPart says that the host delivers a part that was not asked for.
type OtherPart struct{ User *errs.Error }

func (e *OtherPart) Error() string { return e.User.Error() }
func (e *OtherPart) Unwrap() error { return e.User }

func (e *Wait) Error() string    { return e.User.Error() }
func (e *Wait) Unwrap() error    { return e.User }
func (e *Expired) Error() string { return e.User.Error() }
func (e *Expired) Unwrap() error { return e.User }
func (e *PastEnd) Error() string { return e.User.Error() }
func (e *PastEnd) Unwrap() error { return e.User }

// Open fetches a part of a file of a listing. The address is resolved each
// time: what the hub sends on to is signed and short-lived.
func (c *Client) Open(ctx context.Context, r Repo, commit string, f File, part Span, purpose string) (*Body, error) {
	address := c.base + "/" + r.String() + "/resolve/" + url.PathEscape(commit) + "/" + escape(f.Path)
	h := http.Header{}
	if s := part.Header(); s != "" {
		h.Set("Range", s)
	}
	res, err := c.fetch.Do(ctx, fetch.Request{URL: address, Purpose: purpose, Header: h, Token: c.token(), TokenHost: host})
	if err != nil {
		return nil, err
	}
	b, err := c.accept(r, commit, f, part, res, address)
	if err != nil {
		res.Body.Close()
		return nil, err
	}
	return b, nil
}

// escape percent-encodes a path, leaving its slashes.
func escape(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// accept checks an answer against what the listing promised.
func (c *Client) accept(r Repo, commit string, f File, part Span, res *fetch.Response, asked string) (*Body, error) {
	b, err := Accept(f, part, res, asked, func() error { return c.refusal(r, res, f.Path) })
	if err != nil {
		return nil, err
	}
	// What the hub itself says goes; the CDN's ETag is another kind of hash that
	// looks the same.
	if got := res.First.Get("X-Repo-Commit"); got != "" && !strings.EqualFold(got, commit) {
		return nil, odd(f.Path, "it comes from another commit (%.40s)", got)
	}
	if got := etag(res.First.Get("X-Linked-Etag")); f.SHA256 != "" && hex64.MatchString(got) && got != f.SHA256 {
		return nil, odd(f.Path, "its hash is not the one in the list")
	}
	if got, err := strconv.ParseInt(res.First.Get("X-Linked-Size"), 10, 64); err == nil && got != f.Bytes {
		return nil, odd(f.Path, "its size is not the one in the list")
	}
	return b, nil
}

// Accept checks the status, length and range of an answer, whichever hub it is
// from; refusal explains a status that is no success.
func Accept(f File, part Span, res *fetch.Response, asked string, refusal func() error) (*Body, error) {
	moved := !sameHost(asked, res.URL)
	switch {
	case res.Status == http.StatusRequestedRangeNotSatisfiable:
		return nil, &PastEnd{odd(f.Path, "it has nothing from byte %d on", part.From)}
	case moved && (res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden):
		return nil, &Expired{errs.New(errs.Network, http.StatusBadGateway, "The host that delivers the file refused its address (%d).", res.Status).At(f.Path).Try("try again")}
	case res.Status != http.StatusOK && res.Status != http.StatusPartialContent:
		return nil, refusal()
	}
	if e := res.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, odd(f.Path, "it is encoded as %.20q although that was declined", e)
	}
	length := int64(-1)
	if n, err := strconv.ParseInt(res.Header.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	want := f.Bytes
	if res.Status == http.StatusPartialContent {
		if part.To > 0 {
			want = part.To
		}
		want -= part.From
	}
	if kind := res.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") && length != want {
		return nil, odd(f.Path, "it is a web page; perhaps the network wants a login in the browser first")
	}
	from := int64(0)
	if res.Status == http.StatusPartialContent {
		start, end, total, ok := contentRange(res.Header.Get("Content-Range"))
		if !ok || start != part.From || total >= 0 && total != f.Bytes || end >= f.Bytes {
			return nil, &OtherPart{odd(f.Path, "it is another part (%.60s) than the one asked for", res.Header.Get("Content-Range"))}
		}
		from = start
	}
	if length >= 0 && res.Status == http.StatusOK && length != f.Bytes {
		return nil, odd(f.Path, "it has %d bytes where the list says %d", length, f.Bytes)
	}
	return &Body{ReadCloser: res.Body, Offset: from, Part: res.Status == http.StatusPartialContent}, nil
}

func sameHost(a, b string) bool {
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && strings.EqualFold(u.Host, v.Host)
}

// etag takes off what surrounds the hash.
func etag(s string) string {
	return strings.ToLower(strings.Trim(strings.TrimPrefix(s, "W/"), `"`))
}

var rangeForm = regexp.MustCompile(`^bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)$`)

// contentRange reads "bytes 5-9/10"; total is -1 where it is not told.
func contentRange(s string) (start, end, total int64, ok bool) {
	m := rangeForm.FindStringSubmatch(s)
	if m == nil {
		return 0, 0, 0, false
	}
	start, _ = strconv.ParseInt(m[1], 10, 64)
	end, _ = strconv.ParseInt(m[2], 10, 64)
	total = -1
	if m[3] != "*" {
		total, _ = strconv.ParseInt(m[3], 10, 64)
	}
	return start, end, total, start <= end
}

// refusal says what an answer that is none means.
func (c *Client) refusal(r Repo, res *fetch.Response, at string) error {
	code := res.First.Get("X-Error-Code")
	if code == "" {
		code = res.Header.Get("X-Error-Code")
	}
	switch {
	case res.Status == http.StatusTooManyRequests:
		d := WaitTime(res.Header, time.Now())
		return &Wait{d, errs.New(errs.RateLimited, http.StatusTooManyRequests, "The hub asks to wait %d seconds.", int(d.Seconds()+0.5)).At(at).
			Try("it goes on by itself")}
	case code == "GatedRepo":
		return errs.New(errs.RepoGated, http.StatusForbidden, "The repository %s wants its terms accepted first.", r).At(at).
			Try("accept them on its page at huggingface.co, then give a token of that account: qwill models token --set, or HF_TOKEN")
	case code == "RevisionNotFound":
		return errs.New(errs.RepoUnknown, http.StatusNotFound, "The repository %s has no revision %q.", r, r.Revision).At(at).Try("check the revision")
	case code == "EntryNotFound":
		return errs.New(errs.RepoUnknown, http.StatusNotFound, "The repository %s has no such file.", r).At(at).Try("download the model again, from the beginning")
	case code == "RepoNotFound", res.Status == http.StatusUnauthorized, res.Status == http.StatusNotFound:
		return errs.New(errs.RepoUnknown, http.StatusNotFound, "There is no repository %s, or it is private.", r).At(at).
			Try("check its name; for a private one give a token: qwill models token --set, or HF_TOKEN")
	case res.Status == http.StatusForbidden:
		return errs.New(errs.RepoGated, http.StatusForbidden, "The hub refuses access to %s.", r).At(at).Try("look at its page on huggingface.co")
	case res.Status == http.StatusRequestTimeout || res.Status >= 500:
		e := errs.New(errs.Network, http.StatusBadGateway, "The hub is in trouble (%d).", res.Status).At(at).Try("try again later")
		if res.Header.Get("Retry-After") != "" {
			return &Wait{WaitTime(res.Header, time.Now()), e}
		}
		return e
	}
	return errs.New(errs.HubAnswer, http.StatusBadGateway, "The hub answered %d.", res.Status).At(at).Try("try again later")
}

// Bounds of a wait that a hub may ask for.
const (
	waitDefault = 30 * time.Second
	waitLimit   = 15 * time.Minute
)

var rateReset = regexp.MustCompile(`(?:^|;)\s*t=(\d{1,9})`)

// WaitTime reads RateLimit (`"resolvers";r=0;t=55`) and Retry-After (seconds or
// a date).
func WaitTime(h http.Header, now time.Time) time.Duration {
	d := waitDefault
	if m := rateReset.FindStringSubmatch(h.Get("RateLimit")); m != nil {
		n, _ := strconv.Atoi(m[1])
		d = time.Duration(n+1) * time.Second // the window's end is rounded
	} else if s := strings.TrimSpace(h.Get("Retry-After")); s != "" {
		if n, err := strconv.Atoi(s); err == nil {
			d = time.Duration(n) * time.Second
		} else if at, err := http.ParseTime(s); err == nil {
			d = at.Sub(now)
		}
	}
	return min(max(d, time.Second), waitLimit)
}
