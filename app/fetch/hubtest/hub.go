// Package hubtest is a hub on loopback that speaks the Hugging Face Hub's API,
// with a second server as its CDN, and that can be told to misbehave. It is for
// tests, in Go and in the browser (hubtest/hub).
package hubtest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Faults that a hub can have.
const (
	Cut           = "cut"          // the connection ends after At bytes of an answer, modulo its length
	IgnoreRange   = "ignore-range" // 200 and the whole file where a part was asked for
	WrongRange    = "wrong-range"  // 206 with another part
	NoRange       = "416"          // 416 to a part
	Expired       = "expired"      // the CDN refuses the signed address; with At 1 only that of a part
	Flip          = "flip"         // one bit is wrong
	Long          = "long"         // more bytes than declared in the list, in chunks
	Short         = "short"        // an orderly end too early, in chunks
	TooMany       = "429"          // with RateLimit
	TooManyAfter  = "429-after"    // with Retry-After in seconds
	TooManyDate   = "429-date"     // with Retry-After as a date
	Trouble       = "503"          //
	Stall         = "stall"        // no more bytes after At
	Trickle       = "trickle"      // a byte now and then after At
	HTML          = "html"         // a login page with status 200
	Gzip          = "gzip"         // Content-Encoding although it was declined
	Elsewhere     = "elsewhere"    // redirect to a host that is on no list
	Circle        = "circle"       // redirects without end
	Gated         = "gated"        // 403 with X-Error-Code
	BadJSON       = "bad-json"     // in the listing
	Hostile       = "hostile"      // Path is added to the listing
	NoBlobs       = "no-blobs"     // the listing has neither sizes nor hashes: the paged tree must be read
	NoHashes      = "no-hashes"    // nor has the tree
	OtherCommit   = "other-commit" // X-Repo-Commit is another
	WrongListHash = "wrong-list"   // X-Linked-Etag is another hash than the list's
	Slow          = "slow"         // At bytes a second, for those who watch
	Unauthorized  = "401"          // as a private repository answers
	BadCode       = "bad-code"     // ModelScope's Code is not 200 though HTTP's is
	OneAtATime    = "one"          // the CDN refuses a second connection with 503
	Dropped       = "dropped"      // by Disconnect: answers of the CDN that it cut
	Huge          = "huge"         // the listing says that Path has At bytes
	NoSHA         = "no-sha"       // ModelScope's list lacks the hashes
)

// Fault is one misbehaviour.
type Fault struct {
	Kind  string `json:"kind"`
	Path  string `json:"path"`  // of the file; "" any, also the listing
	At    int64  `json:"at"`    // bytes or seconds
	Times int    `json:"times"` // how often; 0 always
}

// Request is what the hub was asked.
type Request struct {
	Server        string // hub or cdn
	Method, Path  string
	Range         string
	Authorization string
	Time          time.Time
}

// Hub is the server. Close it.
type Hub struct {
	URL string // of the hub: the value for HF_ENDPOINT
	CDN string // under another host name and port

	hub, cdn *httptest.Server
	mu       sync.Mutex
	repos    map[string]*repo // by name, and by name@commit
	faults   []*armed
	fired    map[string]int
	requests []Request
	now      int // answers of the CDN that are on their way
	most     int
	stop     chan struct{}
	once     sync.Once
}

type armed struct {
	Fault
	left int
}

type repo struct {
	commit string
	files  map[string][]byte
	lfs    map[string]bool
	sums   map[string]sums
}

// sums are the hashes of a file.
type sums struct{ sha256, git, xet string }

// New starts a hub.
func New() *Hub {
	h := &Hub{repos: map[string]*repo{}, fired: map[string]int{}, stop: make(chan struct{})}
	h.hub = httptest.NewServer(http.HandlerFunc(h.serveHub))
	h.cdn = httptest.NewServer(http.HandlerFunc(h.serveCDN))
	h.URL = h.hub.URL
	h.CDN = strings.Replace(h.cdn.URL, "127.0.0.1", "localhost", 1)
	return h
}

// Disconnect ends all connections, as a network that goes away does.
func (h *Hub) Disconnect() {
	h.mu.Lock()
	h.fired[Dropped] += h.now
	h.mu.Unlock()
	h.hub.CloseClientConnections()
	h.cdn.CloseClientConnections()
}

// Close ends the hub.
func (h *Hub) Close() {
	h.once.Do(func() { close(h.stop) })
	h.hub.CloseClientConnections()
	h.cdn.CloseClientConnections()
	h.hub.Close()
	h.cdn.Close()
}

