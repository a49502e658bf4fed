package host

import "qwill/engine/proto"

// Phases of the child's life.
const (
	Stopped    = "stopped"    // not started yet, or closed
	Starting   = "starting"   // first start
	Ready      = "ready"      // said hello
	Restarting = "restarting" // died, another start follows
	Failed     = "failed"     // gave up; a call after Config.Retry tries once more
)

// State is what a subscriber sees of the child.
type State struct {
	Phase   string
	Cause   string            // why the last child ended or could not start; empty when none did
	Attempt int               // starts that failed or children that died in a row
	Hello   proto.HelloResult // of the child that is Ready
}
