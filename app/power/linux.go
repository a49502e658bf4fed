package power

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Temperatures in thousandths of a degree Celsius, as the kernel gives them.
const (
	// plausible bounds what a sensor or a trip point may say; many say nonsense.
	plausibleLeast, plausibleMost = 50_000, 150_000
	// before is how far below the point of switching off counts as hot.
	before = 10_000
	// usual is where processors without a trip point slow down.
	usual = 95_000
	// cooled is how far it must cool down again, so that the state does not flutter.
	cooled = 5_000
)

// Linux reads what the kernel publishes under root, which is /sys; see
// Documentation/ABI/testing/sysfs-class-power, driver-api/thermal/sysfs-api.rst
// and sysfs-platform_profile in its sources. Elsewhere there is no such folder,
// and the state is the zero one. The reader is for one goroutine at a time.
func Linux(root string) func() State {
	hot := map[string]bool{}
	return func() State {
		return State{Battery: battery(root), Saver: saver(root), Hot: heat(root, hot)}
	}
}

// System is the reader of this machine.
func System() func() State { return Linux("/sys") }

func value(parts ...string) string {
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func number(parts ...string) (int, bool) {
	n, err := strconv.Atoi(value(parts...))
	return n, err == nil
}

func folders(parts ...string) []string {
	all, _ := filepath.Glob(filepath.Join(parts...)) // its only error is a bad pattern
	return all
}

// battery says that the machine has a battery and nothing else feeds it.
func battery(root string) bool {
	has, draining, outside, plugged := false, false, false, false
	for _, dir := range folders(root, "class/power_supply/*") {
		if value(dir, "scope") == "Device" { // of a mouse or a headset
			continue
		}
		switch value(dir, "type") {
		case "Battery":
			if value(dir, "present") == "0" {
				continue
			}
			has = true
			draining = draining || value(dir, "status") == "Discharging"
		case "Mains", "USB", "Wireless":
			outside = true
			online, _ := number(dir, "online") // 2 is a programmable supply
			plugged = plugged || online > 0
		}
	}
	if outside {
		return has && !plugged
	}
	return draining
}

// saver says that a profile for saving energy is chosen.
func saver(root string) bool {
	return value(root, "firmware/acpi/platform_profile") == "low-power" ||
		value(root, "devices/system/cpu/cpu0/cpufreq/energy_performance_preference") == "power"
}

// heat says that some zone is past the point where the system slows it down.
// was holds the zones that were hot before.
func heat(root string, was map[string]bool) bool {
	any := false
	for _, zone := range folders(root, "class/thermal/thermal_zone*") {
		now, ok := number(zone, "temp")
		limit := limit(zone)
		if !ok || now > plausibleMost || limit == 0 || value(zone, "mode") == "disabled" {
			delete(was, zone)
			continue
		}
		if was[zone] {
			limit -= cooled
		}
		was[zone] = now >= limit
		any = any || was[zone]
	}
	return any
}

// limit is the temperature from which a zone is hot; 0: it has none.
func limit(zone string) int {
	slows, ends := 0, 0
	for _, file := range folders(zone, "trip_point_*_type") {
		at, ok := number(strings.TrimSuffix(file, "_type") + "_temp")
		if !ok || at < plausibleLeast || at > plausibleMost {
			continue
		}
		switch value(file) {
		case "passive":
			if slows == 0 || at < slows {
				slows = at
			}
		case "hot", "critical":
			if ends == 0 || at < ends {
				ends = at
			}
		}
	}
	switch kind := value(zone, "type"); {
	case slows > 0:
		return slows
	case ends > 0:
		return ends - before
	case kind == "x86_pkg_temp", strings.HasPrefix(kind, "cpu"), strings.HasPrefix(kind, "soc"):
		return usual
	}
	return 0
}
