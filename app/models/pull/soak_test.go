package pull_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qwill/app/disk/disktest"
	"qwill/app/errs"
	"qwill/app/fetch/hubtest"
	"qwill/app/models/pull"
)

// soakFaults are what may befall a run; all can be outlived.
var soakFaults = []string{hubtest.Cut, hubtest.Cut, hubtest.IgnoreRange, hubtest.WrongRange, hubtest.NoRange, hubtest.Expired, hubtest.Flip, hubtest.Long, hubtest.Short,
	hubtest.Trouble, hubtest.Stall, hubtest.Trickle, hubtest.HTML, hubtest.Gzip, hubtest.BadJSON, hubtest.NoBlobs, hubtest.OneAtATime, hubtest.Slow, hubtest.BadCode}

// TestSoak downloads with mixed faults of hub, network, disk, database and power
// from a seed. In the end every published file is exact to the bit, and none is
// half published. 200 runs, or 10,000 with QWILL_SOAK=1; QWILL_SEED=N repeats one.
func TestSoak(t *testing.T) {
	runs := uint64(200)
	if os.Getenv("QWILL_SOAK") != "" {
		runs = 10_000
	}
	if s := os.Getenv("QWILL_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		soak(t, seed, new(tally))
		return
	}
	var sum tally
	const abreast = 4 // most of the time they wait
	t.Run("seeds", func(t *testing.T) {
		for lane := range uint64(abreast) {
			t.Run(strconv.FormatUint(lane, 10), func(t *testing.T) {
				t.Parallel()
				for seed := lane; seed < runs && !t.Failed(); seed += abreast {
					t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { soak(t, seed, &sum) })
				}
			})
		}
	})
	t.Logf("%d runs: %d faults of hub and network, %d of disk and database, %d power cuts, %d pauses, %d moves; %d tries", runs,
		sum.hub.Load(), sum.disk.Load(), sum.power.Load(), sum.pauses.Load(), sum.moves.Load(), sum.tries.Load())
	for name, n := range map[string]int64{"hub": sum.hub.Load(), "disk": sum.disk.Load(), "power": sum.power.Load(), "pauses": sum.pauses.Load(), "moves": sum.moves.Load()} {
		if n < int64(runs/20) {
			t.Errorf("%s: only %d faults fired", name, n)
		}
	}
}

type tally struct{ hub, disk, power, pauses, moves, tries atomic.Int64 }

// soak is one run.
func soak(t *testing.T, seed uint64, sum *tally) {
	defer func() {
		if t.Failed() {
			t.Logf("repeat it with QWILL_SEED=%d", seed)
		}
	}()
	r := rand.New(rand.NewPCG(seed, 20))
	hub := hubtest.New()
	defer hub.Close()
	want := little(20_000 + r.IntN(180_000))
	hub.Put(repo, want)
	paths := []string{"model.safetensors", "model.safetensors", "model.safetensors", "config.json", "LICENSE", "tokenizer.json", ""}
	home := t.TempDir()
	pace := pull.Pace{Backoff: time.Millisecond, Longest: 4 * time.Millisecond, Stall: 80 * time.Millisecond, Slow: 64, Tries: 3,
		Sync: 1 << (12 + r.IntN(6)), Margin: 1 << 20, Part: 1 << (13 + r.IntN(5)), Streams: 1 + r.IntN(4)}
	troubles := 1 + r.IntN(3)
	var last pull.Job
	for try := 0; ; try++ {
		if try > 12 {
			t.Fatalf("it does not end: %s, %v; %+v", last.State, last.Error, last)
		}
		sum.tries.Add(1)
		l := &disktest.Layer{}
		b, err := begin(t, home, hub.URL, l)
		if err != nil {
			t.Fatal(err)
		}
		b.hub, b.want, b.Pace = hub, want, pace
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		cut := false
		if try < troubles {
			for range r.IntN(4) {
				kind := soakFaults[r.IntN(len(soakFaults))]
				at := r.Int64N(100_000)
				switch kind {
				case hubtest.Expired:
					at = r.Int64N(2)
				case hubtest.Slow:
					at = 200_000 + at
				}
				path := paths[r.IntN(len(paths))]
				if slices.Contains([]string{hubtest.NoBlobs, hubtest.BadJSON, hubtest.BadCode}, kind) {
					path = ""
				}
				hub.Arm(hubtest.Fault{Kind: kind, Path: path, At: at, Times: 1 + r.IntN(2)})
			}
			if r.IntN(2) == 0 {
				// At an operation somewhere: a failure, or the end of the power.
				at, power, cause := int64(1+r.IntN(60)), r.IntN(2) == 0, []error{syscall.EIO, syscall.ENOSPC, syscall.EDQUOT}[r.IntN(3)]
				var n atomic.Int64
				l.Before = func(op string) error {
					switch {
					case n.Add(1) != at:
						return nil
					case power:
						sum.power.Add(1)
						return l.Cut()
					}
					sum.disk.Add(1)
					return fmt.Errorf("%s: %w", op, cause)
				}
				cut = power
			}
		} else {
			for _, f := range soakFaults {
				sum.hub.Add(int64(min(hub.Fired(f), 1)))
			}
			hub.Disarm()
		}
		act := r.IntN(4)
		jobs, err := b.db.Jobs(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) > 0 && jobs[0].State == pull.Done {
			b.exact()
			b.soaked()
			cancel()
			b.db.Close()
			return
		}
		source := []string{"", pull.HuggingFace, pull.ModelScope}[r.IntN(3)]
		if len(jobs) > 0 && source != "" && jobs[0].Source != source {
			sum.moves.Add(1)
		}
		j, err := b.AddFrom(ctx, source, repo, "", "")
		if err == nil {
			ended := make(chan struct{})
			if try < troubles && act < 2 {
				delay := time.Duration(r.IntN(30)) * time.Millisecond
				go func() {
					defer close(ended)
					select {
					case <-time.After(delay):
						if act == 0 {
							if _, err := b.Pause(ctx, j.ID); err == nil {
								sum.pauses.Add(1)
							}
						} else {
							hub.Disconnect()
						}
					case <-ctx.Done():
					}
				}()
			} else {
				close(ended)
			}
			err := b.RunUntil(ctx, j.ID)
			last, _ = b.Job(ctx, j.ID)
			if err != nil && ctx.Err() != nil {
				t.Fatalf("try %d: it hangs: %v", try, errs.From(err))
			}
			<-ended
		} else if try >= troubles {
			t.Fatal(err)
		}
		cancel()
		b.db.Close()
		if cut {
			l.Crash(r)
		}
		after, err := begin(t, home, hub.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		after.want = want
		after.exact()
		after.db.Close()
		if t.Failed() {
			t.Fatalf("after try %d", try)
		}
	}
}

// soaked checks the end of a run: one model, listed, nothing left over.
func (b *bench) soaked() {
	b.t.Helper()
	all, err := b.models.List(b.t.Context())
	if err != nil || len(all) != 1 || all[0].Missing {
		b.t.Errorf("%+v %v", all, err)
	}
	b.nothingPartial()
}
