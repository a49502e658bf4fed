package power

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tree writes files, "path value" each, under a folder that stands for /sys.
func tree(t *testing.T, root string, files ...string) {
	t.Helper()
	for _, f := range files {
		path, value, _ := strings.Cut(f, " ")
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	supply = "class/power_supply/"
	zone   = "class/thermal/thermal_zone0/"
)

func TestState(t *testing.T) {
	for _, c := range []struct {
		name  string
		want  State
		files []string
	}{
		{"no such folder", State{}, nil},
		{"desktop", State{}, []string{supply + "AC/type Mains", supply + "AC/online 1"}},
		{"laptop unplugged", State{Battery: true}, []string{supply + "AC/type Mains", supply + "AC/online 0",
			supply + "BAT0/type Battery", supply + "BAT0/status Discharging"}},
		{"laptop unplugged, one of two batteries rests", State{Battery: true}, []string{supply + "AC/type Mains", supply + "AC/online 0",
			supply + "BAT0/type Battery", supply + "BAT0/status Unknown"}},
		{"laptop charging", State{}, []string{supply + "AC/type Mains", supply + "AC/online 1",
			supply + "BAT0/type Battery", supply + "BAT0/status Charging"}},
		{"charging by USB", State{}, []string{supply + "AC/type Mains", supply + "AC/online 0", supply + "ucsi/type USB", supply + "ucsi/online 1",
			supply + "BAT0/type Battery", supply + "BAT0/status Charging"}},
		{"without a supply listed", State{Battery: true}, []string{supply + "BAT0/type Battery", supply + "BAT0/status Discharging"}},
		{"a mouse's battery", State{}, []string{supply + "hid/type Battery", supply + "hid/scope Device", supply + "hid/status Discharging"}},
		{"an empty bay", State{}, []string{supply + "AC/type Mains", supply + "AC/online 0", supply + "BAT1/type Battery", supply + "BAT1/present 0"}},
		{"profile", State{Saver: true}, []string{"firmware/acpi/platform_profile low-power"}},
		{"balanced", State{}, []string{"firmware/acpi/platform_profile balanced"}},
		{"preference", State{Saver: true}, []string{"devices/system/cpu/cpu0/cpufreq/energy_performance_preference power"}},
		{"cool", State{}, []string{zone + "temp 60000", zone + "trip_point_0_type passive", zone + "trip_point_0_temp 95000"}},
		{"slowed down", State{Hot: true}, []string{zone + "temp 95000", zone + "trip_point_0_type passive", zone + "trip_point_0_temp 95000"}},
		{"the lowest point counts", State{Hot: true}, []string{zone + "temp 85000", zone + "trip_point_0_type critical", zone + "trip_point_0_temp 110000",
			zone + "trip_point_1_type passive", zone + "trip_point_1_temp 90000", zone + "trip_point_2_type passive", zone + "trip_point_2_temp 85000"}},
		{"near the end", State{Hot: true}, []string{zone + "temp 91000", zone + "trip_point_0_type critical", zone + "trip_point_0_temp 100000"}},
		{"a fan's point", State{}, []string{zone + "temp 70000", zone + "trip_point_0_type active", zone + "trip_point_0_temp 60000"}},
		{"nonsense points", State{}, []string{zone + "temp 40000", zone + "trip_point_0_type passive", zone + "trip_point_0_temp 0",
			zone + "trip_point_1_type critical", zone + "trip_point_1_temp 20000"}},
		{"a nonsense sensor", State{}, []string{zone + "temp 200000", zone + "trip_point_0_type passive", zone + "trip_point_0_temp 95000"}},
		{"turned off", State{}, []string{zone + "mode disabled", zone + "temp 99000", zone + "trip_point_0_type passive", zone + "trip_point_0_temp 95000"}},
		{"a processor without points", State{Hot: true}, []string{zone + "type x86_pkg_temp", zone + "temp 96000"}},
		{"a radio without points", State{}, []string{zone + "type iwlwifi_1", zone + "temp 96000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			tree(t, root, c.files...)
			if got := Linux(root)(); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// It stays hot until it has cooled down by some degrees.
func TestHeatDoesNotFlutter(t *testing.T) {
	root := t.TempDir()
	tree(t, root, zone+"trip_point_0_type passive", zone+"trip_point_0_temp 90000")
	read := Linux(root)
	for _, step := range []struct {
		temp string
		hot  bool
	}{{"89000", false}, {"90000", true}, {"86000", true}, {"84000", false}, {"89000", false}} {
		tree(t, root, zone+"temp "+step.temp)
		if got := read(); got.Hot != step.hot {
			t.Errorf("at %s: hot %v", step.temp, got.Hot)
		}
	}
}

// It is read only while somebody listens, and a change is told once.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, now := 0, State{}
		w := Watch(func() State { reads++; return now }, time.Second)
		time.Sleep(time.Minute)
		if reads != 0 {
			t.Errorf("%d reads for nobody", reads)
		}
		var a, b []State
		stop := w.Subscribe(func(s State) { a = append(a, s) })
		time.Sleep(3500 * time.Millisecond)
		now = State{Battery: true}
		time.Sleep(3 * time.Second)
		also := w.Subscribe(func(s State) { b = append(b, s) })
		stop()
		now = State{Hot: true}
		time.Sleep(3 * time.Second)
		also()
		if len(a) != 2 || a[0] != (State{}) || !a[1].Battery || len(b) != 2 || !b[0].Battery || !b[1].Hot {
			t.Errorf("told %+v and %+v", a, b)
		}
		before := reads
		time.Sleep(time.Minute)
		if reads != before {
			t.Errorf("%d reads after the last one left", reads-before)
		}
		stop2 := w.Subscribe(func(State) {})
		stop2()
		synctest.Wait()
	})
}
