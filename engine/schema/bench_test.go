package schema

import (
	"slices"
	"testing"
	"time"
)

var epoch = time.Now()

func nanotime() int64 { return int64(time.Since(epoch)) }

func reportQuantiles(b *testing.B, micros []float64) {
	slices.Sort(micros)
	b.ReportMetric(micros[len(micros)/2], "µs/mask-p50")
	b.ReportMetric(micros[len(micros)*95/100], "µs/mask-p95")
}
