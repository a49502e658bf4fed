package huggingface

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"qwill/app/errs"
	"qwill/app/fetch"
)

// Client reads one hub.
type Client struct {
	fetch *fetch.Client
	base  string        // such as https://huggingface.co
	token func() string // for huggingface.co alone
}

// New makes a client for the environment's endpoint (endpoint nil: the hub
// itself). token is asked for each request to the hub itself; it may be nil, and
// its answer empty.
func New(f *fetch.Client, endpoint *url.URL, token func() string) *Client {
	c := &Client{fetch: f, base: "https://" + host, token: token}
	if endpoint != nil {
		c.base = strings.TrimRight(endpoint.String(), "/")
		token = nil // a mirror is not who the token is for
	}
	if c.token = token; token == nil {
		c.token = func() string { return "" }
	}
	return c
}

// File is one file of a repository. One of the hashes is set.
type File struct {
	Path    string
	Bytes   int64
	SHA256  string // hex; of LFS and Xet files
	GitSHA1 string // hex; git's blob hash, of all others
}

// Listing is a repository at one commit.
type Listing struct {
	Commit  string // 40 hex digits
	Licence string
	Files   []File
}

// Limits of what is read from a hub.
const (
	listLimit  = 32 << 20 // bytes of an answer
	filesLimit = 10_000
	sizeLimit  = 1 << 40 // bytes of one file
	pageLimit  = 100
)

