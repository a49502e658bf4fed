package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/creachadair/jrpc2"

	"qwill/engine/proto"
)

// child is one process and the client of its pipes.
type child struct {
	pid    int
	client *jrpc2.Client
	stderr *stderrLog
	exited chan struct{} // closed when the process is reaped
	cause  string        // set before exited is closed

	mu     sync.Mutex
	killed string // why this side ended it; empty when it ended by itself
}

// startChild starts the program and its client. The process may die at any
// moment after.
func startChild(cfg *Config, log *slog.Logger) (*child, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the engine's stdin: %w", err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		inW.Close()
		return nil, fmt.Errorf("make the engine's stdout: %w", err)
	}
	c := &child{stderr: &stderrLog{log: log}, exited: make(chan struct{})}
	cmd := exec.Command(cfg.Binary, cfg.Args...)
	cmd.Env = append(os.Environ(), cfg.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inR, outW, c.stderr
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = 2 * time.Second // a grandchild may hold stderr open

	started := make(chan error)
	go func() {
		// Pdeathsig watches the thread that forked, so it must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		inR.Close()
		outW.Close()
		if err != nil {
			started <- err
			return
		}
		c.pid = cmd.Process.Pid
		c.client = jrpc2.NewClient(newChannel(outR, inW, cfg.Notify, log), nil)
		started <- nil
		err = cmd.Wait()
		_ = syscall.Kill(-c.pid, syscall.SIGKILL) // what it may have started itself
		outR.Close()
		c.client.Close()
		c.cause = c.describe(cmd.ProcessState, err)
		close(c.exited)
	}()
	if err := <-started; err != nil {
		inW.Close()
		outR.Close()
		return nil, fmt.Errorf("start %s: %w", cfg.Binary, err)
	}
	return c, nil
}

// describe says in one line how the process ended.
func (c *child) describe(state *os.ProcessState, err error) string {
	c.mu.Lock()
	killed := c.killed
	c.mu.Unlock()
	if killed != "" {
		return killed
	}
	s := "it ended"
	var exit *exec.ExitError
	if state != nil {
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			s = "signal " + ws.Signal().String()
		} else {
			s = fmt.Sprintf("exit code %d", state.ExitCode())
		}
	} else if err != nil && !errors.As(err, &exit) {
		s = err.Error()
	}
	if line := c.stderr.Cause(); line != "" {
		s += ": " + line
	}
	return s
}

// kill ends the process group at once; why is shown to whoever waits on it.
func (c *child) kill(why string) {
	c.mu.Lock()
	if c.killed == "" {
		c.killed = why
	}
	c.mu.Unlock()
	select {
	case <-c.exited: // the id may belong to another process by now
	default:
		_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	}
}

// close asks the process to exit by closing its stdin, kills it when it has not
// within grace, and returns when it is reaped.
func (c *child) close(grace time.Duration) {
	go c.client.Close()
	select {
	case <-c.exited:
		return
	case <-time.After(grace):
	}
	c.kill("it was closed")
	<-c.exited
}

// versionError says that child and host are of different builds.
type versionError struct{ child int }

func (e *versionError) Error() string {
	return fmt.Sprintf("qwill-engine speaks protocol %d and qwill %d: they are of different versions; install both from one build",
		e.child, proto.ProtocolVersion)
}

// errMute says that the program runs but does not speak; it is most likely
// another program.
var errMute = errors.New("it did not say hello")

// hello makes the first call and checks that both sides are of one version.
func (c *child) hello(ctx context.Context, limit time.Duration) (proto.HelloResult, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var r proto.HelloResult
	err := c.call(ctx, proto.MethodHello, proto.HelloParams{Version: proto.ProtocolVersion}, &r)
	var e *proto.Error
	switch {
	case err == nil && r.Version != proto.ProtocolVersion:
		return r, &versionError{r.Version}
	case err == nil:
		return r, nil
	case errors.Is(err, errNotSent), errors.As(err, &e) && e.Code == proto.CodeCrashed:
		<-c.exited
		return r, errors.New(c.cause)
	case errors.Is(err, context.DeadlineExceeded):
		return r, fmt.Errorf("%w within %v", errMute, limit)
	}
	return r, fmt.Errorf("it did not say hello: %w", err)
}

// errNotSent says that the child was gone before it could see the call.
var errNotSent = errors.New("the engine had ended before the call")

// dead reports that the process was reaped or its pipes are closed.
func (c *child) dead() bool {
	select {
	case <-c.exited:
		return true
	default:
		return c.client.IsStopped()
	}
}

// call makes one call. When the child dies meanwhile, or its output can no
// longer be read, the error is CodeCrashed with the cause.
func (c *child) call(ctx context.Context, method string, params, result any) error {
	rsp, err := c.client.Call(ctx, method, params)
	if err == nil {
		if result == nil {
			return nil
		}
		if err := rsp.UnmarshalResult(result); err != nil {
			return &proto.Error{Code: proto.CodeEngine, Message: "the engine's answer cannot be read: " + err.Error()}
		}
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var rpc *jrpc2.Error
	answered := errors.As(err, &rpc)
	if answered && !c.client.IsStopped() {
		e := &proto.Error{Code: int(rpc.Code), Message: rpc.Message}
		if len(rpc.Data) > 0 {
			_ = json.Unmarshal(rpc.Data, &e.ErrorData) // details only
		}
		return e
	}
	// The client stopped: the process is dead or dying, or it wrote nonsense.
	select {
	case <-c.exited:
	case <-time.After(time.Second):
		c.kill("its output could not be read: " + err.Error())
		<-c.exited
	}
	if !answered && !errors.Is(err, context.Canceled) {
		return errNotSent
	}
	return crashed(c.cause)
}
