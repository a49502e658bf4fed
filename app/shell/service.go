package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Deadline is how long another program waits for Replace. macOS freezes the
// calling program meanwhile and gives up after NSTimeout (120 s), so the
// answer must come, or fail, well before that.
const Deadline = 90 * time.Second

// TextLimit is the longest text in bytes that another program may send.
const TextLimit = 256 << 10

// Errors another program's user may see; each says what to do.
var (
	ErrBusy  = errors.New("Qwill is still working on another text: try again when it is done")
	ErrEmpty = errors.New("no text is selected: select some text first")
	ErrSlow  = errors.New("Qwill needed too long and left your text as it was: choose a shorter text or a smaller model")
)

// Service answers other programs. It runs one request at a time: macOS
// delivers a second one while the first still waits.
type Service struct {
	Commands []Command
	// Write runs a command to its end and gives the new text.
	Write    func(ctx context.Context, command, text string) (string, error)
	Actions  Actions
	Deadline time.Duration // 0 means Deadline
	busy     atomic.Bool
}

// Replace implements Answerer. On any error the caller's text must stay.
func (s *Service) Replace(command, text string) (string, error) {
	if !slices.ContainsFunc(s.Commands, func(c Command) bool { return c.ID == command }) {
		return "", fmt.Errorf("Qwill has no command %q: choose one from its menu", command)
	}
	if strings.TrimSpace(text) == "" {
		return "", ErrEmpty
	}
	if len(text) > TextLimit {
		return "", fmt.Errorf("the selected text has %d KB, the limit is %d KB: select less", len(text)>>10, TextLimit>>10)
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	if !s.busy.CompareAndSwap(false, true) {
		return "", ErrBusy
	}
	defer s.busy.Store(false)
	limit := s.Deadline
	if limit == 0 {
		limit = Deadline
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := s.Write(ctx, command, text)
	switch {
	case ctx.Err() != nil:
		return "", ErrSlow
	case err != nil:
		return "", err
	case strings.TrimSpace(out) == "":
		return "", errors.New("the model gave no text: your text was left as it was")
	}
	return out, nil
}

// Open implements Answerer.
func (s *Service) Open(command, text string) {
	s.Actions.Show(Surface{Surface: Prompt, Text: strings.ToValidUTF8(text, "\uFFFD"), Command: command})
}
