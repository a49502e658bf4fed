// Package fetch is the only way off this machine. Every connection goes to a
// host of its list, says what it is for, is written down where the user can
// read it, and falls under the one switch that forbids all of them.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"qwill/app/errs"
)

// Purposes of connections.
const (
	Listing    = "listing"  // what files a model has
	ConfigFile = "config"   // its config.json, before anything large
	Download   = "download" // its files
)

// Connection is one request that left this machine, or was refused.
type Connection struct {
	ID      int64     `json:"-"`
	Time    time.Time `json:"time"`
	Method  string    `json:"method"`
	URL     string    `json:"url"` // without query, user and fragment: they may hold secrets
	Purpose string    `json:"purpose"`
	Status  int       `json:"status"` // HTTP status; 0: no answer
	Bytes   int64     `json:"bytes"`  // of the answer's body
	Refused string    `json:"refused,omitempty"`
}

// Log keeps the connections.
type Log interface {
	// AddConnection writes one down before it is made and gives its number.
	AddConnection(ctx context.Context, c Connection) (int64, error)
	// EndConnection adds what came of it.
	EndConnection(ctx context.Context, id int64, status int, bytes int64, refused string) error
	// Connections lists them, newest first.
	Connections(ctx context.Context) ([]Connection, error)
}

// Config wires a Client.
type Config struct {
	Log     Log
	Offline func() bool // the switch as it stands now
	Hosts   Hosts
	// Transport carries the requests; nil: TCP with the proxies of the
	// environment. Set by tests that must not leave the machine.
	Transport http.RoundTripper
}

// Client makes connections.
type Client struct {
	config    Config
	transport http.RoundTripper

	mu      sync.Mutex
	running map[int64]context.CancelCauseFunc
	next    int64
}

// How long the steps of a connection may take; the body has no limit of its
// own, for its reader watches it.
const (
	dialTime   = 15 * time.Second
	headerTime = 30 * time.Second
)

// PerHost bounds the connections to one host at a time, whoever asks for them;
// further requests wait.
const PerHost = 6

// redirectLimit is the longest chain of redirects.
const redirectLimit = 6

// New makes a client.
func New(c Config) *Client {
	if c.Transport == nil {
		c.Transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   dialTime,
			ResponseHeaderTimeout: headerTime,
			IdleConnTimeout:       30 * time.Second,
			MaxIdleConnsPerHost:   PerHost,
			MaxConnsPerHost:       PerHost,
			// HTTP/2 would put all parts of a file on one connection.
			Protocols: http1(),
			// Transparent compression would hide the true length and bytes.
			DisableCompression: true,
		}
	}
	return &Client{config: c, transport: c.Transport, running: map[int64]context.CancelCauseFunc{}}
}

func http1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// ErrOffline says that the switch forbids the connection.
func ErrOffline() *errs.Error {
	return errs.New(errs.OfflineSwitch, http.StatusForbidden, "Connections off this machine are switched off.").
		Try("allow them in Settings, under Privacy, and try again")
}

func errHost(host string) *errs.Error {
	return errs.New(errs.HostRefused, http.StatusForbidden, "Qwill does not connect to this host: it is not on its list.").At(host).
		Try("if it is a mirror that you trust, name it in HF_ENDPOINT")
}

// Request is one thing to fetch.
type Request struct {
	Method  string // default GET
	URL     string
	Header  http.Header
	Purpose string
	// Token goes to TokenHost alone, over HTTPS alone, whatever redirects say.
	Token, TokenHost string
}

// Response is an answer. The body must be closed.
type Response struct {
	Status int
	Header http.Header
	URL    string // where the answer came from in the end
	// First holds the headers of the first answer that was not a relative
	// redirect: the asked host's own word, before another host delivers.
	First http.Header
	Body  io.ReadCloser
}

