package pull_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qwill/app/disk"
	"qwill/app/disk/disktest"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/fetch"
	"qwill/app/fetch/hubtest"
	"qwill/app/fetch/huggingface"
	"qwill/app/fetch/modelscope"
	"qwill/app/models"
	"qwill/app/models/pull"
	"qwill/app/store"
)

const repo = "Qwen/Qwen3-Tiny-MLX-4bit"

// weights are bytes that no hash forgives. The caller has a copy.
func weights(n int) []byte {
	once, _ := made.LoadOrStore(n, sync.OnceValue(func() []byte { return makeWeights(n) }))
	return slices.Clone(once.(func() []byte)())
}

var made sync.Map // by length

func makeWeights(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func files(config string) map[string][]byte {
	return map[string][]byte{
		"config.json":       []byte(config),
		"tokenizer.json":    bytes.Repeat([]byte(`{"model":{}}`), 500),
		"model.safetensors": weights(3 << 20),
		"LICENSE":           []byte("Apache License 2.0"),
		"README.md":         []byte("# not needed"),
		"figures/a.png":     []byte("not needed"),
		".gitattributes":    []byte("not needed"),
	}
}

const qwen3 = `{"model_type":"qwen3","max_position_embeddings":4096,"quantization":{"bits":4,"group_size":128}}`

// fast is the app's pace, shortened.
var fast = pull.Pace{Backoff: 5 * time.Millisecond, Longest: 20 * time.Millisecond, Stall: 400 * time.Millisecond, Slow: 4 << 10, Tries: 4, Sync: 256 << 10, Margin: 1 << 20,
	Part: 512 << 10, Streams: 3, Verify: 16 << 20}

// bench is a home with a hub beside it.
type bench struct {
	*pull.Service
	t       *testing.T
	hub     *hubtest.Hub
	db      *store.DB
	models  *models.Service
	fetch   *fetch.Client
	broker  *events.Broker
	home    string
	offline atomic.Bool
	want    map[string][]byte // the repository's files
}

func setup(t *testing.T) *bench {
	t.Helper()
	hub := hubtest.New()
	t.Cleanup(hub.Close)
	hub.Put(repo, files(qwen3))
	return open(t, t.TempDir(), hub)
}

// empty is a new database, made once.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "qwill")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "q.db")
	db, _, err := store.Open(context.Background(), path, dir)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func open(t *testing.T, home string, hub *hubtest.Hub) *bench {
	t.Helper()
	b, err := begin(t, home, hub.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.hub = hub
	return b
}

// begin wires a home to a hub, over a layer if there is one.
func begin(t *testing.T, home, hub string, layer *disktest.Layer) (*bench, error) {
	path := filepath.Join(home, "q.db")
	if _, err := os.Stat(path); err != nil {
		data, err := empty()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
	}
	db, _, err := store.Open(context.Background(), path, home)
	if err != nil {
		return nil, err
	}
	b := &bench{t: t, db: db, home: home, broker: &events.Broker{}, want: files(qwen3)}
	if t != nil {
		t.Cleanup(func() { db.Close() })
	}
	var jobs pull.Store = db
	var files disk.FS = disk.OS
	if layer != nil {
		jobs, files = steps{db, layer}, layer
	}
	b.models = models.New(models.Config{Store: db, Events: b.broker, Folder: filepath.Join(home, "models"), Disk: files})
	endpoint, err := url.Parse(hub)
	if err != nil {
		return nil, err
	}
	b.fetch = fetch.New(fetch.Config{Log: db, Offline: b.offline.Load, Hosts: fetch.Hosts{Names: huggingface.Hosts, Endpoint: endpoint}})
	b.Service = pull.New(pull.Config{Store: jobs, Hubs: map[string]pull.Hub{
		pull.HuggingFace: huggingface.New(b.fetch, endpoint, func() string { return "hf_secret" }), pull.ModelScope: modelscope.New(b.fetch, endpoint)}, Models: b.models, Events: b.broker,
		Offline: b.offline.Load, Forbid: b.fetch.Forbid, Pace: fast, Disk: files})
	return b, nil
}

// pull downloads and gives the ended job.
func (b *bench) pull(name string) pull.Job {
	b.t.Helper()
	j, err := b.Add(b.t.Context(), name, "", "")
	if err != nil {
		b.t.Fatal(err)
	}
	return b.until(j.ID)
}

func (b *bench) until(id string) pull.Job {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	if err := b.RunUntil(ctx, id); err != nil {
		b.t.Fatal(err)
	}
	j, err := b.Job(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

// whole checks that exactly the needed files are there, bit for bit, listed
// with their hashes, and nothing is left over.
func (b *bench) whole(j pull.Job) {
	b.t.Helper()
	if j.State != pull.Done || j.Error != nil {
		b.t.Fatalf("the job is %s: %v", j.State, j.Error)
	}
	m, err := b.models.Find(b.t.Context(), j.Name)
	if err != nil {
		b.t.Fatal(err)
	}
	if m.Repo != j.Repo || m.Revision != j.Revision || len(m.Revision) != 40 || m.Licence != "apache-2.0" || m.Title != "Qwen3 Tiny, 4 bit" || !m.Owned {
		b.t.Errorf("listed as %+v", m)
	}
	entries, err := os.ReadDir(m.Path)
	if err != nil || len(entries) != 4 {
		b.t.Errorf("files %v, %v", entries, err)
	}
	for name, want := range b.want {
		got, err := os.ReadFile(filepath.Join(m.Path, name))
		if models.Needed(name) != (err == nil) || err == nil && !bytes.Equal(got, want) {
			b.t.Errorf("%s: %v, %d bytes", name, err, len(got))
		}
	}
	hashes, err := b.db.ModelFiles(b.t.Context(), m.Name)
	if err != nil || len(hashes) != 4 {
		b.t.Errorf("hashes %v, %v", hashes, err)
	}
	for _, h := range hashes {
		if want := b.want[h.Path]; h.SHA256 != hubtest.SHA256(want) || h.Bytes != int64(len(want)) {
			b.t.Errorf("hash of %s is %s", h.Path, h.SHA256)
		}
		// What the hub itself said stays beside it.
		git, evidence := hubtest.GitSHA1(b.want[h.Path]), models.ByGitSHA1
		if h.Path == "model.safetensors" || h.Path == "tokenizer.json" {
			git, evidence = "", models.BySHA256
		}
		if h.GitSHA1 != git || h.Evidence != evidence {
			b.t.Errorf("%s was compared by %q, git says %q", h.Path, h.Evidence, h.GitSHA1)
		}
	}
	b.nothingPartial()
}

func (b *bench) nothingPartial() {
	b.t.Helper()
	entries, _ := os.ReadDir(b.models.Folder())
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".download-") {
			b.t.Errorf("left over: %s", e.Name())
		}
	}
}

// absent checks that no model appeared.
func (b *bench) absent() {
	b.t.Helper()
	all, err := b.models.List(b.t.Context())
	if err != nil || len(all) != 0 {
		b.t.Errorf("installed: %+v %v", all, err)
	}
	entries, _ := os.ReadDir(b.models.Folder())
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			b.t.Errorf("published: %s", e.Name())
		}
	}
}

