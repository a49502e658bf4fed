package shell

// States of the system-wide shortcut.
const (
	HotkeyOff         = "off"
	HotkeyActive      = "active"
	HotkeyDenied      = "denied"      // the user or the desktop said no
	HotkeyUnavailable = "unavailable" // this desktop gives programs no shortcut
	HotkeyTaken       = "taken"       // another program has these keys
)

// Hotkey is what became of the system-wide shortcut of the quick prompt.
type Hotkey struct {
	State   string `json:"state"`
	Via     string `json:"via"`    // portal, x11, carbon, or ""
	Hotkey  string `json:"hotkey"` // the keys, as the settings or the desktop name them
	Message string `json:"message,omitempty"`
}