// Do fetches, following redirects as far as the list of hosts allows. Answers
// of any status are no error.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	at, err := url.Parse(r.URL)
	if err != nil {
		return nil, errs.New(errs.Invalid, http.StatusBadRequest, "This is no address.").At(r.URL).Because(err)
	}
	var first http.Header
	for hop := 0; ; hop++ {
		if hop > redirectLimit {
			return nil, errs.New(errs.HubAnswer, http.StatusBadGateway, "The host sends the download in circles.").At(bare(at)).Try("try again later")
		}
		res, err := c.one(ctx, r, at)
		if err != nil {
			return nil, err
		}
		location := res.Header.Get("Location")
		redirect := location != "" && (res.StatusCode/100 == 3)
		next, perr := url.Parse(location)
		relative := redirect && perr == nil && !next.IsAbs() && next.Host == ""
		if first == nil && !relative {
			first = res.Header
		}
		if !redirect {
			return &Response{Status: res.StatusCode, Header: res.Header, First: first, URL: at.String(), Body: res.Body}, nil
		}
		res.Body.Close()
		if perr != nil {
			return nil, errs.New(errs.HubAnswer, http.StatusBadGateway, "The host sends on to what is no address.").At(bare(at)).Because(perr)
		}
		at = at.ResolveReference(next)
	}
}

// one makes a single request, without following where it is sent.
func (c *Client) one(ctx context.Context, r Request, at *url.URL) (*http.Response, error) {
	entry := Connection{Time: time.Now(), Method: r.Method, URL: bare(at), Purpose: r.Purpose}
	// A log that cannot be written must not be a way around the log.
	id, err := c.config.Log.AddConnection(ctx, entry)
	if err != nil {
		return nil, fmt.Errorf("write down the connection: %w", err)
	}
	end := func(status int, bytes int64, refused string) {
		// Whatever ends the request, its entry is completed.
		_ = c.config.Log.EndConnection(context.WithoutCancel(ctx), id, status, bytes, refused)
	}
	if c.config.Offline() {
		end(0, 0, "offline")
		return nil, ErrOffline()
	}
	if !c.config.Hosts.Allow(at) {
		end(0, 0, "host")
		return nil, errHost(at.Scheme + "://" + at.Host)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	key := c.enter(cancel)
	leave := func() { c.leave(key); cancel(nil) }
	// The switch may have been turned while the request was not yet known.
	if c.config.Offline() {
		leave()
		end(0, 0, "offline")
		return nil, ErrOffline()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, at.String(), nil)
	if err != nil {
		leave()
		end(0, 0, "address")
		return nil, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "qwill")
	req.Header.Del("Authorization")
	if r.Token != "" && at.Scheme == "https" && strings.EqualFold(at.Host, r.TokenHost) {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		err = c.explain(ctx, at, err)
		leave()
		if errs.From(err).Code == errs.OfflineSwitch {
			end(0, 0, "offline")
		} else {
			end(0, 0, "")
		}
		return nil, err
	}
	res.Body = &body{rc: res.Body, ctx: ctx, client: c, at: at, done: func(n int64) {
		refused := ""
		if cause := context.Cause(ctx); cause != nil && errs.From(cause).Code == errs.OfflineSwitch {
			refused = "offline"
		}
		leave()
		end(res.StatusCode, n, refused)
	}}
	return res, nil
}

func (c *Client) enter(cancel context.CancelCauseFunc) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	c.running[c.next] = cancel
	return c.next
}

func (c *Client) leave(key int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, key)
}

// Forbid ends the connections that run, at once. The switch itself is asked
// through Config.Offline.
func (c *Client) Forbid() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cancel := range c.running {
		cancel(ErrOffline())
	}
}

// Running counts the connections that are open now.
func (c *Client) Running() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.running)
}

// explain says what a failed connection means: the caller's own end, the
// switch, or the network.
func (c *Client) explain(ctx context.Context, at *url.URL, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return errs.New(errs.Network, http.StatusBadGateway, "The connection to %s failed: %s.", at.Hostname(), plain(err)).
		At(bare(at)).Try("check the network, and the proxy if you use one").Because(err)
}

// plain takes the address out of an error of the net packages: it may hold a
// signature.
func plain(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return "its name is not known (" + e.Err + ")"
	}
	return err.Error()
}

// bare is an address without what may hold secrets.
func bare(u *url.URL) string {
	v := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return v.String()
}

// body counts what is read and completes the entry when it is closed.
type body struct {
	rc     io.ReadCloser
	ctx    context.Context
	client *Client
	at     *url.URL
	n      atomic.Int64
	once   sync.Once
	done   func(n int64)
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	b.n.Add(int64(n))
	if err != nil && err != io.EOF {
		err = b.client.explain(b.ctx, b.at, err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.rc.Close()
	b.once.Do(func() { b.done(b.n.Load()) })
	return err
}
