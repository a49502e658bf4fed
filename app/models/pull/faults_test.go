package pull_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qwill/app/disk/disktest"
	"qwill/app/errs"
	"qwill/app/fetch"
	"qwill/app/fetch/hubtest"
	"qwill/app/fetch/huggingface"
	"qwill/app/models/pull"
)

// The branch moves between the list and the files: the pinned commit's are
// fetched, and none of the other's.
func TestBranchMoves(t *testing.T) {
	b := setup(t)
	var before, after string
	j := b.during(func(j pull.Job) {
		before = j.Revision
		moved := files(qwen3)
		moved["model.safetensors"][7] ^= 1
		moved["LICENSE"] = []byte("another licence")
		after = b.hub.Put(repo, moved)
		if _, err := b.Pause(t.Context(), j.ID); err != nil {
			t.Error(err)
		}
	})
	if before == after {
		t.Fatal("the branch did not move")
	}
	if _, err := b.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	j = b.until(j.ID)
	b.whole(j)
	if j.Revision != before {
		t.Errorf("it is of %s, not %s", j.Revision, before)
	}
}

// broken fails the first so many requests as a network does, then lets them by.
type broken struct {
	err   error
	left  atomic.Int32
	fired atomic.Int32
}

func (b *broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.left.Add(-1) >= 0 {
		b.fired.Add(1)
		return nil, &net.OpError{Op: "dial", Err: b.err}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// No name, no certificate, no route: tried again, and told when it lasts.
func TestNetworkFails(t *testing.T) {
	for name, cause := range map[string]error{
		"DNS":     &net.DNSError{Err: "no such host", Name: "huggingface.co", IsNotFound: true},
		"TLS":     x509.UnknownAuthorityError{},
		"refused": errors.New("connect: connection refused"),
	} {
		for _, c := range []struct {
			way   string
			times int32
		}{{"for a while", 3}, {"always", math.MaxInt32}} {
			t.Run(name+" "+c.way, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				wire := &broken{err: cause}
				wire.left.Store(c.times)
				endpoint, _ := url.Parse(b.hub.URL)
				client := fetch.New(fetch.Config{Log: b.db, Offline: b.offline.Load, Hosts: fetch.Hosts{Endpoint: endpoint}, Transport: wire})
				b.Hubs[pull.HuggingFace] = huggingface.New(client, endpoint, nil)
				j := b.pull(repo)
				if wire.fired.Load() < 3 {
					t.Errorf("fired %d times", wire.fired.Load())
				}
				if c.times < 10 {
					b.whole(j)
					return
				}
				if j.State != pull.Failed || j.Error.Code != errs.Network || j.Error.Hint == "" {
					t.Errorf("%s %v", j.State, j.Error)
				}
				b.absent()
				wire.left.Store(0) // the network is back
				if _, err := b.Resume(t.Context(), j.ID); err != nil {
					t.Fatal(err)
				}
				b.whole(b.until(j.ID))
			})
		}
	}
}

// Whoever may not read a repository learns what to do about it.
func TestRefusalsDiffer(t *testing.T) {
	said := map[string]string{}
	for name, c := range map[string]struct {
		fault              string
		repo, revision     string
		code, want, advice string
	}{
		"gated":       {hubtest.Gated, repo, "", errs.RepoGated, "terms", "token"},
		"private":     {hubtest.Unauthorized, repo, "", errs.RepoUnknown, "private", "token"},
		"no revision": {"", repo, "nothing", errs.RepoUnknown, "revision", "revision"},
		"no such":     {"", "Qwen/Nothing", "", errs.RepoUnknown, "no repository", "name"},
	} {
		b := setup(t)
		if c.fault != "" {
			b.hub.Arm(hubtest.Fault{Kind: c.fault})
		}
		j, err := b.Add(t.Context(), c.repo, c.revision, "")
		if err != nil {
			t.Fatal(err)
		}
		j = b.until(j.ID)
		if j.State != pull.Failed || j.Error.Code != c.code || !strings.Contains(j.Error.Message, c.want) || !strings.Contains(j.Error.Hint, c.advice) {
			t.Errorf("%s: %s %v", name, j.State, j.Error)
		}
		if c.fault != "" && b.hub.Fired(c.fault) == 0 {
			t.Errorf("%s did not happen", name)
		}
		if other, same := said[j.Error.Error()]; same {
			t.Errorf("%s and %s say the same: %v", name, other, j.Error)
		}
		said[j.Error.Error()] = name
	}
}

// A file of no bytes is a file.
func TestEmptyFile(t *testing.T) {
	b := setup(t)
	b.want = files(qwen3)
	b.want["LICENSE"] = []byte{}
	b.hub.Put(repo, b.want)
	b.whole(b.pull(repo))
}

// A list beyond all bounds is refused; a long one is not.
func TestManyFiles(t *testing.T) {
	for n, state := range map[int]string{9_000: pull.Done, 10_100: pull.Failed} {
		b := setup(t)
		many := files(qwen3)
		for i := range n {
			many[fmt.Sprintf("figures/%d.png", i)] = nil
		}
		b.hub.Put(repo, many)
		if j := b.pull(repo); j.State != state || state == pull.Failed && (j.Error.Code != errs.HubAnswer || j.Error.Hint == "") {
			t.Errorf("%d files: %s %v", n, j.State, j.Error)
		}
	}
}

// A file that is said to have a terabyte does not fit, and the figures are told.
// Where the size is impossible the paged list is read, which has the true one.
func TestHugeFile(t *testing.T) {
	for size, fits := range map[int64]bool{1<<40 - 1: false, 1 << 40: true, -5: true, math.MaxInt64: true} {
		b := setup(t)
		b.hub.Arm(hubtest.Fault{Kind: hubtest.Huge, Path: "model.safetensors", At: size})
		j := b.pull(repo)
		if b.hub.Fired(hubtest.Huge) == 0 {
			t.Error("it did not happen")
		}
		if fits {
			b.whole(j)
			continue
		}
		if j.State != pull.Paused || j.Error == nil || j.Error.Code != errs.DiskFull || !strings.Contains(j.Error.Message, "1099.5 GB are needed and") {
			t.Errorf("%d: %s %v", size, j.State, j.Error)
		}
		b.absent()
	}
}

// What is told of a download makes sense at every moment: progress does not go
// back or over the whole, rates and times are numbers, and verifying is a stage
// that can be seen and ended.
func TestProgress(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	hub.Arm(hubtest.Fault{Kind: hubtest.Cut, Path: "model.safetensors", At: 300_000, Times: 1}, hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 1 << 20})
	verifying := make(chan struct{})
	l := &disktest.Layer{Before: func(op string) error {
		if strings.HasPrefix(op, "read model.safetensors") {
			<-verifying // the hash is late: that its stage is seen does not depend on luck
		}
		return nil
	}}
	b, err := begin(t, t.TempDir(), hub.URL, l)
	if err != nil {
		t.Fatal(err)
	}
	b.hub, b.Pace.Verify = hub, 1<<20
	sub := b.broker.Subscribe()
	defer sub.Close()
	j, err := b.Add(t.Context(), repo, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.RunUntil(t.Context(), j.ID) }()
	var last pull.Job
	states, rated, timed := map[string]bool{}, false, false
	for last.State != pull.Done {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		e, ok := sub.Next(ctx)
		cancel()
		if !ok {
			t.Fatalf("no more was told after %+v", last)
		}
		j, is := e.Data.(pull.Job)
		if !is {
			continue
		}
		states[j.State] = true
		if j.State == pull.Verifying && last.State != pull.Verifying {
			close(verifying)
		}
		if j.Done > j.Bytes || j.Done < last.Done || math.IsNaN(j.Rate) || math.IsInf(j.Rate, 0) || j.Rate < 0 || j.ETA != nil && *j.ETA < 0 {
			t.Errorf("%+v after %+v", j, last)
		}
		var sum int64
		for _, f := range j.Files {
			if sum += f.Done; f.Done > f.Bytes {
				t.Errorf("%+v", f)
			}
		}
		if len(j.Files) > 0 && sum != j.Done {
			t.Errorf("the files have %d bytes, the whole %d", sum, j.Done)
		}
		rated = rated || j.State == pull.Downloading && j.Rate > 1
		timed = timed || j.ETA != nil
		last = j
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, s := range []string{pull.Listing, pull.Downloading, pull.Verifying, pull.Publishing} {
		if !states[s] {
			t.Errorf("%s was not told: %v", s, states)
		}
	}
	if !rated || !timed || hub.Fired(hubtest.Cut) == 0 {
		t.Errorf("rate %v, time left %v, cuts %d", rated, timed, hub.Fired(hubtest.Cut))
	}
	b.whole(last)
}

// Verifying ends at once when it is not wanted any more.
func TestCancelWhileVerifying(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	b, err := begin(t, t.TempDir(), hub.URL, &disktest.Layer{Before: func(op string) error {
		if strings.HasPrefix(op, "read model.safetensors") {
			time.Sleep(200 * time.Millisecond) // a slow disk
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.hub, b.Pace.Verify = hub, 1<<20
	j, err := b.Add(t.Context(), repo, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.RunUntil(t.Context(), j.ID) }()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if j, err = b.Job(t.Context(), j.ID); err != nil || j.State == pull.Done || time.Now().After(end) {
			t.Fatalf("%+v %v", j, err)
		}
		if j.State == pull.Verifying {
			break
		}
	}
	start := time.Now()
	if err := b.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	<-ended
	b.absent()
	b.nothingPartial()
}

// Stalls are noticed, and cancelling one takes no time.
func TestCancelWhileItStalls(t *testing.T) {
	b := setup(t)
	b.Pace.Stall = time.Hour
	b.hub.Arm(hubtest.Fault{Kind: hubtest.Stall, Path: "model.safetensors", At: 100_000})
	j, err := b.Add(t.Context(), repo, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.RunUntil(t.Context(), j.ID) }()
	for end := time.Now().Add(20 * time.Second); b.hub.Fired(hubtest.Stall) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no stall")
		}
	}
	start := time.Now()
	if err := b.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	<-ended
	b.absent()
	b.nothingPartial()
}

// A home whose name is in other scripts is a home.
func TestNamesOfHomes(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	home := filepath.Join(t.TempDir(), "主目录 🙂 مرحبا")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	b := open(t, home, hub)
	b.whole(b.pull(repo))
}

// Paths that meet in one file on a Mac, by their case or the form of their
// letters, refuse the repository.
func TestPathsThatMeet(t *testing.T) {
	for _, paths := range [][]string{{"\u00e9.json", "e\u0301.json"}, {"a.json", "A.json"}, {"stra\u00dfe", "STRASSE"}, {"a/../b"}, {"/a"}, {`a\b`}, {"a\x00"}, {strings.Repeat("x", 300)}, {""}, {"a//b"}, {"."}} {
		if err := huggingface.CheckPaths("a/b", paths); errs.From(err) == nil || errs.From(err).Code != errs.HubAnswer {
			t.Errorf("%q: %v", paths, err)
		}
	}
	if err := huggingface.CheckPaths("a/b", []string{"\u4e2d\u6587.json", "\U0001f642", "a/b", "a/c"}); err != nil {
		t.Error(err)
	}
}

// Few open files are enough.
func TestFewOpenFiles(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	home := t.TempDir()
	t.Setenv(childFiles, "64")
	p := spawn(t, home, hub.URL, "")
	if err := p.Wait(); err != nil || !strings.Contains(p.Stderr.(*bytes.Buffer).String(), "at most 64 files") {
		t.Fatalf("%v: %s", err, p.Stderr)
	}
	b := open(t, home, hub)
	jobs, err := b.Jobs(t.Context())
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	b.whole(jobs[0])
}

// The list of models of two repositories that hold the same bytes: each has its own.
func TestSameBytesTwice(t *testing.T) {
	b := setup(t)
	b.hub.Put("Qwen/Twin", maps.Clone(files(qwen3)))
	one, err := b.Add(t.Context(), repo, "", "one")
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Add(t.Context(), "Qwen/Twin", "", "two")
	if err != nil {
		t.Fatal(err)
	}
	b.whole(b.until(one.ID))
	if j := b.until(two.ID); j.State != pull.Done {
		t.Fatalf("%s %v", j.State, j.Error)
	}
	b.exact()
}