func TestPull(t *testing.T) {
	b := setup(t)
	sub := b.broker.Subscribe()
	j := b.pull("https://huggingface.co/" + repo + "/tree/main")
	b.whole(j)
	if j.Name != "qwen3-tiny-4bit" || j.Done != j.Bytes || j.Bytes == 0 {
		t.Errorf("%+v", j)
	}
	var states []string
	for ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond); ; {
		e, ok := sub.Next(ctx)
		if !ok {
			cancel()
			break
		}
		if j, is := e.Data.(pull.Job); is {
			states = append(states, j.State)
		}
	}
	if n := len(states); n == 0 || states[n-1] != pull.Done {
		t.Errorf("told %v", states)
	}
	for _, r := range b.hub.Requests() {
		if r.Authorization != "" {
			t.Errorf("the token went to a mirror: %+v", r)
		}
		if strings.HasSuffix(r.Path, "README.md") || strings.HasSuffix(r.Path, ".png") {
			t.Errorf("fetched what is not needed: %s", r.Path)
		}
	}
	log, err := b.db.Connections(t.Context())
	if err != nil || len(log) == 0 {
		t.Fatal(log, err)
	}
	var bytes int64
	for _, c := range log {
		bytes += c.Bytes
		if strings.ContainsAny(c.URL, "?") || strings.Contains(c.URL, "secret") || c.Purpose == "" || c.Status == 0 {
			t.Errorf("logged %+v", c)
		}
	}
	if bytes < j.Bytes {
		t.Errorf("the log knows %d bytes of %d", bytes, j.Bytes)
	}
	v, err := b.models.Verify(t.Context(), j.Name, nil)
	if err != nil || !v.OK || len(v.Files) != 4 {
		t.Errorf("verified: %+v %v", v, err)
	}
	if _, err := b.Add(t.Context(), repo, "", ""); errs.From(err).Code != errs.Conflict {
		t.Errorf("a second time: %v", err)
	}
}

