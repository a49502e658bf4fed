// Package catalogue says which of the official Qwen3 models for MLX this
// machine can hold, and which one to begin with.
package catalogue

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"qwill/app/models"
	data "qwill/assets/catalogue"
)

// Fits of a model.
const (
	Yes   = "yes"
	Tight = "tight"
	No    = "no"
)

// Reasons, for the page to put into words with the numbers of the entry.
const (
	ReasonFits        = "fits"        // memory of machine, with room for other programs
	ReasonTight       = "tight"       // only with little else open
	ReasonTooBig      = "too_big"     // memory is more than the machine can give
	ReasonUnsupported = "unsupported" // the engine does not run this architecture yet
	ReasonRecommended = "recommended" // fits, and the largest that answers without long waits
)

// What a model is good for, by its size.
const (
	GoodTrial    = "trial"
	GoodQuick    = "quick"
	GoodEveryday = "everyday"
	GoodWriting  = "writing"
	GoodHard     = "hard"
)

// Context is the length in tokens that memory is estimated for.
const Context = 8192

// Entry is one model of the catalogue on this machine.
type Entry struct {
	Repo         string `json:"repo"`
	Title        string `json:"title"`
	Size         string `json:"size"`
	Quantization string `json:"quantization"`
	Bits         int    `json:"bits"`
	Bytes        int64  `json:"bytes"`   // to download
	Memory       int64  `json:"memory"`  // needed at Context
	Machine      int64  `json:"machine"` // that this machine has; 0 unknown
	Context      int    `json:"context"` // longest, in tokens
	Licence      string `json:"licence"`
	Architecture string `json:"architecture"`
	Revision     string `json:"revision,omitempty"` // seen when the catalogue was made; may be a commit's beginning
	Evidence     string `json:"evidence"`           // where the size is from
	Runs         bool   `json:"runs"`
	Fits         string `json:"fits"`
	Reason       string `json:"reason"`
	GoodFor      string `json:"good_for"`
	Recommended  bool   `json:"recommended"`
	Installed    string `json:"installed,omitempty"` // its installed name
	Job          string `json:"job,omitempty"`       // its unfinished download
}

type model struct {
	Repo         string `json:"repo"`
	Size         string `json:"size"`
	Bits         int    `json:"bits"`
	Group        int    `json:"group"`
	Bytes        int64  `json:"bytes"`
	Weights      int64  `json:"weights"`
	KV           int64  `json:"kv_bytes_per_token"`
	Context      int    `json:"context"`
	Architecture string `json:"architecture"`
	Revision     string `json:"revision"`
	Evidence     string `json:"evidence"`
}

var load = sync.OnceValues(func() (list struct {
	Licence string  `json:"licence"`
	Models  []model `json:"models"`
}, err error) {
	if err = json.Unmarshal(data.JSON, &list); err != nil {
		err = fmt.Errorf("read the catalogue: %w", err)
	}
	return list, err
})

// Overhead is what a loaded model needs beside weights and key-value cache:
// the engine's process and the kernels' work space, in bytes.
const Overhead = 256 << 20

// List gives the catalogue for a machine with so much memory in bytes; 0 is an
// unknown one, which everything fits.
func List(memory int64) ([]Entry, error) {
	list, err := load()
	if err != nil {
		return nil, err
	}
	var all []Entry
	best := -1
	for _, m := range list.Models {
		e := Entry{Repo: m.Repo, Title: models.TitleOf(m.Repo), Size: m.Size, Bits: m.Bits, Bytes: m.Bytes, Machine: memory,
			Memory: m.Weights + m.KV*Context + Overhead, Context: m.Context, Licence: list.Licence, Architecture: m.Architecture,
			Revision: m.Revision, Evidence: m.Evidence, Runs: models.Runs(m.Architecture), GoodFor: goodFor(m.Weights * 16 / int64(max(m.Bits, 1)))}
		e.Quantization = "bf16"
		if m.Bits < 16 {
			e.Quantization = fmt.Sprintf("%d bit, group %d", m.Bits, m.Group)
		}
		e.Fits, e.Reason = fits(e.Memory, memory)
		if !e.Runs {
			e.Reason = ReasonUnsupported
		}
		all = append(all, e)
		if e.Runs && e.Fits == Yes && m.Bits == 4 && m.Weights <= quick(runtime.GOOS) && (best < 0 || e.Bytes > all[best].Bytes) {
			best = len(all) - 1
		}
	}
	if best >= 0 {
		all[best].Recommended, all[best].Reason = true, ReasonRecommended
	}
	return all, nil
}

// quick is the size of weights in bytes up to which answers come without long
// waits, as a rule of thumb: each token reads all of them once.
func quick(goos string) int64 {
	if goos == "darwin" {
		return 9 << 30 // a Mac's memory gives 100 GB/s and more
	}
	return 3 << 30 // an ordinary processor's some 30 GB/s
}

// fits compares what a model needs with what a machine can give: a tenth, and
// at least 1 GiB where there is more than 4, stays with the system, as at
// loading (app/serve); with a third more free it is no squeeze.
func fits(need, memory int64) (fit, reason string) {
	if memory <= 0 {
		return Yes, ReasonFits
	}
	rest := memory / 10
	if memory > 4<<30 {
		rest = max(rest, 1<<30)
	}
	switch can := memory - rest; {
	case need > can:
		return No, ReasonTooBig
	case need+need/3 > can:
		return Tight, ReasonTight
	}
	return Yes, ReasonFits
}

// goodFor goes by the weights at 16 bits, two bytes a parameter.
func goodFor(bytes int64) string {
	switch parameters := bytes / 2; {
	case parameters < 1e9:
		return GoodTrial
	case parameters < 3e9:
		return GoodQuick
	case parameters < 6e9:
		return GoodEveryday
	case parameters < 20e9:
		return GoodWriting
	}
	return GoodHard
}

// Find gives the entry of a repository, whatever the case.
func Find(all []Entry, repo string) (Entry, bool) {
	for _, e := range all {
		if strings.EqualFold(e.Repo, repo) {
			return e, true
		}
	}
	return Entry{}, false
}
