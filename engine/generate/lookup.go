package generate

// lookup guesses the tokens that follow from the text there is: a proofread text
// repeats most of its original. A guess costs no network, and a wrong one little:
// it is checked in the same pass that computes the next token anyway.
//
// It is decided by tokens alone, never by the clock, so that a request does the
// same work each time.
type lookup struct {
	history []int            // the prompt, then the reply
	pairs   map[[2]int][]int // where in history a pair of tokens ends, in order
	at      int              // the token of history expected next; 0: none
	miss    int              // tokens since the text left the copy at at

	length int     // tokens to guess at once
	credit float64 // in plain steps: what guesses have saved, less what they cost
	rest   int     // tokens during which nothing is guessed
	sleep  int     // the next rest
}

const (
	mostDrafted = 8 // with the token before them as many rows as are computed alike (kFewRows in engine/mlx/kernels)
	firstDraft  = 3
	firstRest   = 64
	// rowCost is what one more row costs of a plain step: on two AVX2 cores and
	// Qwen3-0.6B's shape 0.1 for one row more, 0.28 each for seven.
	rowCost = 0.28
	// waitCost is what a step loses whose graph is built only when its token is
	// known.
	waitCost = 0.1
	// loss is how many plain steps may be lost before guessing pauses.
	loss = 1.5
	// resync is how many tokens after a change the copy is looked for beside it.
	resync = 4
)

func newLookup(prompt []int) *lookup {
	l := &lookup{pairs: map[[2]int][]int{}, length: firstDraft, sleep: firstRest}
	for _, id := range prompt {
		l.index(id)
	}
	return l
}

func (l *lookup) index(id int) {
	l.history = append(l.history, id)
	if n := len(l.history); n > 1 {
		key := [2]int{l.history[n-2], id}
		l.pairs[key] = append(l.pairs[key], n-1)
	}
}

// push takes a token of the reply.
func (l *lookup) push(id int) {
	l.rest = max(0, l.rest-1)
	expected := l.at
	l.index(id)
	n := len(l.history)
	switch {
	case expected > 0 && l.miss == 0 && l.history[expected] == id:
		l.at++
		return
	case expected > 0 && l.miss < resync:
		// The copy goes on beside a change: a token in the place of another one, one
		// left out or one put in.
		if l.miss > 0 {
			for _, p := range []int{expected + l.miss, expected, expected + l.miss + 1} {
				if p < n-1 && l.history[p] == id {
					l.at, l.miss = p+1, 0
					return
				}
			}
		}
		l.miss++
	default:
		l.at, l.miss = 0, 0
	}
	if p := l.find(n); p > 0 {
		l.at, l.miss = p+1, 0
	}
}

// find gives the place whose tokens before and at it are most like the last
// ones; of equals the first behind the place that was copied from.
func (l *lookup) find(n int) int {
	if n < 2 {
		return 0
	}
	const longest = 8
	best, like := 0, 0
	for _, p := range l.pairs[[2]int{l.history[n-2], l.history[n-1]}] {
		if p >= n-1 {
			break
		}
		same := 2
		for same < longest && p-same >= 0 && l.history[p-same] == l.history[n-1-same] {
			same++
		}
		if same > like || same == like && best < l.at && p >= l.at {
			best, like = p, same
		}
	}
	return best
}

// ready says whether there is something to guess.
func (l *lookup) ready() bool { return l.rest == 0 && l.at > 0 && l.miss == 0 }

// draft guesses at most n tokens that follow those pushed.
func (l *lookup) draft(n int) []int {
	if !l.ready() || n < 1 {
		return nil
	}
	end := min(len(l.history), l.at+min(n, l.length))
	return l.history[l.at:end:end]
}

// learn is told how many of the tokens guessed came.
func (l *lookup) learn(drafted, accepted int) {
	l.credit = min(4, l.credit+float64(accepted)-rowCost*float64(drafted))
	if accepted == drafted {
		l.length = min(mostDrafted, 2*l.length)
		l.sleep = firstRest
	} else {
		l.length = max(2, min(l.length, accepted+1))
	}
	l.pause()
}

// waited is told that a step waited for its token in vain: nothing could be
// guessed after it.
func (l *lookup) waited() {
	l.credit -= waitCost
	l.pause()
}

func (l *lookup) pause() {
	if l.credit < -loss {
		l.credit, l.length, l.rest = 0, firstDraft, l.sleep
		l.sleep *= 4
	}
}