// Faults that the download must outlive. Each must have happened.
func TestFaultsOutlived(t *testing.T) {
	const w = "model.safetensors"
	for name, c := range map[string]struct {
		faults []hubtest.Fault
		check  func(t *testing.T, b *bench)
	}{
		"cut at the start":   {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 0, Times: 1}}},
		"cut in a byte":      {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 1, Times: 1}}},
		"cut in the middle":  {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 1234567, Times: 2}}, check: resumed},
		"cut before the end": {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 3<<20 - 1, Times: 1}}, check: resumed},
		"small file cut":     {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: "LICENSE", At: 5, Times: 1}}},
		"many cuts":          {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 200_000, Times: 12}}, check: resumed},
		"200 to a range":     {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.IgnoreRange, Path: w, Times: 1}}},
		"wrong range":        {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.WrongRange, Path: w, Times: 1}}},
		"416":                {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.NoRange, Path: w, Times: 1}}},
		"signature expired":  {faults: []hubtest.Fault{{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.Expired, Path: w, At: 1, Times: 2}}, check: resumed},
		"a flipped bit":      {faults: []hubtest.Fault{{Kind: hubtest.Flip, Path: w, At: 777, Times: 1}}},
		"flipped small file": {faults: []hubtest.Fault{{Kind: hubtest.Flip, Path: "LICENSE", At: 3, Times: 1}}},
		"flipped config":     {faults: []hubtest.Fault{{Kind: hubtest.Flip, Path: "config.json", At: 3, Times: 1}}},
		"too long":           {faults: []hubtest.Fault{{Kind: hubtest.Long, Path: w, Times: 1}}},
		"too short":          {faults: []hubtest.Fault{{Kind: hubtest.Short, Path: w, At: 1 << 20, Times: 1}}, check: resumed},
		"gzip":               {faults: []hubtest.Fault{{Kind: hubtest.Gzip, Path: "LICENSE", Times: 1}}},
		"503":                {faults: []hubtest.Fault{{Kind: hubtest.Trouble, Times: 3}}},
		"429":                {faults: []hubtest.Fault{{Kind: hubtest.TooMany, At: 0, Times: 1}}, check: waited},
		"429 after":          {faults: []hubtest.Fault{{Kind: hubtest.TooManyAfter, Path: w, At: 1, Times: 1}}, check: waited},
		"429 date":           {faults: []hubtest.Fault{{Kind: hubtest.TooManyDate, Path: w, At: 1, Times: 1}}, check: waited},
		"a stall":            {faults: []hubtest.Fault{{Kind: hubtest.Stall, Path: w, At: 1 << 20, Times: 1}}, check: resumed},
		"a trickle":          {faults: []hubtest.Fault{{Kind: hubtest.Trickle, Path: w, At: 1 << 20, Times: 1}}, check: resumed},
		"a login page":       {faults: []hubtest.Fault{{Kind: hubtest.HTML, Path: w, Times: 2}}},
		"login for the list": {faults: []hubtest.Fault{{Kind: hubtest.HTML, Times: 1}}},
		"broken list":        {faults: []hubtest.Fault{{Kind: hubtest.BadJSON, Times: 1}}},
		"a paged tree":       {faults: []hubtest.Fault{{Kind: hubtest.NoBlobs}}, check: paged},
	} {
		for way, streams := range map[string]int{"in parts": 3, "in one stream": 1} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.Pace.Streams = streams
				b.hub.Arm(c.faults...)
				b.whole(b.pull(repo))
				for _, f := range c.faults {
					if n := b.hub.Fired(f.Kind); n == 0 || n < f.Times {
						t.Errorf("%s happened %d times, not %d", f.Kind, n, f.Times)
					}
				}
				if c.check != nil {
					c.check(t, b)
				}
			})
		}
	}
}

