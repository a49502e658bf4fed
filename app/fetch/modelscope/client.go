// Package modelscope speaks ModelScope's HTTP API as app/fetch/huggingface
// speaks the other hub's, in the same types. Written from the sources of its
// client; it was never run against the live hub (docs/models.md).
package modelscope

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"qwill/app/errs"
	"qwill/app/fetch"
	"qwill/app/fetch/huggingface"
)

const host = "modelscope.cn"

// Hosts are where the hub and its redirects to storage lead.
var Hosts = []string{host, ".modelscope.cn", "modelscope.ai", ".modelscope.ai", ".aliyuncs.com"}

// EndpointVariable names another address of the hub, as its own client reads it.
const EndpointVariable = "MODELSCOPE_ENDPOINT"

// Endpoint gives the address that the environment names, nil for the hub itself.
func Endpoint() (*url.URL, error) {
	v := strings.TrimRight(strings.TrimSpace(os.Getenv(EndpointVariable)), "/")
	if v == "" {
		return nil, nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, errs.New(errs.Invalid, http.StatusBadRequest, "%s is no address of a hub.", EndpointVariable).At(EndpointVariable).
			Try("set it to an address such as https://www.modelscope.ai, or leave it out")
	}
	return u, nil
}

// Client reads the hub. It has no token: what it fetches is public.
type Client struct {
	fetch *fetch.Client
	base  string
}

// New makes a client; endpoint nil is the hub itself.
func New(f *fetch.Client, endpoint *url.URL) *Client {
	c := &Client{fetch: f, base: "https://" + host}
	if endpoint != nil {
		c.base = strings.TrimRight(endpoint.String(), "/")
	}
	return c
}

// Limits of an answer.
const (
	listLimit  = 32 << 20 // bytes
	listTime   = 60 * time.Second
	filesLimit = 10_000
	sizeLimit  = 1 << 40 // bytes of one file
)

var hex64 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// revision is what the hub calls main.
func revision(r huggingface.Repo) string {
	if r.Revision == "" || r.Revision == "main" {
		return "master"
	}
	return r.Revision
}

// List gives the files that want chooses. The hub pins no commit for a branch:
// each file's SHA-256 pins its bytes, and a file without one is refused.
func (c *Client) List(ctx context.Context, r huggingface.Repo, want func(path string) bool) (huggingface.Listing, error) {
	rev := revision(r)
	res, err := c.fetch.Do(ctx, fetch.Request{Purpose: fetch.Listing, Header: http.Header{"Accept": {"application/json"}},
		URL: c.base + "/api/v1/models/" + r.String() + "/repo/files?Recursive=True&Revision=" + url.QueryEscape(rev)})
	if err != nil {
		return huggingface.Listing{}, err
	}
	defer res.Body.Close()
	watch := time.AfterFunc(listTime, func() { res.Body.Close() })
	defer watch.Stop()
	if res.Status != http.StatusOK {
		return huggingface.Listing{}, refusal(r, res, res.Status, r.String())
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, listLimit+1))
	if err != nil {
		if e := errs.From(err); e.Code != errs.Internal {
			return huggingface.Listing{}, e
		}
		return huggingface.Listing{}, errs.New(errs.Network, http.StatusBadGateway, "The list of files did not arrive whole.").At(r.String()).Try("try again").Because(err)
	}
	var answer struct {
		Code int `json:"Code"`
		Data struct {
			Files []struct {
				Path   string `json:"Path"`
				Type   string `json:"Type"`
				Size   *int64 `json:"Size"`
				SHA256 string `json:"Sha256"`
			} `json:"Files"`
		} `json:"Data"`
	}
	if len(b) > listLimit || json.Unmarshal(b, &answer) != nil {
		return huggingface.Listing{}, odd(r.String(), "it is no list of files; perhaps the network wants a login in the browser first")
	}
	if answer.Code != http.StatusOK { // told in the body, under HTTP's 200
		return huggingface.Listing{}, refusal(r, res, answer.Code, r.String())
	}
	if len(answer.Data.Files) > filesLimit {
		return huggingface.Listing{}, odd(r.String(), "it lists more than %d files", filesLimit)
	}
	l := huggingface.Listing{Commit: rev}
	paths := []string{}
	for _, f := range answer.Data.Files {
		if f.Type == "tree" {
			continue
		}
		paths = append(paths, f.Path)
		if !want(f.Path) {
			continue
		}
		sum := strings.ToLower(f.SHA256)
		if f.Size == nil || *f.Size < 0 || *f.Size >= sizeLimit || !hex64.MatchString(sum) {
			return huggingface.Listing{}, odd(f.Path, "the hub gives no size or no hash for it, so it could not be verified")
		}
		l.Files = append(l.Files, huggingface.File{Path: f.Path, Bytes: *f.Size, SHA256: sum})
	}
	if err := huggingface.CheckPaths(r.String(), paths); err != nil {
		return huggingface.Listing{}, err
	}
	slices.SortFunc(l.Files, func(a, b huggingface.File) int { return strings.Compare(a.Path, b.Path) })
	return l, nil
}

// Open fetches a part of a file of a listing.
func (c *Client) Open(ctx context.Context, r huggingface.Repo, commit string, f huggingface.File, part huggingface.Span, purpose string) (*huggingface.Body, error) {
	h := http.Header{}
	if s := part.Header(); s != "" {
		h.Set("Range", s)
	}
	address := c.base + "/api/v1/models/" + r.String() + "/repo?Revision=" + url.QueryEscape(commit) + "&FilePath=" + url.QueryEscape(f.Path)
	res, err := c.fetch.Do(ctx, fetch.Request{URL: address, Purpose: purpose, Header: h})
	if err != nil {
		return nil, err
	}
	b, err := huggingface.Accept(f, part, res, address, func() error { return refusal(r, res, res.Status, f.Path) })
	if err != nil {
		res.Body.Close()
		return nil, err
	}
	return b, nil
}

func odd(at, format string, args ...any) *errs.Error {
	return errs.New(errs.HubAnswer, http.StatusBadGateway, "ModelScope's answer makes no sense: %s.", fmt.Sprintf(format, args...)).At(at).
		Try("try again later, or download from Hugging Face")
}

// refusal says what a status means, HTTP's or the one in the body.
func refusal(r huggingface.Repo, res *fetch.Response, status int, at string) error {
	switch {
	case status == http.StatusTooManyRequests:
		d := huggingface.WaitTime(res.Header, time.Now())
		return &huggingface.Wait{For: d, User: errs.New(errs.RateLimited, http.StatusTooManyRequests, "ModelScope asks to wait %d seconds.", int(d.Seconds()+0.5)).At(at).
			Try("it goes on by itself")}
	case status == http.StatusNotFound, status == http.StatusUnauthorized, status == http.StatusForbidden:
		return errs.New(errs.RepoUnknown, http.StatusNotFound, "ModelScope has no repository %s at %s, or it is private.", r, revision(r)).At(at).
			Try("check its name, or download from Hugging Face")
	case status == http.StatusRequestTimeout || status >= 500:
		return errs.New(errs.Network, http.StatusBadGateway, "ModelScope is in trouble (%d).", status).At(at).Try("try again later, or download from Hugging Face")
	}
	return odd(at, "it says %d", status)
}

// Path reads owner/name out of the address of a model's page; is says whether
// it is one.
func Path(address string) (repo string, is bool) {
	s := strings.TrimSpace(address)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return "", false
	}
	switch strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") {
	case host, "modelscope.ai":
	default:
		return "", false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 3 || parts[0] != "models" {
		return "", false
	}
	return parts[1] + "/" + parts[2], true
}
