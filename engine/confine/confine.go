// Package confine takes rights away from the running process that it will not
// need: the engine's child reads model files and talks to its parent, nothing
// else. What cannot be taken away on a given system is said, not hidden.
package confine

import "strings"

// Confined says what holds after Apply.
type Confined struct {
	Network string // "refused (seccomp)", or why it is not
	Files   string // "not confined", or how they are
}

// String gives one line for people.
func (c Confined) String() string {
	return strings.Join([]string{"network: " + c.Network, "files: " + c.Files}, "; ")
}
