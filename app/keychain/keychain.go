// Package keychain keeps secrets where the system keeps them: the Secret Service
// on Linux, the Keychain on a Mac. Nothing of them is written to Qwill's files.
package keychain

import (
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"

	"qwill/app/errs"
)

// service is the name that the system's own tools show the entries under.
const service = "Qwill"

// HubToken is the token for Hugging Face.
const HubToken = "huggingface.co"

// ErrNone says that there is no such secret.
var ErrNone = errors.New("no such secret")

// Times that a keychain has to answer. Reading happens within a download, and
// may ask the user to unlock the keychain.
const (
	readTime  = 20 * time.Second
	writeTime = 2 * time.Minute
)

// Get gives a secret; ErrNone when there is none.
func Get(name string) (string, error) {
	var secret string
	err := within(readTime, func() (err error) {
		secret, err = keyring.Get(service, name)
		return err
	})
	if errors.Is(err, keyring.ErrNotFound) {
		return "", ErrNone
	}
	if err != nil {
		return "", unusable(err)
	}
	return secret, nil
}

// Set keeps a secret in place of an older one.
func Set(name, secret string) error {
	if err := within(writeTime, func() error { return keyring.Set(service, name, secret) }); err != nil {
		return unusable(err)
	}
	return nil
}

// Remove forgets a secret; ErrNone when there is none.
func Remove(name string) error {
	err := within(writeTime, func() error { return keyring.Delete(service, name) })
	if errors.Is(err, keyring.ErrNotFound) {
		return ErrNone
	}
	if err != nil {
		return unusable(err)
	}
	return nil
}

func unusable(err error) *errs.Error {
	return errs.New(errs.Unsupported, 503, "The system's keychain cannot be used: %v.", err).
		Try("set the environment variable HF_TOKEN instead")
}

// within calls the keychain, whose daemon may hang or answer what its library
// does not expect.
func within(limit time.Duration, call func() error) error {
	if !reachable() {
		return errors.New("there is none in this session")
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("its answer makes no sense: %v", p)
			}
		}()
		done <- call()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return fmt.Errorf("it did not answer within %v", limit)
	}
}
