package edits

// Trial is a text with known mistakes, by which is found out whether a model
// can write edits at all. A model that cannot is better asked for the corrected
// text: very small ones copy and repeat instead.
const Trial = "He have two brother.\nThe shop closes at six.\nI recieved your letter yesterday."

// trialEdits are the right ones: old and new words, without their context.
var trialEdits = map[[2]string]bool{
	{"have", "has"}: true, {"brother", "brothers"}: true, {"recieved", "received"}: true,
	{"brother.", "brothers."}: true, {"have two brother", "has two brothers"}: true, {"have two brother.", "has two brothers."}: true,
}

// Verdict on a model that is tried.
type Verdict int

// The verdicts.
const (
	Open Verdict = iota
	Fit
	Unfit
)

// Judge says what the edits of the Trial so far, and how many were refused,
// tell of a model. Done says that there are no more.
func Judge(placed []Edit, refused int, done bool) Verdict {
	right, wrong := 0, refused
	for _, e := range placed {
		if trialEdits[[2]string{e.Old, e.New}] {
			right++
			if e.Old[:4] == "have" && len(e.Old) > 4 {
				right++ // two in one
			}
		} else {
			wrong++
		}
	}
	switch {
	case wrong > 1:
		return Unfit
	case !done:
		return Open
	case right >= 2:
		return Fit
	}
	return Unfit
}
