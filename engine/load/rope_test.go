package load

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestRopeAgreesWithReference compares with mlx-lm; see
// build/fixtures/make_rope.py.
func TestRopeAgreesWithReference(t *testing.T) {
	data, err := os.ReadFile("testdata/rope.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Dim     int       `json:"head_dim"`
		Theta   float64   `json:"rope_theta"`
		Scaling object    `json:"rope_scaling"`
		Periods []float64 `json:"periods"`
		MScale  float64   `json:"mscale"`
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 4 {
		t.Fatal(err, len(cases))
	}
	for i, want := range cases {
		data, err := json.Marshal(config(object{"head_dim": want.Dim, "rope_theta": want.Theta, "rope_scaling": want.Scaling}))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseConfig(data)
		if err != nil {
			t.Errorf("case %d: %v", i, err)
			continue
		}
		got := c.InvFreq()
		if len(got) != len(want.Periods) {
			t.Fatalf("case %d: %d frequencies, want %d", i, len(got), len(want.Periods))
		}
		for k, f := range got {
			// mlx-lm computes in float32.
			if r := math.Abs(float64(f)*want.Periods[k] - 1); r > 2e-6 {
				t.Errorf("case %d: frequency %d differs by %.2g", i, k, r)
			}
		}
		if s := c.Scale() * math.Sqrt(float64(want.Dim)); math.Abs(s-want.MScale*want.MScale) > 1e-6 {
			t.Errorf("case %d: scores are scaled by %v, want %v", i, s, want.MScale*want.MScale)
		}
	}
}