// Put makes a repository of files. Those of weights and tokenizer lie in LFS,
// as on the real hub.
func (h *Hub) Put(name string, files map[string][]byte) (commit string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &repo{files: maps.Clone(files), lfs: map[string]bool{}, sums: map[string]sums{}}
	sum := sha1.New()
	for _, p := range slices.Sorted(maps.Keys(files)) {
		r.lfs[p] = strings.HasSuffix(p, ".safetensors") || p == "tokenizer.json"
		r.sums[p] = sums{SHA256(files[p]), GitSHA1(files[p]), xet(files[p])}
		fmt.Fprintf(sum, "%s %s\n", p, r.sums[p].sha256)
	}
	r.commit = hex.EncodeToString(sum.Sum(nil))
	h.repos[name], h.repos[name+"@"+r.commit] = r, r
	return r.commit
}

// SHA256 gives a hash in hex.
func SHA256(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// GitSHA1 gives git's blob hash in hex.
func GitSHA1(b []byte) string {
	s := sha1.Sum(append([]byte("blob "+strconv.Itoa(len(b))+"\x00"), b...))
	return hex.EncodeToString(s[:])
}

// Arm adds faults.
func (h *Hub) Arm(faults ...Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range faults {
		h.faults = append(h.faults, &armed{f, f.Times})
	}
}

// Disarm takes all faults away.
func (h *Hub) Disarm() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = nil
}

// Fired counts how often a fault happened.
func (h *Hub) Fired(kind string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fired[kind]
}

// Requests lists what was asked.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}

// take looks for a fault of one of the kinds and counts it as fired.
func (h *Hub) take(path string, kinds ...string) (Fault, bool) {
	return h.takeIf(path, func(Fault) bool { return true }, kinds...)
}

func (h *Hub) takeIf(path string, fits func(Fault) bool, kinds ...string) (Fault, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, f := range h.faults {
		if !slices.Contains(kinds, f.Kind) || f.Path != "" && f.Path != path && f.Kind != Hostile || !fits(f.Fault) {
			continue
		}
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				h.faults = slices.Delete(h.faults, i, i+1)
			}
		}
		h.fired[f.Kind]++
		return f.Fault, true
	}
	return Fault{}, false
}

func (h *Hub) note(server string, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, Request{server, r.Method, r.URL.Path, r.Header.Get("Range"), r.Header.Get("Authorization"), time.Now()})
}

func (h *Hub) find(owner, name string) *repo { return h.at(owner, name, "main") }

// at gives a repository as it is now, or as it was at a commit.
func (h *Hub) at(owner, name, rev string) *repo {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.repos[owner+"/"+name+"@"+rev]; r != nil {
		return r
	}
	return h.repos[owner+"/"+name]
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Error-Code", code)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q}`, code)
}

func (h *Hub) serveHub(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_control" {
		h.control(w, r)
		return
	}
	h.note("hub", r)
	p := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(p) >= 6 && p[0] == "api" && p[1] == "v1" && p[5] == "repo":
		h.modelscope(w, r, p[3], p[4], len(p) == 7 && p[6] == "files")
	case len(p) >= 6 && p[0] == "api" && p[1] == "models" && p[4] == "revision":
		h.info(w, r, p[2], p[3], p[5])
	case len(p) == 6 && p[0] == "api" && p[1] == "models" && p[4] == "tree":
		h.tree(w, r, p[2], p[3])
	case len(p) >= 5 && p[2] == "resolve":
		h.resolve(w, r, p[0], p[1], p[3], strings.Join(p[4:], "/"))
	default:
		refuse(w, http.StatusNotFound, "EntryNotFound")
	}
}

