package fetch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qwill/app/errs"
	"qwill/app/fetch"
)

// log keeps the connections in memory.
type log struct {
	mu   sync.Mutex
	all  []fetch.Connection
	fail error
}

func (l *log) AddConnection(_ context.Context, c fetch.Connection) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return 0, l.fail
	}
	l.all = append(l.all, c)
	return int64(len(l.all)), nil
}

func (l *log) EndConnection(_ context.Context, id int64, status int, bytes int64, refused string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.all[id-1]
	c.Status, c.Bytes, c.Refused = status, bytes, refused
	return nil
}

func (l *log) Connections(context.Context) ([]fetch.Connection, error) { return l.all, nil }

// wire plays the network: it records what would leave this machine.
type wire struct {
	seen    []*http.Request
	answers map[string]func(*http.Response)
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.seen = append(w.seen, r)
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("body")), Request: r}
	if f := w.answers[r.URL.Host+r.URL.Path]; f != nil {
		f(res)
	}
	return res, nil
}

func redirect(to string) func(*http.Response) {
	return func(r *http.Response) { r.StatusCode = 302; r.Header.Set("Location", to) }
}

var names = []string{"huggingface.co", ".huggingface.co", ".hf.co"}

func client(l *log, w http.RoundTripper, offline bool) *fetch.Client {
	return fetch.New(fetch.Config{Log: l, Transport: w, Offline: func() bool { return offline }, Hosts: fetch.Hosts{Names: names}})
}

// The token goes to huggingface.co and nowhere else, whatever redirects say.
func TestTokenStaysHome(t *testing.T) {
	w := &wire{answers: map[string]func(*http.Response){
		"huggingface.co/old":  redirect("/new"),
		"huggingface.co/new":  redirect("https://cas-bridge.xethub.hf.co/blob?X-Amz-Signature=s"),
		"huggingface.co/port": redirect("https://huggingface.co:8443/x"),
	}}
	l := &log{}
	c := client(l, w, false)
	res, err := c.Do(t.Context(), fetch.Request{URL: "https://huggingface.co/old", Purpose: fetch.Download, Token: "hf_secret", TokenHost: "huggingface.co",
		Header: http.Header{"Authorization": {"Bearer mine"}}})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(b) != "body" || res.First.Get("Location") == "" || !strings.Contains(res.URL, "xethub") {
		t.Errorf("%q %+v", b, res)
	}
	var got []string
	for _, r := range w.seen {
		got = append(got, r.URL.Host+" "+r.Header.Get("Authorization"))
	}
	want := "huggingface.co Bearer hf_secret|huggingface.co Bearer hf_secret|cas-bridge.xethub.hf.co "
	if strings.Join(got, "|") != want {
		t.Errorf("sent %q", got)
	}
	if len(l.all) != 3 || l.all[2].URL != "https://cas-bridge.xethub.hf.co/blob" || l.all[2].Bytes != 4 || l.all[0].Status != 302 {
		t.Errorf("logged %+v", l.all)
	}
	if _, err := c.Do(t.Context(), fetch.Request{URL: "https://huggingface.co/port", Token: "hf_secret", TokenHost: "huggingface.co"}); errs.From(err).Code != errs.HostRefused {
		t.Errorf("another port: %v", err)
	}
}

func TestHosts(t *testing.T) {
	mirror, _ := url.Parse("https://hf-mirror.com")
	local, _ := url.Parse("http://127.0.0.1:8000")
	for address, want := range map[string][3]bool{ // without endpoint, with a mirror, with one on loopback
		"https://huggingface.co/x":           {true, true, true},
		"https://HuggingFace.co./x":          {true, true, true},
		"https://cdn-lfs.huggingface.co/x":   {true, true, true},
		"https://us.aws.cdn.hf.co/x":         {true, true, true},
		"http://huggingface.co/x":            {},
		"https://huggingface.co:444/x":       {},
		"https://user:pw@huggingface.co/":    {},
		"https://evilhuggingface.co/x":       {},
		"https://huggingface.co.evil.com/x":  {},
		"https://hf.co.evil/x":               {},
		"https://hf-mirror.com/x":            {false, true, false},
		"https://cdn.hf-mirror.com/x":        {false, true, false},
		"http://hf-mirror.com/x":             {},
		"http://127.0.0.1/x":                 {false, false, true},
		"http://localhost:9/x":               {false, false, true},
		"http://[::1]:9/x":                   {false, false, true},
		"https://169.254.169.254/latest":     {},
		"http://192.168.0.1/x":               {},
		"file:///etc/passwd":                 {},
		"ftp://huggingface.co/x":             {},
		"javascript:alert(1)":                {},
		"https://":                           {},
		"https://xn--huggingface-x.co/x":     {},
		"https://huggingface.co%2eevil.com/": {},
	} {
		u, err := url.Parse(address)
		if err != nil {
			continue // never reaches the list
		}
		for i, h := range []fetch.Hosts{{Names: names}, {Names: names, Endpoint: mirror}, {Names: names, Endpoint: local}} {
			if got := h.Allow(u); got != want[i] {
				t.Errorf("%s, list %d: %v", address, i, got)
			}
		}
	}
}