// resumed checks that a part was asked for, and that no more came of the
// weights than they have bytes.
func resumed(t *testing.T, b *bench) {
	log, err := b.db.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var came, part int64
	sum := hubtest.SHA256(files(qwen3)["model.safetensors"])[:16]
	for _, c := range log {
		if strings.Contains(c.URL, sum) {
			came += c.Bytes
		}
	}
	for _, r := range b.hub.Requests() {
		if strings.Contains(r.Path, sum) && r.Range != "" {
			part++
		}
	}
	// What an earlier process wrote after its last record is fetched again.
	if part == 0 || came > 3<<20+3*fast.Sync {
		t.Errorf("%d bytes came, a part was asked for %d times", came, part)
	}
}

// waited checks that nothing was asked while the hub wanted rest.
func waited(t *testing.T, b *bench) {
	var last time.Time
	longest := time.Duration(0)
	for _, r := range b.hub.Requests() {
		if !last.IsZero() {
			longest = max(longest, r.Time.Sub(last))
		}
		last = r.Time
	}
	if longest < 950*time.Millisecond {
		t.Errorf("the longest pause was %v", longest)
	}
}

func paged(t *testing.T, b *bench) {
	n := 0
	for _, r := range b.hub.Requests() {
		if strings.Contains(r.Path, "/tree/") {
			n++
		}
	}
	if n < 3 {
		t.Errorf("%d pages were read", n)
	}
}