// spoil answers as a hub in trouble does; done says that it did.
func (h *Hub) spoil(w http.ResponseWriter, r *http.Request, path string) (done bool) {
	f, ok := h.take(path, TooMany, TooManyAfter, TooManyDate, Trouble, Gated, Unauthorized, HTML, Elsewhere, Circle)
	if !ok {
		return false
	}
	switch f.Kind {
	case TooMany:
		w.Header().Set("RateLimit", fmt.Sprintf(`"resolvers";r=0;t=%d`, f.At))
		w.Header().Set("RateLimit-Policy", `"fixed window";"resolvers";q=3000;w=300`)
		w.WriteHeader(http.StatusTooManyRequests)
	case TooManyAfter:
		w.Header().Set("Retry-After", strconv.FormatInt(f.At, 10))
		w.WriteHeader(http.StatusTooManyRequests)
	case TooManyDate:
		w.Header().Set("Retry-After", time.Now().Add(time.Duration(f.At)*time.Second+time.Second).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	case Trouble:
		w.WriteHeader(http.StatusServiceUnavailable)
	case Gated:
		refuse(w, http.StatusForbidden, "GatedRepo")
	case Unauthorized:
		refuse(w, http.StatusUnauthorized, "RepoNotFound")
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>Log in to the hotel's network</title>")
	case Elsewhere:
		http.Redirect(w, r, "http://192.0.2.1/steal", http.StatusFound)
	case Circle:
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
	}
	return true
}

type object = map[string]any

func (h *Hub) info(w http.ResponseWriter, r *http.Request, owner, name, rev string) {
	if h.spoil(w, r, "") {
		return
	}
	repo := h.find(owner, name)
	switch {
	case repo == nil:
		refuse(w, http.StatusUnauthorized, "RepoNotFound")
		return
	case rev != "main" && rev != repo.commit:
		refuse(w, http.StatusNotFound, "RevisionNotFound")
		return
	}
	if _, bad := h.take("", BadJSON); bad {
		fmt.Fprint(w, `{"sha": "`)
		return
	}
	_, bare := h.take("", NoBlobs)
	siblings := []object{}
	for _, p := range slices.Sorted(maps.Keys(repo.files)) {
		b := repo.files[p]
		s := object{"rfilename": p}
		if !bare {
			s["size"], s["blobId"] = len(b), repo.sums[p].git
			if f, bad := h.takeIf(p, func(f Fault) bool { return f.Path == p }, Huge); bad {
				s["size"] = f.At
			}
			if repo.lfs[p] {
				pointer := []byte("version https://git-lfs.github.com/spec/v1\noid sha256:" + repo.sums[p].sha256 + "\nsize " + strconv.Itoa(len(b)) + "\n")
				s["blobId"] = GitSHA1(pointer)
				s["lfs"] = object{"sha256": repo.sums[p].sha256, "size": len(b), "pointerSize": len(pointer)}
			}
		}
		siblings = append(siblings, s)
	}
	if f, bad := h.take("", Hostile); bad {
		siblings = append(siblings, object{"rfilename": f.Path, "size": 4, "blobId": GitSHA1([]byte("evil"))})
	}
	reply(w, object{"id": owner + "/" + name, "sha": repo.commit, "private": false, "gated": false, "disabled": false,
		"cardData": object{"license": "apache-2.0"}, "siblings": siblings})
}

// pageSize keeps the tree's pages short, so that they are many.
const pageSize = 2

func (h *Hub) tree(w http.ResponseWriter, r *http.Request, owner, name string) {
	repo := h.find(owner, name)
	if repo == nil {
		refuse(w, http.StatusUnauthorized, "RepoNotFound")
		return
	}
	_, bare := h.take("", NoHashes)
	all := slices.Sorted(maps.Keys(repo.files))
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	to := min(from+pageSize, len(all))
	entries := []object{}
	for _, p := range all[min(from, to):to] {
		b := repo.files[p]
		e := object{"type": "file", "path": p, "size": len(b), "oid": repo.sums[p].git}
		if repo.lfs[p] {
			e["lfs"] = object{"oid": repo.sums[p].sha256, "size": len(b)}
			e["xetHash"] = repo.sums[p].xet
		}
		if bare {
			delete(e, "lfs")
			delete(e, "oid")
		}
		entries = append(entries, e)
	}
	if to < len(all) {
		next := h.URL + r.URL.Path + "?recursive=true&expand=false&cursor=" + strconv.Itoa(to)
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	reply(w, entries)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// xet is a hash that looks like a SHA-256 and is none, as the CDN's ETag.
func xet(b []byte) string { return SHA256(append([]byte("xet"), b...)) }

func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, owner, name, rev, path string) {
	if h.spoil(w, r, path) {
		return
	}
	repo := h.at(owner, name, rev)
	switch {
	case repo == nil:
		refuse(w, http.StatusUnauthorized, "RepoNotFound")
		return
	case rev != "main" && rev != repo.commit:
		refuse(w, http.StatusNotFound, "RevisionNotFound")
		return
	}
	b, ok := repo.files[path]
	if !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound")
		return
	}
	commit := repo.commit
	if _, bad := h.take(path, OtherCommit); bad {
		commit = strings.Repeat("0", 40)
	}
	w.Header().Set("X-Repo-Commit", commit)
	if !repo.lfs[path] {
		w.Header().Set("ETag", `W/"`+repo.sums[path].git+`"`)
		h.deliver(w, r, path, b)
		return
	}
	sum := repo.sums[path].sha256
	if _, bad := h.take(path, WrongListHash); bad {
		sum = SHA256([]byte("another file"))
	}
	w.Header().Set("X-Linked-Etag", `"`+sum+`"`)
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(b)))
	w.Header().Set("X-Xet-Hash", repo.sums[path].xet)
	q := url.Values{"repo": {owner + "/" + name}, "path": {path}, "commit": {repo.commit}, "X-Amz-Signature": {"secret-signature"}, "X-Amz-Expires": {"3600"}}
	http.Redirect(w, r, h.CDN+"/xet-bridge/"+repo.sums[path].sha256[:16]+"?"+q.Encode(), http.StatusFound)
}