var (
	hex40 = regexp.MustCompile(`^[0-9a-f]{40}$`)
	hex64 = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

type lfs struct {
	SHA256 string `json:"sha256"` // with ?blobs=true
	OID    string `json:"oid"`    // in a tree
	Size   *int64 `json:"size"`
}

// List gives the files of a repository that want chooses, at the commit that
// the revision stands for now.
func (c *Client) List(ctx context.Context, r Repo, want func(path string) bool) (Listing, error) {
	rev := r.Revision
	if rev == "" {
		rev = "main"
	}
	var info struct {
		SHA      string `json:"sha"`
		Disabled bool   `json:"disabled"`
		Card     struct {
			Licence any `json:"license"`
		} `json:"cardData"`
		Siblings []struct {
			Path string `json:"rfilename"`
			Size *int64 `json:"size"`
			Blob string `json:"blobId"`
			LFS  *lfs   `json:"lfs"`
		} `json:"siblings"`
	}
	address := c.base + "/api/models/" + r.String() + "/revision/" + url.PathEscape(rev) + "?blobs=true"
	if _, err := c.json(ctx, r, address, &info); err != nil {
		return Listing{}, err
	}
	if !hex40.MatchString(info.SHA) {
		return Listing{}, odd(r.String(), "it names no commit")
	}
	if len(info.Siblings) > filesLimit {
		return Listing{}, odd(r.String(), "it lists more than %d files", filesLimit)
	}
	l := Listing{Commit: info.SHA}
	if s, ok := info.Card.Licence.(string); ok && len(s) < 100 {
		l.Licence = s
	}
	names := newNames(r.String())
	complete := true
	for _, s := range info.Siblings {
		if err := names.check(s.Path); err != nil {
			return Listing{}, err
		}
		if !want(s.Path) {
			continue
		}
		f, ok := file(s.Path, s.Size, s.Blob, s.LFS)
		complete = complete && ok
		l.Files = append(l.Files, f)
	}
	if !complete { // mirrors that leave out the blobs have the tree
		files, err := c.tree(ctx, r, info.SHA, want)
		if err != nil {
			return Listing{}, err
		}
		l.Files = files
	}
	slices.SortFunc(l.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return l, nil
}

// file joins what a listing says of one; ok is false where size or hash are
// missing.
func file(path string, size *int64, blob string, l *lfs) (f File, ok bool) {
	f.Path = path
	if l != nil {
		f.SHA256 = strings.ToLower(l.SHA256)
		if f.SHA256 == "" {
			f.SHA256 = strings.ToLower(l.OID)
		}
		if size == nil {
			size = l.Size
		}
	} else {
		// Only of a file that is not in LFS is this the hash of the content.
		f.GitSHA1 = strings.ToLower(blob)
	}
	if size != nil {
		f.Bytes = *size
	}
	ok = size != nil && *size >= 0 && *size < sizeLimit && (hex64.MatchString(f.SHA256) || l == nil && hex40.MatchString(f.GitSHA1))
	return f, ok
}

// tree lists by the paged call.
func (c *Client) tree(ctx context.Context, r Repo, commit string, want func(string) bool) ([]File, error) {
	next := c.base + "/api/models/" + r.String() + "/tree/" + commit + "?recursive=true&expand=false"
	names := newNames(r.String())
	var files []File
	seen := 0
	for page := 0; next != ""; page++ {
		if page == pageLimit {
			return nil, odd(r.String(), "its list has more than %d pages", pageLimit)
		}
		var entries []struct {
			Type string `json:"type"`
			Path string `json:"path"`
			Size *int64 `json:"size"`
			OID  string `json:"oid"`
			LFS  *lfs   `json:"lfs"`
		}
		res, err := c.json(ctx, r, next, &entries)
		if err != nil {
			return nil, err
		}
		if seen += len(entries); seen > filesLimit {
			return nil, odd(r.String(), "it lists more than %d files", filesLimit)
		}
		for _, e := range entries {
			if e.Type != "file" {
				continue
			}
			if err := names.check(e.Path); err != nil {
				return nil, err
			}
			if !want(e.Path) {
				continue
			}
			f, ok := file(e.Path, e.Size, e.OID, e.LFS)
			if !ok {
				return nil, odd(e.Path, "the hub gives neither size nor hash for it, so it could not be verified")
			}
			files = append(files, f)
		}
		if next, err = following(res, next); err != nil {
			return nil, odd(r.String(), "its list goes on nowhere")
		}
	}
	return files, nil
}

var linkNext = regexp.MustCompile(`<([^>]*)>\s*;\s*rel="?next"?`)

// following gives the next page's address from the Link header, "" at the end.
func following(res *fetch.Response, at string) (string, error) {
	m := linkNext.FindStringSubmatch(res.Header.Get("Link"))
	if m == nil {
		return "", nil
	}
	base, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	next, err := base.Parse(m[1])
	if err != nil || next.String() == at {
		return "", fmt.Errorf("next page %q", m[1])
	}
	return next.String(), nil
}

func odd(at, format string, args ...any) *errs.Error {
	return errs.New(errs.HubAnswer, http.StatusBadGateway, "The hub's answer makes no sense: %s.", fmt.Sprintf(format, args...)).At(at).
		Try("try again later, or with another mirror")
}

// json reads one answer of the API.
func (c *Client) json(ctx context.Context, r Repo, address string, into any) (*fetch.Response, error) {
	res, err := c.fetch.Do(ctx, fetch.Request{URL: address, Purpose: fetch.Listing, Header: http.Header{"Accept": {"application/json"}},
		Token: c.token(), TokenHost: host})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	watch := time.AfterFunc(listTime, func() { res.Body.Close() })
	defer watch.Stop()
	if res.Status != http.StatusOK {
		return nil, c.refusal(r, res, r.String())
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, listLimit+1))
	if err != nil {
		if e := errs.From(err); e.Code != errs.Internal {
			return nil, e
		}
		return nil, errs.New(errs.Network, http.StatusBadGateway, "The list of files did not arrive whole.").At(r.String()).Try("try again").Because(err)
	}
	if len(b) > listLimit {
		return nil, odd(r.String(), "it is larger than %d bytes", listLimit)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return nil, odd(r.String(), "it is not JSON; perhaps the network wants a login in the browser first").Because(err)
	}
	return res, nil
}

// listTime bounds how long an answer of the API may take.
const listTime = 60 * time.Second

// names refuses paths that could leave the model's folder or meet in one file.
type names struct {
	repo string
	seen map[string]string
	fold cases.Caser
}

func newNames(repo string) *names { return &names{repo, map[string]string{}, cases.Fold()} }

// CheckPaths refuses a list in which a path could leave the model's folder, or
// two meet in one file.
func CheckPaths(repo string, paths []string) error {
	n := newNames(repo)
	for _, p := range paths {
		if err := n.check(p); err != nil {
			return err
		}
	}
	return nil
}

func (n *names) check(path string) error {
	bad := func(why string) error {
		return errs.New(errs.HubAnswer, http.StatusBadGateway, "The repository %s has a file with a dangerous name: %s.", n.repo, why).
			At(fmt.Sprintf("%.200q", path)).Try("do not use this repository")
	}
	if path == "" || len(path) > 1024 || !norm.NFC.IsNormalString(path) && len(path) > 512 {
		return bad("it is empty or too long")
	}
	if strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\\:\x00") {
		return bad("it could name a place outside the folder")
	}
	for _, r := range path {
		if r < 0x20 || r == 0x7f || r == '\uFFFD' {
			return bad("it holds control characters")
		}
	}
	for _, p := range strings.Split(path, "/") {
		switch {
		case p == "" || p == "." || p == "..":
			return bad("it could name a place outside the folder")
		case len(p) > 255:
			return bad("it is too long")
		}
	}
	key := n.fold.String(norm.NFC.String(path))
	if other, taken := n.seen[key]; taken {
		return bad(fmt.Sprintf("it differs from %q in case or form only", other))
	}
	n.seen[key] = path
	return nil
}
