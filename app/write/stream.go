package write

import (
	"regexp"
	"strings"
	"unicode"

	"qwill/app/command"
)

// stream cleans a result while it is written as clean does at the end, so that
// an introduction, a fence or quotation marks are not seen first and gone later.
// It holds back what may still turn out not to belong to the result.
type stream struct {
	original string
	prompt   command.Prompt
	shape    string

	raw     string
	start   int  // of the result in raw; -1 while that is not known
	fenced  bool // the result stands in a code fence
	quote   string
	sent    int // bytes of the result that were given
	stopped bool
}

func newStream(original string, p command.Prompt, shape string) *stream {
	return &stream{original: original, prompt: p, shape: shape, start: -1}
}

// longestLine of an introduction that is waited for, in bytes.
const longestLine = 160

// add takes what the model wrote next and gives what is sure to be shown.
func (s *stream) add(text string) string {
	if s.stopped {
		return ""
	}
	s.raw += text
	if s.start < 0 {
		if s.start = s.begin(); s.start < 0 {
			return ""
		}
	}
	body := s.raw[s.start:]
	end := s.end(body)
	if end <= s.sent {
		return ""
	}
	out := body[s.sent:end]
	s.sent = end
	return out
}

var (
	agreement = []string{"sure", "certainly", "of course", "okay", "absolutely"}
	announce  = []string{"here is", "here's", "here’s", "here are", "this is", "below is"}
	object    = []string{" the ", " your ", " a ", " an ", " my "}
)

// mayOpen says whether a line that is not whole yet may become an introduction.
func mayOpen(line string) bool {
	low := strings.ToLower(line)
	for _, a := range agreement {
		if strings.HasPrefix(a, low) {
			return true
		}
		if rest, ok := strings.CutPrefix(low, a); ok {
			low = strings.TrimLeft(rest, ",.! \t")
			break
		}
	}
	for _, a := range announce {
		for _, o := range object {
			if phrase := a + o; strings.HasPrefix(phrase, low) || strings.HasPrefix(low, phrase) && !strings.Contains(low, ". ") {
				return true
			}
		}
	}
	for _, a := range []string{"好的", "当然"} {
		if strings.HasPrefix(a, line) {
			return true
		}
		line = strings.TrimLeft(strings.TrimPrefix(line, a), "，,。!！ ")
	}
	for _, a := range []string{"以下是", "下面是", "这是"} {
		if strings.HasPrefix(a, line) || strings.HasPrefix(line, a) && !strings.Contains(line, "。") {
			return true
		}
	}
	return false
}

// begin finds where the result begins in what came so far, -1 when that is not
// decided yet.
func (s *stream) begin() int {
	at := 0
	s.fenced, s.quote = false, ""
	for {
		at += len(s.raw[at:]) - len(strings.TrimLeftFunc(s.raw[at:], unicode.IsSpace))
		rest := s.raw[at:]
		if rest == "" {
			return -1
		}
		for _, tag := range []string{s.prompt.Open, s.prompt.Close} {
			if tag != "" && strings.HasPrefix(tag, rest) {
				return -1
			}
		}
		if s.prompt.Open != "" && strings.HasPrefix(rest, s.prompt.Open) {
			at += len(s.prompt.Open)
			continue
		}
		if s.prompt.Close != "" && strings.HasPrefix(rest, s.prompt.Close) {
			at += len(s.prompt.Close)
			continue
		}
		line, _, whole := strings.Cut(rest, "\n")
		if loc := introduction.FindStringIndex(rest); loc != nil && !strings.Contains(s.original, strings.TrimSpace(line)) &&
			!introduction.MatchString(strings.TrimSpace(s.original)+"\n") {
			at += loc[1]
			continue
		}
		if !whole && len(line) < longestLine && mayOpen(line) {
			return -1
		}
		if !s.fenced && !strings.Contains(s.original, "```") {
			if !whole && (strings.HasPrefix("```", rest) || strings.HasPrefix(rest, "```") && len(line) < longestLine) {
				return -1
			}
			if whole && fenceLine.MatchString(line) {
				s.fenced = true
				at += len(line) + 1
				continue
			}
		}
		if s.quote == "" {
			if open, close := quoted(s.original, rest); open != "" {
				s.quote = close
				at += len(open)
				continue
			}
		}
		return at
	}
}

var fenceLine = regexp.MustCompile("^```[a-zA-Z0-9_+-]*[ \t]*\r?$")

// quoted gives the marks that stand around a result whose original has none.
func quoted(original, rest string) (open, close string) {
	text := strings.TrimSpace(original)
	for _, q := range quotes {
		if strings.HasPrefix(text, q[0]) || strings.HasSuffix(text, q[1]) {
			return "", ""
		}
	}
	for _, q := range quotes {
		if strings.HasPrefix(rest, q[0]) {
			return q[0], q[1]
		}
	}
	return "", ""
}

// end is how far the result is sure to be part of it.
func (s *stream) end(body string) int {
	end := len(body)
	for _, tag := range []string{s.prompt.Open, s.prompt.Close} {
		if tag == "" {
			continue
		}
		if i := strings.Index(body, tag); i >= 0 && strings.TrimSpace(body[:i]) != "" {
			s.stopped = true // what follows is no result
			end = min(end, i)
		}
	}
	end = min(end, len(strings.TrimRightFunc(body[:end], unicode.IsSpace)))
	for _, tag := range []string{s.prompt.Open, s.prompt.Close} {
		end -= partial(body[:end], tag)
	}
	if s.fenced {
		if i := strings.LastIndexByte(body[:end], '\n'); i >= 0 && strings.HasPrefix("```", strings.TrimSpace(body[i:end])) {
			end = i
		}
	}
	if s.quote != "" {
		end = len(strings.TrimSuffix(body[:end], s.quote))
	}
	if s.shape == command.ShapeDiff {
		ends := paragraphs.FindAllStringIndex(body[:end], -1)
		if n := len(ends); n > 0 {
			last := body[ends[n-1][1]:end]
			if remark.MatchString(last) || len(last) < 24 && remarkMayBegin(last) {
				end = ends[n-1][0]
			}
		}
	}
	return len(strings.TrimRightFunc(body[:end], unicode.IsSpace))
}

var remarks = []string{"note:", "explanation:", "changes:", "changes made:", "correction:", "corrections:", "corrections made:", "i made", "i've ", "i’ve ", "i have ", "i changed", "i corrected", "i added", "i replaced", "i fixed", "i rewrote", "i rephrased", "i hope this"}

func remarkMayBegin(paragraph string) bool {
	low := strings.TrimPrefix(strings.ToLower(paragraph), "(")
	for _, r := range remarks {
		if strings.HasPrefix(r, low) || strings.HasPrefix(low, r) {
			return true
		}
	}
	return false
}

// partial is how many bytes at the end of text begin the tag.
func partial(text, tag string) int {
	for n := min(len(tag)-1, len(text)); n > 0; n-- {
		if strings.HasSuffix(text, tag[:n]) {
			return n
		}
	}
	return 0
}
