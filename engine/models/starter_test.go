package models_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"qwill/engine/gguf"
	"qwill/engine/load"
	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
	"qwill/engine/models"
	"qwill/engine/tokenizer"
)

// starterPrompt is the chat template's rendering of one question.
const starterPrompt = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n" +
	"<|im_start|>user\nName the capital of France and what it is known for.<|im_end|>\n<|im_start|>assistant\n"

const starterReply = "The capital of France is Paris. It is the largest city in the European Union and the capital of the 21st département of France. " +
	"Paris is also known for its iconic landmarks such as the Eiffel Tower, Louvre Museum, Notre Dame Cathedral, and the Arc de Triathon.<|im_end|>"

// starterLogprobs are those of the reply's tokens. Reply and values come from
// mlx-lm 0.32.2 in float32 on the converted starter; at each step the best
// token leads the next by at least 0.03.
var starterLogprobs = []float64{
	-0.2638, -0.03089, -0.00684, -0.00247, -0.08708, -0.03097, -0.4023, -0.75464, -0.28878, -0.89141, -0.16741, -0.61509,
	-0.06359, -0.65548, -0.79484, -0.83319, -0.29804, -0.96381, -0.56152, -0.05478, -0.51814, -0.41269, -0.31145, -0.58891,
	-0.3297, -1.58491, -1.51142, -0.25743, -0.37822, -0.19989, -0.5791, -0.36449, -0.54191, -1.04078, -1.17307, -0.15488,
	-0.19405, -0.73875, -0.2465, -1.12869, -1e-05, -0.1172, -0.02039, -0.00047, -0.00329, -0.13069, -0.69452, -0.00027,
	-0.02274, -0.00404, -0.06962, -0.68308, -0.17367, -0.00753, -0.21182, -0.86361, -1.33466, -0.00303, -0.04814, -0.57984,
	-1.0422, -0.49671, -0.66104,
}

// openStarter converts the starter's GGUF file and opens what came of it.
func openStarter(t *testing.T) (*load.Checkpoint, *tokenizer.Tokenizer) {
	t.Helper()
	found, err := filepath.Glob("../../build/.deps/starter/*.gguf")
	if err != nil || len(found) != 1 {
		t.Fatal("the starter model was not fetched: run make setup")
	}
	dir := filepath.Join(t.TempDir(), "starter")
	if _, err := gguf.Convert(context.Background(), found[0], dir, nil); err != nil {
		t.Fatal(err)
	}
	c, err := load.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, tok
}

// TestStarter runs the real starter from its GGUF file to text, in exact mode:
// the reply and its probabilities equal mlx-lm's, memory stays near the size of
// the weights, and nothing is left after closing.
func TestStarter(t *testing.T) {
	c, tok := openStarter(t)
	mlxtest.Run(t, func(th *mlx.Thread) {
		base := mlx.ActiveMemory()
		mlx.ResetPeakMemory()
		var told int64
		m, err := models.Load(th, c, mlx.Exact, func(done, total int64) {
			if done <= told || total != c.WeightBytes {
				t.Errorf("progress %d of %d after %d", done, total, told)
			}
			told = done
		})
		if err != nil {
			t.Error(err)
			return
		}
		cache := m.NewCache()
		rows := logprobs(th, m, cache, tok.Encode(starterPrompt, true), 32)
		var reply []int
		for len(reply) < len(starterLogprobs) {
			last, best := rows[len(rows)-1], 0
			for v := range last {
				if last[v] > last[best] {
					best = v
				}
			}
			if want := starterLogprobs[len(reply)]; math.Abs(float64(last[best])-want) > 2e-4 {
				t.Errorf("token %d has log-probability %.5f, want %.5f", len(reply), last[best], want)
			}
			reply = append(reply, best)
			if c.Config.EOS[0] == best {
				break
			}
			rows = logprobs(th, m, cache, []int{best}, 1)
		}
		if text := string(tok.Decode(reply)); text != starterReply {
			t.Errorf("reply %q, want %q", text, starterReply)
		}
		peak := mlx.PeakMemory() - base
		t.Logf("weights %d MB, peak %d MB", c.WeightBytes>>20, peak>>20)
		if told != c.WeightBytes || peak < c.WeightBytes || peak > c.WeightBytes*3/2 {
			t.Errorf("peak of %d bytes for %d bytes of weights (%d told)", peak, c.WeightBytes, told)
		}
		cache.Close()
		m.Close()
		th.Synchronize()
		if left := mlx.ActiveMemory() - base; left > 1<<20 {
			t.Errorf("%d bytes are still in use after closing", left)
		}
	})
}
