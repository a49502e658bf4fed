package generate

import "qwill/engine/mlx"

// held are logits computed ahead: row i is what follows draft[:i]. They hold as
// long as the tokens drawn from them are those of the draft.
type held struct {
	logits mlx.Array // [len(draft)+1, vocabulary]; absent: nothing is held
	draft  []int
	at     int // the row drawn from last: draft[:at] came
}

// follow gives the logits [1, vocabulary] after token id, which was drawn from
// what is held. They are there already when the draft had it; else id is read,
// together with a new draft. left tokens may follow id. The lookup knows id already.
//
// Every token is drawn by the sampler from its own row as it would be without a
// draft, with the random number of its position: where the rows equal those
// computed one by one, the text is the same, and in any case its distribution
// is that of the rows: a drafted token is kept with its own probability.
func (g *Generation) follow(id, left int) (mlx.Array, error) {
	h := &g.held
	if h.logits.OK() {
		if h.at < len(h.draft) && h.draft[h.at] == id {
			h.at++
			g.result.Accepted++
			return mlx.Slice(h.logits, []int{h.at, 0}, []int{h.at + 1, h.logits.Dim(1)}), nil
		}
		g.look.learn(len(h.draft), h.at)
		h.logits.Free()
		*h = held{}
		if err := g.seq.KV.Truncate(len(g.seq.Tokens)); err != nil {
			return mlx.Array{}, err
		}
	}
	draft := g.propose(left)
	ids := append([]int{id}, draft...)
	logits := g.m.Net.Logits(g.m.Net.Forward(g.m.Thread.FromInts(ids), g.seq.KV))
	mlx.AsyncEval(logits)
	if len(draft) == 0 {
		g.look.waited()
		return logits, nil
	}
	g.result.Drafted += len(draft)
	g.keep.Adopt(logits)
	*h = held{logits: logits, draft: ids[1:]}
	return mlx.Slice(logits, []int{0, 0}, []int{1, logits.Dim(1)}), nil
}

// propose drafts what may follow the last token: no end of the reply, and nothing that its
// form does not allow.
func (g *Generation) propose(left int) []int {
	draft := g.look.draft(left - 1)
	for i, next := range draft {
		if g.m.EOS[next] && !g.r.IgnoreEOS {
			draft = draft[:i]
			break
		}
	}
	if f := g.r.Form; f != nil {
		m := *f.Matcher // behind the last token
		for i, next := range draft {
			if m.Done() || m.Advance(next) != nil {
				return draft[:i]
			}
		}
	}
	return draft
}
