package pull_test

import (
	"testing"

	"qwill/app/errs"
	"qwill/app/fetch/hubtest"
	"qwill/app/models/pull"
)

// The check of the hubs finds what is wrong with either, and keeps nothing.
func TestProbe(t *testing.T) {
	const w = "model.safetensors"
	for _, source := range pull.Sources {
		for name, c := range map[string]struct {
			fault hubtest.Fault
			code  string
		}{
			"well":         {},
			"trouble":      {hubtest.Fault{Kind: hubtest.Trouble}, errs.Network},
			"wrong bytes":  {hubtest.Fault{Kind: hubtest.Flip, Path: "config.json"}, errs.HashMismatch},
			"no parts":     {hubtest.Fault{Kind: hubtest.IgnoreRange, Path: w}, errs.HubAnswer},
			"other host":   {hubtest.Fault{Kind: hubtest.Elsewhere, Path: w}, errs.HostRefused},
			"cut":          {hubtest.Fault{Kind: hubtest.Cut, Path: w, At: 5}, errs.Network},
			"a login page": {hubtest.Fault{Kind: hubtest.HTML}, errs.HubAnswer},
		} {
			t.Run(source+" "+name, func(t *testing.T) {
				b := setup(t)
				b.hub.Put(pull.ProbeRepo, files(qwen3))
				if c.code != "" {
					b.hub.Arm(c.fault)
				}
				found, err := b.Probe(t.Context(), source)
				if c.code == "" {
					if err != nil || found == "" {
						t.Errorf("%q %v", found, err)
					}
				} else if e := errs.From(err); e == nil || e.Code != c.code || b.hub.Fired(c.fault.Kind) == 0 {
					t.Errorf("%q %v, fired %d", found, err, b.hub.Fired(c.fault.Kind))
				}
				b.absent()
			})
		}
	}
	b := setup(t)
	b.offline.Store(true)
	if _, err := b.Probe(t.Context(), pull.ModelScope); errs.From(err).Code != errs.OfflineSwitch || len(b.hub.Requests()) != 0 {
		t.Errorf("%v", err)
	}
}