// Faults that must end the download with an error that names what to do, and
// without a model.
func TestFaultsRefused(t *testing.T) {
	const w = "model.safetensors"
	for name, c := range map[string]struct {
		fault  hubtest.Fault
		code   string
		detail string
	}{
		"flipped twice":   {hubtest.Fault{Kind: hubtest.Flip, Path: w, At: 9}, errs.HashMismatch, w},
		"small file too":  {hubtest.Fault{Kind: hubtest.Flip, Path: "LICENSE", At: 9}, errs.HashMismatch, "LICENSE"},
		"gated":           {hubtest.Fault{Kind: hubtest.Gated}, errs.RepoGated, ""},
		"private":         {hubtest.Fault{Kind: hubtest.Unauthorized}, errs.RepoUnknown, ""},
		"sent elsewhere":  {hubtest.Fault{Kind: hubtest.Elsewhere, Path: w}, errs.HostRefused, "192.0.2.1"},
		"in circles":      {hubtest.Fault{Kind: hubtest.Circle, Path: w}, errs.HubAnswer, ""},
		"in trouble":      {hubtest.Fault{Kind: hubtest.Trouble}, errs.Network, ""},
		"only HTML":       {hubtest.Fault{Kind: hubtest.HTML}, errs.HubAnswer, ""},
		"always stalled":  {hubtest.Fault{Kind: hubtest.Stall, Path: w}, errs.Network, w},
		"other commit":    {hubtest.Fault{Kind: hubtest.OtherCommit, Path: "config.json"}, errs.HubAnswer, "config.json"},
		"other hash":      {hubtest.Fault{Kind: hubtest.WrongListHash, Path: w}, errs.HubAnswer, w},
		"up the tree":     {hubtest.Fault{Kind: hubtest.Hostile, Path: "../../evil.json"}, errs.HubAnswer, "evil.json"},
		"absolute":        {hubtest.Fault{Kind: hubtest.Hostile, Path: "/etc/evil"}, errs.HubAnswer, "evil"},
		"backslash":       {hubtest.Fault{Kind: hubtest.Hostile, Path: `a\evil`}, errs.HubAnswer, "evil"},
		"a drive":         {hubtest.Fault{Kind: hubtest.Hostile, Path: "C:evil"}, errs.HubAnswer, "evil"},
		"NUL":             {hubtest.Fault{Kind: hubtest.Hostile, Path: "a\x00evil"}, errs.HubAnswer, "evil"},
		"same in case":    {hubtest.Fault{Kind: hubtest.Hostile, Path: "CONFIG.json"}, errs.HubAnswer, "CONFIG.json"},
		"a very long one": {hubtest.Fault{Kind: hubtest.Hostile, Path: strings.Repeat("x", 300)}, errs.HubAnswer, "xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.hub.Arm(c.fault)
			j := b.pull(repo)
			if b.hub.Fired(c.fault.Kind) == 0 {
				t.Error("the fault did not happen")
			}
			if j.State != pull.Failed || j.Error == nil || j.Error.Code != c.code || j.Error.Hint == "" || !strings.Contains(j.Error.Detail, c.detail) {
				t.Errorf("%s, %v", j.State, j.Error)
			}
			b.absent()
		})
	}
}

func TestNoHashIsRefused(t *testing.T) {
	b := setup(t)
	b.hub.Arm(hubtest.Fault{Kind: hubtest.NoBlobs}, hubtest.Fault{Kind: hubtest.NoHashes})
	if j := b.pull(repo); j.Error == nil || j.Error.Code != errs.HubAnswer || b.hub.Fired(hubtest.NoHashes) == 0 {
		t.Errorf("%+v", j.Error)
	}
	b.absent()
}

// What the engine does not run is refused by name before anything large.
func TestUnsupportedIsRefusedFirst(t *testing.T) {
	for _, kind := range []string{"qwen3_moe", "qwen3_5", ""} {
		b := setup(t)
		b.hub.Put("Qwen/Other", files(`{"model_type":"`+kind+`"}`))
		j := b.pull("Qwen/Other")
		if j.State != pull.Failed || j.Error.Code != errs.Unsupported || !strings.Contains(j.Error.Message, `"`+kind+`"`) {
			t.Errorf("%s, %v", j.State, j.Error)
		}
		for _, r := range b.hub.Requests() {
			if r.Server == "cdn" {
				t.Errorf("fetched %s", r.Path)
			}
		}
		b.absent()
	}
	b := setup(t)
	b.hub.Put("Qwen/Words", map[string][]byte{"README.md": []byte("x")})
	if j := b.pull("Qwen/Words"); j.Error == nil || j.Error.Code != errs.Unsupported {
		t.Errorf("%+v", j.Error)
	}
}

// during runs the queue until the job has some bytes of its weights, then does
// something, and waits for the queue to rest.
func (b *bench) during(do func(j pull.Job)) pull.Job {
	b.t.Helper()
	b.hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 384 << 10})
	j, err := b.Add(b.t.Context(), repo, "", "")
	if err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.RunUntil(b.t.Context(), j.ID) }()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if j, err = b.Job(b.t.Context(), j.ID); err != nil || time.Now().After(end) {
			b.t.Fatalf("no progress: %+v %v", j, err)
		}
		if j.Done > 1<<20 {
			break
		}
	}
	do(j)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		b.t.Fatal("it did not end")
	}
	b.hub.Disarm()
	return j
}

