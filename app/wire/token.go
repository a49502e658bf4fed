package wire

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"qwill/app/fetch/huggingface"
	"qwill/app/keychain"
)

// hubToken is the token for Hugging Face: of the environment, else of the
// keychain, which is asked when the hub first is.
type hubToken struct {
	mu    sync.Mutex
	token string
	asked time.Time
}

// tokenTime is how long the keychain's answer holds: another process may change it.
const tokenTime = time.Minute

func (h *hubToken) get() string {
	if t := strings.TrimSpace(os.Getenv(huggingface.TokenVariable)); t != "" {
		return t
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.asked.IsZero() && time.Since(h.asked) < tokenTime {
		return h.token
	}
	token, err := keychain.Get(keychain.HubToken)
	if err != nil && !errors.Is(err, keychain.ErrNone) {
		slog.Debug("no token from the keychain", "error", err) // most models need none
	}
	h.token, h.asked = strings.TrimSpace(token), time.Now()
	return h.token
}