// Most says how many files or parts the CDN delivered at once.
func (h *Hub) Most() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.most
}

func (h *Hub) serveCDN(w http.ResponseWriter, r *http.Request) {
	h.note("cdn", r)
	h.mu.Lock()
	h.now++
	h.most = max(h.most, h.now)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.now--
	}()
	q := r.URL.Query()
	owner, name, _ := strings.Cut(q.Get("repo"), "/")
	repo := h.at(owner, name, q.Get("commit"))
	path := q.Get("path")
	if repo == nil || repo.files[path] == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	ranged := r.Header.Get("Range") != ""
	if _, bad := h.takeIf(path, func(f Fault) bool { return f.At == 0 || ranged }, Expired); bad || q.Get("X-Amz-Signature") != "secret-signature" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`)
		return
	}
	h.mu.Lock()
	busy := h.now > 1
	h.mu.Unlock()
	if busy {
		if _, bad := h.take(path, OneAtATime); bad {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	w.Header().Set("ETag", `"`+repo.sums[path].xet+`"`)
	h.deliver(w, r, path, repo.files[path])
}

// deliver sends a file or a part of it, with the faults that are armed.
func (h *Hub) deliver(w http.ResponseWriter, r *http.Request, path string, b []byte) {
	from, to, ranged := int64(0), int64(len(b)), false
	if s, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		first, last, _ := strings.Cut(s, "-")
		n, err := strconv.ParseInt(first, 10, 64)
		if err == nil {
			from, ranged = n, true
		}
		if n, err := strconv.ParseInt(last, 10, 64); err == nil {
			to = min(to, n+1)
		}
	}
	if ranged {
		if _, bad := h.take(path, NoRange); bad || from >= int64(len(b)) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(b)))
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		if _, bad := h.take(path, IgnoreRange); bad {
			from, to, ranged = 0, int64(len(b)), false
		}
	}
	body := b[from:to]
	f, faulty := h.take(path, Flip, Cut, Long, Short, Stall, Trickle, Gzip, Slow)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Accept-Ranges", "bytes")
	chunked := faulty && (f.Kind == Long || f.Kind == Short)
	if !chunked {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if faulty && f.Kind == Gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	status := http.StatusOK
	if ranged {
		status = http.StatusPartialContent
		start := from
		if _, bad := h.take(path, WrongRange); bad {
			if start = from - 1; start < 0 {
				start = 1
			}
			body = b[start:to]
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, to-1, len(b)))
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	flush := func() { _ = http.NewResponseController(w).Flush() }
	if !faulty {
		_, _ = w.Write(body)
		return
	}
	at := f.At
	if at > int64(len(body)) {
		at %= int64(len(body)) + 1
	}
	switch f.Kind {
	case Flip:
		bad := slices.Clone(body)
		if len(bad) > 0 {
			bad[at%int64(len(bad))] ^= 1
		}
		_, _ = w.Write(bad)
	case Cut:
		_, _ = w.Write(body[:at])
		flush()
		panic(http.ErrAbortHandler)
	case Long:
		_, _ = w.Write(body)
		_, _ = w.Write([]byte(strings.Repeat("more", 1000)))
	case Short:
		_, _ = w.Write(body[:at])
	case Stall:
		_, _ = w.Write(body[:at])
		flush()
		h.pause(r, time.Hour)
		panic(http.ErrAbortHandler)
	case Trickle:
		_, _ = w.Write(body[:at])
		for _, c := range body[at:] {
			flush()
			if !h.pause(r, 20*time.Millisecond) {
				return
			}
			_, _ = w.Write([]byte{c})
		}
	case Slow:
		step := max(1, f.At/20)
		for len(body) > 0 {
			n := min(step, int64(len(body)))
			if _, err := w.Write(body[:n]); err != nil {
				return
			}
			flush()
			if body = body[n:]; !h.pause(r, 50*time.Millisecond) {
				return
			}
		}
	case Gzip:
		_, _ = w.Write(body)
	}
}

func (h *Hub) pause(r *http.Request, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
	case <-h.stop:
	}
	return false
}

// control lets another process arm faults: POST a list of Fault replaces them;
// GET tells what fired.
func (h *Hub) control(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var faults []Fault
		if err := json.NewDecoder(r.Body).Decode(&faults); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		h.Disarm()
		h.Arm(faults...)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	reply(w, object{"fired": h.fired, "requests": len(h.requests)})
}
