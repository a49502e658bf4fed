package write

// Warning is what the user should know of a result, by a stable name that the
// page translates.
type Warning string

// The warnings.
const (
	NoResult     Warning = "empty"
	CutOff       Warning = "cut_off"
	Unchanged    Warning = "unchanged"
	SectionsKept Warning = "kept"
	MoreMistakes Warning = "more"
)

var sentences = map[Warning]string{
	NoResult:     "The model gave no result. Try again, or choose another model.",
	CutOff:       "The result was cut off because it grew too long. Check its end, or work on a shorter part.",
	Unchanged:    "Nothing to change.",
	MoreMistakes: "There may be more mistakes than these. Proofread the result again.",
	SectionsKept: "Some sections could not be written and stayed as they were.",
}

// Sentence says it in English.
func (w Warning) Sentence() string { return sentences[w] }
