package keychain_test

import (
	"errors"
	"testing"

	"qwill/app/errs"
	"qwill/app/keychain"
	"qwill/app/keychain/keychaintest"
)

func TestKeychain(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	if _, err := keychain.Get(keychain.HubToken); err == nil || errors.Is(err, keychain.ErrNone) || errs.From(err).Hint == "" {
		t.Errorf("without a session: %v", err)
	}
	s, err := keychaintest.New()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", s.Address)
	if _, err := keychain.Get(keychain.HubToken); !errors.Is(err, keychain.ErrNone) {
		t.Fatalf("of an empty one: %v", err)
	}
	for _, secret := range []string{"hf_one", "hf_two"} {
		if err := keychain.Set(keychain.HubToken, secret); err != nil {
			t.Fatal(err)
		}
		if got, err := keychain.Get(keychain.HubToken); got != secret || err != nil || s.Count() != 1 {
			t.Errorf("%q %v, %d entries", got, err, s.Count())
		}
	}
	if _, err := keychain.Get("another"); !errors.Is(err, keychain.ErrNone) {
		t.Errorf("of another name: %v", err)
	}
	if err := keychain.Remove(keychain.HubToken); err != nil || s.Count() != 0 {
		t.Errorf("%v, %d entries", err, s.Count())
	}
	if err := keychain.Remove(keychain.HubToken); !errors.Is(err, keychain.ErrNone) {
		t.Errorf("twice: %v", err)
	}
}
