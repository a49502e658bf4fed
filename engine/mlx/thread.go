package mlx

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// Error is a failure inside MLX or this package.
type Error struct {
	Op      string // operation, such as "matmul"
	Message string
}

func (e *Error) Error() string { return "mlx " + e.Op + ": " + e.Message }

// PanicError is a panic of the program caught by [Thread.Do].
type PanicError struct {
	Value any
	Stack string
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("panic on the MLX thread: %v\n%s", e.Value, e.Stack)
}

// ErrStopped is returned by [Thread.Do] after [Thread.Stop].
var ErrStopped = errors.New("the MLX thread has stopped")

// defaultCacheLimit bounds the freed buffers MLX hoards; its own default is
// the whole memory limit.
const defaultCacheLimit = 256 << 20

// Thread owns MLX state: one goroutine locked to one OS thread.
type Thread struct {
	jobs chan job
	done chan struct{}
	stop sync.Once

	// Only touched on the thread itself.
	scopes []*Scope // open ones, innermost last
	live   int
}

type job struct {
	f   func() error
	err chan error
}

// Start makes the thread and sets MLX up: run-time compilation is off (it
// would run a compiler and load its output from a shared folder), the
// allocator's cache has a limit, wired memory is left alone.
func Start() (*Thread, error) {
	t := &Thread{jobs: make(chan job), done: make(chan struct{})}
	started := make(chan error, 1)
	go t.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Thread) run(started chan<- error) {
	// Never unlocked: the OS thread ends with this goroutine.
	runtime.LockOSThread()
	defer close(t.done)
	if C.qm_enter_thread() != 0 {
		started <- fmt.Errorf("start MLX: %w", lastError("start"))
		return
	}
	C.qm_set_cache_limit(defaultCacheLimit)
	t.scopes = append(t.scopes, &Scope{t: t}) // arrays made outside any scope
	started <- nil
	for j := range t.jobs {
		if j.f == nil {
			break
		}
		j.err <- t.call(j.f)
	}
	t.scopes[0].freeAll()
	C.qm_leave_thread()
}

// call runs f; scopes that f left open are closed.
func (t *Thread) call(f func() error) (err error) {
	depth := len(t.scopes)
	defer func() {
		r := recover()
		switch e := r.(type) {
		case nil:
		case *Error:
			err = e
		default:
			err = &PanicError{Value: r, Stack: string(debug.Stack())}
		}
		for len(t.scopes) > depth {
			t.scopes[len(t.scopes)-1].Close()
		}
	}()
	return f()
}

// Do runs f on the thread and waits for it. It must not be called from inside
// another Do. Failed operations come back as *Error, other panics as
// *PanicError; the thread stays usable. Scopes f entered and left open are
// closed.
func (t *Thread) Do(f func() error) error {
	j := job{f: f, err: make(chan error, 1)}
	select {
	case t.jobs <- j:
	case <-t.done:
		return ErrStopped
	}
	select {
	case err := <-j.err:
		return err
	case <-t.done: // f left by runtime.Goexit, as a failing test does
		return ErrStopped
	}
}

// Stop ends the thread after the running call; arrays still open are freed
// where they belong to the outermost scope.
func (t *Thread) Stop() {
	t.stop.Do(func() {
		select {
		case t.jobs <- job{}:
		case <-t.done:
		}
	})
	<-t.done
}

// Live counts the handles not yet freed. Call it inside Do.
func (t *Thread) Live() int { return t.live }

// Try runs f and returns the *Error it panicked with, if any; other panics
// pass through.
func Try(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			err = r
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

func fail(op, format string, args ...any) {
	panic(&Error{Op: op, Message: fmt.Sprintf(format, args...)})
}

func lastError(op string) *Error {
	return &Error{Op: op, Message: C.GoString(C.qm_error())}
}