// The other hub's address is allowed as the first one's is, and nothing beside it.
func TestSecondEndpoint(t *testing.T) {
	second, _ := url.Parse("https://www.modelscope.ai")
	h := fetch.Hosts{Names: names, Second: second}
	for address, want := range map[string]bool{
		"https://www.modelscope.ai/x": true, "https://a.www.modelscope.ai/x": true, "https://huggingface.co/x": true,
		"https://modelscope.ai/x": false, "http://www.modelscope.ai/x": false, "https://www.modelscope.ai.evil.com/x": false, "http://127.0.0.1/x": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Allow(u); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		url     string
		offline bool
		answer  func(*http.Response)
		code    string
		refused string
		sent    int
	}{
		"offline":       {"https://huggingface.co/x", true, nil, errs.OfflineSwitch, "offline", 0},
		"foreign":       {"https://example.com/x", false, nil, errs.HostRefused, "host", 0},
		"sent to http":  {"https://huggingface.co/x", false, redirect("http://huggingface.co/x"), errs.HostRefused, "host", 1},
		"sent to a LAN": {"https://huggingface.co/x", false, redirect("https://10.0.0.1/x"), errs.HostRefused, "host", 1},
		"sent to files": {"https://huggingface.co/x", false, redirect("file:///etc/passwd"), errs.HostRefused, "host", 1},
		"in circles":    {"https://huggingface.co/x", false, redirect("/x"), errs.HubAnswer, "", 7},
	} {
		w, l := &wire{answers: map[string]func(*http.Response){"huggingface.co/x": c.answer}}, &log{}
		_, err := client(l, w, c.offline).Do(t.Context(), fetch.Request{URL: c.url, Purpose: fetch.Listing})
		if e := errs.From(err); e == nil || e.Code != c.code || e.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
		if last := l.all[len(l.all)-1]; last.Refused != c.refused || len(w.seen) != c.sent {
			t.Errorf("%s: logged %+v, sent %d", name, last, len(w.seen))
		}
	}
}

// What cannot be written down is not done.
func TestNoLogNoConnection(t *testing.T) {
	w := &wire{}
	if _, err := client(&log{fail: errors.New("disk full")}, w, false).Do(t.Context(), fetch.Request{URL: "https://huggingface.co/x"}); err == nil || len(w.seen) != 0 {
		t.Errorf("%v, sent %d", err, len(w.seen))
	}
}

// The switch ends what runs at once.
func TestForbid(t *testing.T) {
	started := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("some"))
		w.(http.Flusher).Flush()
		close(started)
		<-r.Context().Done()
	}))
	defer s.Close()
	endpoint, _ := url.Parse(s.URL)
	l := &log{}
	c := fetch.New(fetch.Config{Log: l, Offline: func() bool { return false }, Hosts: fetch.Hosts{Endpoint: endpoint}})
	res, err := c.Do(t.Context(), fetch.Request{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	time.AfterFunc(20*time.Millisecond, c.Forbid)
	start := time.Now()
	_, err = io.ReadAll(res.Body)
	if errs.From(err).Code != errs.OfflineSwitch || time.Since(start) > time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	res.Body.Close()
	if l.all[0].Refused != "offline" || l.all[0].Bytes != 4 || c.Running() != 0 {
		t.Errorf("%+v, %d run", l.all, c.Running())
	}
}

// However many requests there are, a host sees no more than PerHost at once.
func TestPerHost(t *testing.T) {
	var now, most atomic.Int32
	full := make(chan struct{}, 2*fetch.PerHost)
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		full <- struct{}{}
		<-release
	}))
	defer s.Close()
	endpoint, _ := url.Parse(s.URL)
	c := fetch.New(fetch.Config{Log: &log{}, Offline: func() bool { return false }, Hosts: fetch.Hosts{Endpoint: endpoint}})
	var all sync.WaitGroup
	for range 2 * fetch.PerHost {
		all.Go(func() {
			res, err := c.Do(t.Context(), fetch.Request{URL: s.URL})
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
		})
	}
	for range fetch.PerHost {
		<-full
	}
	time.Sleep(100 * time.Millisecond) // for one too many to arrive
	close(release)
	all.Wait()
	if n := most.Load(); n != fetch.PerHost {
		t.Errorf("%d at once", n)
	}
}
