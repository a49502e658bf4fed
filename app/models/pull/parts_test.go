package pull_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"qwill/app/fetch/hubtest"
	"qwill/app/models/pull"
)

// ranges lists what was asked for of the weights, as "from-to".
func (b *bench) ranges() []string {
	sum := hubtest.SHA256(files(qwen3)["model.safetensors"])[:16]
	var all []string
	for _, r := range b.hub.Requests() {
		if strings.Contains(r.Path, sum) {
			all = append(all, strings.TrimPrefix(r.Range, "bytes="))
		}
	}
	return all
}

// A large file comes by several connections, never more than the bound, and
// each byte is asked for once.
func TestParts(t *testing.T) {
	b := setup(t)
	b.hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 4 << 20})
	b.whole(b.pull(repo))
	if n := b.hub.Most(); n != fast.Streams {
		t.Errorf("%d connections at once, not %d", n, fast.Streams)
	}
	seen := map[int64]bool{}
	for _, r := range b.ranges() {
		from, to, _ := strings.Cut(r, "-")
		a, err1 := strconv.ParseInt(from, 10, 64)
		z, err2 := strconv.ParseInt(to, 10, 64)
		if err1 != nil || err2 != nil || z-a+1 > fast.Part || seen[a/fast.Part] {
			t.Errorf("asked for %q", r)
		}
		seen[a/fast.Part] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d parts", len(seen))
	}
}

// A host that knows no parts, or lies about them, is asked for one stream.
func TestOneStreamInstead(t *testing.T) {
	const w = "model.safetensors"
	for name, f := range map[string]hubtest.Fault{
		"200":         {Kind: hubtest.IgnoreRange, Path: w},
		"other range": {Kind: hubtest.WrongRange, Path: w},
		"416":         {Kind: hubtest.NoRange, Path: w},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.hub.Arm(f)
			b.whole(b.pull(repo))
			all := b.ranges()
			if b.hub.Fired(f.Kind) == 0 || b.hub.Most() != 1 || len(all) == 0 || all[len(all)-1] != "" {
				t.Errorf("fired %d, %d at once, asked for %q", b.hub.Fired(f.Kind), b.hub.Most(), all)
			}
		})
	}
}

// A host that serves one connection at a time is no failure.
func TestFewerConnections(t *testing.T) {
	b := setup(t)
	b.Pace.Tries = 2
	b.hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 4 << 20}, hubtest.Fault{Kind: hubtest.OneAtATime})
	b.whole(b.pull(repo))
	if b.hub.Fired(hubtest.OneAtATime) == 0 {
		t.Error("never more than one connection")
	}
}

// What the hub asks one connection to wait, all wait; and it is shown.
func TestWaitIsShownAndKept(t *testing.T) {
	b := setup(t)
	sub := b.broker.Subscribe()
	defer sub.Close()
	b.hub.Arm(hubtest.Fault{Kind: hubtest.TooManyAfter, Path: "model.safetensors", At: 2, Times: 1})
	shown := make(chan *int, 1)
	go func() {
		for {
			e, ok := sub.Next(t.Context())
			if j, is := e.Data.(pull.Job); !ok || is && j.State == pull.Waiting && j.Wait != nil && j.Error != nil {
				shown <- j.Wait
				return
			}
		}
	}()
	b.whole(b.pull(repo))
	select {
	case s := <-shown:
		if s == nil || *s < 1 || *s > 2 {
			t.Errorf("shown %v", s)
		}
	case <-time.After(5 * time.Second):
		t.Error("the wait was not shown")
	}
	var longest time.Duration
	all := b.hub.Requests()
	for i := range all {
		if i > 0 {
			longest = max(longest, all[i].Time.Sub(all[i-1].Time))
		}
	}
	if longest < 1900*time.Millisecond {
		t.Errorf("the longest rest of the hub was %v", longest)
	}
}