func TestPauseAndResume(t *testing.T) {
	b := setup(t)
	j := b.during(func(j pull.Job) {
		start := time.Now()
		p, err := b.Pause(t.Context(), j.ID)
		if err != nil || p.State != pull.Paused || p.Done == 0 {
			t.Errorf("%+v %v", p, err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("pausing took %v", d)
		}
	})
	b.absent()
	// Another process takes it up: what it finds is hashed, not trusted.
	b2 := open(t, b.home, b.hub)
	if all, err := b2.Jobs(t.Context()); err != nil || len(all) != 1 || all[0].State != pull.Paused || all[0].Done == 0 {
		t.Fatalf("%+v %v", all, err)
	}
	if _, err := b2.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b2.whole(b2.until(j.ID))
	resumed(t, b2)
}

func TestPauseByAnotherProcess(t *testing.T) {
	b := setup(t)
	other := open(t, b.home, b.hub)
	b.during(func(j pull.Job) {
		if _, err := other.Pause(t.Context(), j.ID); err != nil {
			t.Error(err)
		}
	})
	if all, err := other.Jobs(t.Context()); err != nil || all[0].State != pull.Paused {
		t.Errorf("%+v %v", all, err)
	}
}

// A partial file that was altered meanwhile costs a second fetch, never a wrong
// model.
func TestCorruptPartial(t *testing.T) {
	b := setup(t)
	j := b.during(func(j pull.Job) { b.Pause(t.Context(), j.ID) })
	path := filepath.Join(b.models.Folder(), ".download-"+j.ID, "model.safetensors")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("garbage"), 1000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := b.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b.whole(b.until(j.ID))
}

// One that is longer than its record, or gone, is no trouble either.
func TestOddPartials(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"longer": func(p string) error {
			f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.Write(weights(4 << 20))
			return err
		},
		"shorter": func(p string) error { return os.Truncate(p, 10) },
		"gone":    os.Remove,
		"no folder": func(p string) error {
			return os.RemoveAll(filepath.Dir(p))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			j := b.during(func(j pull.Job) { b.Pause(t.Context(), j.ID) })
			if err := spoil(filepath.Join(b.models.Folder(), ".download-"+j.ID, "model.safetensors")); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Resume(t.Context(), j.ID); err != nil {
				t.Fatal(err)
			}
			b.whole(b.until(j.ID))
		})
	}
}

func TestCancel(t *testing.T) {
	b := setup(t)
	j := b.during(func(j pull.Job) {
		if err := b.Cancel(t.Context(), j.ID); err != nil {
			t.Error(err)
		}
	})
	b.absent()
	b.nothingPartial()
	if _, err := b.Job(t.Context(), j.ID); errs.From(err).Code != errs.JobUnknown {
		t.Errorf("%v", err)
	}
}

// The one switch ends what runs and refuses what begins, and says so.
func TestOffline(t *testing.T) {
	b := setup(t)
	j := b.during(func(pull.Job) {
		start := time.Now()
		b.offline.Store(true)
		b.fetch.Forbid()
		for b.fetch.Running() > 0 && time.Since(start) < 2*time.Second {
			time.Sleep(time.Millisecond)
		}
		if d := time.Since(start); d > 500*time.Millisecond {
			t.Errorf("a connection went on for %v", d)
		}
	})
	j, err := b.Job(t.Context(), j.ID)
	if err != nil || j.State != pull.Paused || j.Error == nil || j.Error.Code != errs.OfflineSwitch {
		t.Errorf("%+v %v", j, err)
	}
	before := len(b.hub.Requests())
	if _, err := b.Resume(t.Context(), j.ID); errs.From(err).Code != errs.OfflineSwitch {
		t.Errorf("resumed: %v", err)
	}
	if _, err := b.Add(t.Context(), "a/b", "", ""); errs.From(err).Code != errs.OfflineSwitch {
		t.Errorf("added: %v", err)
	}
	if n := len(b.hub.Requests()); n != before {
		t.Errorf("%d requests while it was forbidden", n-before)
	}
	b.offline.Store(false)
	if _, err := b.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b.whole(b.until(j.ID))
}

