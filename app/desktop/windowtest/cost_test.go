//go:build linux

package windowtest

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// bench says that figures for docs/bench are wanted: make bench sets it.
var bench = os.Getenv("QWILL_BENCH") != ""

// What a start and idling may cost in a test. Other work on the machine makes a
// start slower; it does not wake a process that sleeps.
const (
	startLimit = 10 * time.Second
	idleWakes  = 20.0 // of one process a second; a blinking caret alone makes 30
	idleCPU    = 2.0  // percent of one core
)

// costs: what Qwill costs to start and to leave open, with everything in place.
func costs(t *testing.T, s *session) {
	starts := make([]time.Duration, 1)
	if bench {
		starts = make([]time.Duration, 7)
	}
	var a *app
	for i := range starts {
		if a != nil {
			a.cmd.Process.Kill()
			<-a.ended
			time.Sleep(time.Second)
		}
		a, starts[i] = timedStart(t, s)
	}
	slices.Sort(starts)
	start := starts[len(starts)/2]
	t.Logf("the window could be used %v after the start", start.Round(time.Millisecond))
	if start > startLimit {
		t.Errorf("that took longer than %v", startLimit)
	}

	s.wait(60*time.Second, "the model to be loaded", func() bool { return a.engine() != 0 && quiet(a, 2*time.Second) })
	span, settle := 4*time.Second, 2*time.Second
	if bench { // becoming idle is not yet idling: memory is given back some seconds later
		span, settle = 60*time.Second, 15*time.Second
	}
	time.Sleep(settle)
	open := idle(a, span)
	s.must("xdotool", "windowunmap", s.window())
	time.Sleep(settle)
	hidden := idle(a, span)
	for _, u := range []struct {
		when string
		uses []use
	}{{"open", open}, {"hidden", hidden}} {
		for _, p := range u.uses {
			t.Logf("%s: %-16s %.2f %% CPU, %.1f wake-ups a second", u.when, p.name, p.cpu, p.wakes)
			if p.wakes > idleWakes || p.cpu > idleCPU {
				t.Errorf("%s does not sleep while Qwill is idle and %s", p.name, u.when)
			}
		}
	}
	if bench {
		report(t, starts, open, hidden)
	}
}

