package worker

import (
	"qwill/engine/generate"
	"qwill/engine/sample"
)

// sampler makes the sampler of one reply of a model with so many tokens.
func (w *Worker) sampler(vocabulary int) func(generate.Settings, []int) (generate.Sampler, error) {
	return func(s generate.Settings, prompt []int) (generate.Sampler, error) {
		return sample.New(w.thread, sample.Settings(s), vocabulary, prompt)
	}
}