// The switch is seen by whoever runs the queue even when another process turned it.
func TestOfflineElsewhere(t *testing.T) {
	b := setup(t)
	b.during(func(pull.Job) { b.offline.Store(true) })
	if all, err := b.Jobs(t.Context()); err != nil || all[0].State != pull.Paused || all[0].Error.Code != errs.OfflineSwitch {
		t.Errorf("%+v %v", all, err)
	}
}

func TestQueue(t *testing.T) {
	b := setup(t)
	b.hub.Put("Qwen/Second", files(qwen3))
	first, err := b.Add(t.Context(), repo, "", "one")
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Add(t.Context(), "Qwen/Second", "", "two")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.Add(t.Context(), repo, "", ""); err != nil || again.ID != first.ID {
		t.Errorf("the same repository twice: %v %v", again.ID, err)
	}
	if _, err := b.Add(t.Context(), "Qwen/Third", "", "one"); errs.From(err).Code != errs.Conflict {
		t.Errorf("a name that a download has: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { b.Run(ctx); close(ended) }()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		j, err := b.Job(t.Context(), second.ID)
		if err != nil || time.Now().After(end) {
			t.Fatalf("%+v %v", j, err)
		}
		if j.State == pull.Done {
			break
		}
	}
	cancel()
	<-ended
	if all, _ := b.models.List(t.Context()); len(all) != 2 {
		t.Errorf("%+v", all)
	}
}

// A process that ends in order leaves the job to the next one.
func TestEndOfProcess(t *testing.T) {
	b := setup(t)
	b.hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 384 << 10}) // a new try is slow too
	j, err := b.Add(t.Context(), repo, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	b.Run(ctx)
	got, err := b.db.Job(t.Context(), j.ID)
	if err != nil || !got.Active() {
		t.Fatalf("%+v %v", got, err)
	}
	b.hub.Disarm()
	b2 := open(t, b.home, b.hub)
	b2.whole(b2.until(j.ID))
	resumed(t, b2)
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"Qwen3-4B-MLX-4bit": "qwen3-4b-4bit", "Qwen3-8B": "qwen3-8b", "-MLX-": "model"} {
		if got := pull.DefaultName(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	b := setup(t)
	for _, bad := range []string{"", "Qwen", "a/b/c", "https://example.com/a/b", "../../x", "a/..", "https://huggingface.co/datasets/a/b", "file:///etc/passwd", "a b/c"} {
		if _, err := b.Add(t.Context(), bad, "", ""); errs.From(err).Code != errs.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := b.Add(t.Context(), repo, "..", ""); errs.From(err).Code != errs.Invalid {
		t.Error(err)
	}
	if _, err := b.Job(t.Context(), "nothing"); errs.From(err).Code != errs.JobUnknown {
		t.Error(err)
	}
	if n := len(b.hub.Requests()); n != 0 {
		t.Errorf("%d requests for nothing", n)
	}
}

func TestVerifyFindsChanges(t *testing.T) {
	b := setup(t)
	j := b.pull(repo)
	b.whole(j)
	m, _ := b.models.Find(t.Context(), j.Name)
	path := filepath.Join(m.Path, "model.safetensors")
	data, _ := os.ReadFile(path)
	data[5] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(m.Path, "LICENSE"))
	v, err := b.models.Verify(t.Context(), j.Name, nil)
	if err != nil || v.OK {
		t.Errorf("%+v %v", v, err)
	}
	for _, f := range v.Files {
		want := map[string]string{"model.safetensors": models.FileChanged, "LICENSE": models.FileMissing}[f.Path]
		if want == "" {
			want = models.FileOK
		}
		if f.State != want {
			t.Errorf("%s: %s", f.Path, f.State)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.models.Verify(ctx, j.Name, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