// timedStart starts Qwill and gives the time until its window shows what it
// shows in the end, but for small changes, and has the focus.
func timedStart(t *testing.T, s *session) (*app, time.Duration) {
	t.Helper()
	xgb.Logger = log.New(io.Discard, "", 0)
	conn, err := xgb.NewConnDisplay(s.display)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	a := s.start()
	var id xproto.Drawable
	s.wait(30*time.Second, "the window", func() bool {
		n, err := strconv.Atoi(s.window())
		id = xproto.Drawable(n)
		return err == nil
	})
	type shot struct {
		at     time.Time
		pixels []byte
	}
	var shots []shot
	changed := time.Now()
	for time.Since(changed) < 2*time.Second && time.Since(begin) < 60*time.Second {
		size, err := xproto.GetGeometry(conn, id).Reply()
		if err != nil {
			t.Fatal(err)
		}
		image, err := xproto.GetImage(conn, xproto.ImageFormatZPixmap, id, 0, 0, size.Width, size.Height, 0xffffffff).Reply()
		if err == nil && (len(shots) == 0 || !bytes.Equal(image.Data, shots[len(shots)-1].pixels)) {
			changed = time.Now()
			shots = append(shots, shot{changed, image.Data})
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(shots) == 0 {
		t.Fatal("the window has no picture")
	}
	last := shots[len(shots)-1].pixels
	for _, shot := range shots {
		if near(shot.pixels, last) {
			return a, shot.at.Sub(begin)
		}
	}
	panic("unreachable: the last picture is like itself")
}

// near says whether two pictures differ in less than half a percent: such as
// the state of the model.
func near(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	differ := 0
	for i := 0; i+4 <= len(a); i += 4 {
		if !bytes.Equal(a[i:i+3], b[i:i+3]) {
			differ++
		}
	}
	return differ*200 < len(a)/4
}

// use is what one process did in a span of time.
type use struct {
	name       string
	cpu, wakes float64 // percent of a core; voluntary switches a second
}

// counters are a thread's, since it began.
type counters struct {
	process         string
	ticks, switches int
}

// threads reads the counters of all threads of Qwill and of the processes that
// it started.
func threads(a *app) map[string]counters {
	all := map[string]counters{}
	todo := []string{strconv.Itoa(a.cmd.Process.Pid)}
	for len(todo) > 0 {
		pid := todo[0]
		todo = todo[1:]
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			continue // it has ended
		}
		folders, _ := filepath.Glob("/proc/" + pid + "/task/*")
		for _, folder := range folders {
			c := counters{process: strings.TrimSpace(string(name))}
			stat, _ := os.ReadFile(folder + "/stat")
			if _, rest, ok := strings.Cut(string(stat), ") "); ok {
				f := strings.Fields(rest) // from the third field of proc(5) on
				user, _ := strconv.Atoi(f[11])
				system, _ := strconv.Atoi(f[12])
				c.ticks = user + system
			}
			status, _ := os.ReadFile(folder + "/status")
			if _, rest, ok := strings.Cut(string(status), "\nvoluntary_ctxt_switches:"); ok {
				line, _, _ := strings.Cut(rest, "\n")
				c.switches, _ = strconv.Atoi(strings.TrimSpace(line))
			}
			all[folder] = c
			children, _ := os.ReadFile(folder + "/children")
			todo = append(todo, strings.Fields(string(children))...)
		}
	}
	return all
}

// idle measures a span in which nothing is done.
func idle(a *app, span time.Duration) []use {
	const ticksPerSecond = 100 // USER_HZ on every Linux that we build for
	before := threads(a)
	begin := time.Now()
	time.Sleep(span)
	seconds := time.Since(begin).Seconds()
	sums := map[string]use{}
	for thread, now := range threads(a) {
		was := before[thread]
		u := sums[now.process]
		u.name = now.process
		u.cpu += 100 * float64(now.ticks-was.ticks) / ticksPerSecond / seconds
		u.wakes += float64(now.switches-was.switches) / seconds
		sums[now.process] = u
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b use) int { return strings.Compare(a.name, b.name) })
}

// quiet waits for a span in which no process did much.
func quiet(a *app, span time.Duration) bool {
	return !slices.ContainsFunc(idle(a, span), func(u use) bool { return u.cpu > idleCPU })
}

// report writes docs/bench/window.md.
func report(t *testing.T, starts []time.Duration, open, hidden []use) {
	t.Helper()
	cpu := "unknown"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name\t: "); ok {
			cpu, _, _ = strings.Cut(rest, "\n")
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	var b strings.Builder
	fmt.Fprintf(&b, "# Start and idling\n\n`make bench` on %s, %s, under Xvfb with openbox; load average %s.\nEverything was in the file cache and the starter installed.\n\n",
		time.Now().UTC().Format("2006-01-02"), cpu, strings.Join(strings.Fields(string(load))[:3], " "))
	fmt.Fprintf(&b, "From the start of the program until the window shows what it shows in the end and can be typed into, %d starts:\n\n", len(starts))
	fmt.Fprintf(&b, "| fastest | median | slowest |\n|---|---|---|\n| %d ms | %d ms | %d ms |\n\n",
		starts[0].Milliseconds(), starts[len(starts)/2].Milliseconds(), starts[len(starts)-1].Milliseconds())
	b.WriteString("With nothing to do for a minute, the model loaded, from 15 s after the last change; wake-ups are voluntary context switches of all threads:\n\n")
	b.WriteString("| process | CPU, open | wake-ups/s, open | CPU, hidden | wake-ups/s, hidden |\n|---|---|---|---|---|\n")
	for _, o := range open {
		for _, h := range hidden {
			if h.name == o.name {
				fmt.Fprintf(&b, "| %s | %.1f %% | %.1f | %.1f %% | %.1f |\n", o.name, o.cpu, o.wakes, h.cpu, h.wakes)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(root, "docs/bench/window.md"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
