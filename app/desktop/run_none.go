//go:build !desktop

package desktop

import "errors"

// Available says whether this build can show a window.
const Available = false

// Run fails: this build has no window.
func (d *Desktop) Run(Options) error {
	return errors.New(`this build of Qwill has no window: run "qwill ui", or build it with "make build"`)
}
