package pull

import (
	"context"
	"errors"
	"io"
	"sync"

	"qwill/app/errs"
	"qwill/app/fetch"
	"qwill/app/fetch/huggingface"
)

// errOneStream says that the host does not deliver the parts that it is asked
// for: the file must come in one stream.
var errOneStream = errors.New("the host delivers no parts")

// fetch brings all that is missing of the file.
func (c *content) fetch(ctx context.Context) error {
	if c.file.Bytes > c.s.Pace.Part && c.s.Pace.Streams > 1 {
		if err := c.parts(ctx); !errors.Is(err, errOneStream) {
			return err
		}
		c.lies++
	}
	// A stream goes on from what is there without a gap.
	c.mu.Lock()
	prefix, more := c.have.prefix(), len(c.have) > 1
	c.mu.Unlock()
	if more {
		if err := c.keep(ctx, prefix); err != nil {
			return err
		}
	}
	return c.s.retry(ctx, c.t, c.stream)
}

// parts fetches the file by several connections; what they left over because
// they got nowhere is fetched by one.
func (c *content) parts(ctx context.Context) error {
	err := c.several(ctx, c.s.Pace.Streams)
	if c.missing() && transient(err) {
		err = c.several(ctx, 1)
	}
	return err
}

func (c *content) missing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, missing := c.have.gap(0, c.file.Bytes)
	return missing
}

// transient errors may be those of one connection.
func transient(err error) bool {
	switch e := errs.From(err); {
	case e == nil, errors.Is(err, errOneStream):
		return false
	default:
		return e.Code == errs.Network || e.Code == errs.RateLimited || e.Code == errs.HubAnswer
	}
}

// several fetches parts by so many connections. The others begin when the first
// one was given a part. One that gets nowhere while others do gives up, for a
// host may allow fewer of them.
func (c *content) several(ctx context.Context, streams int) error {
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	delivered := make(chan struct{})
	deliver := sync.OnceFunc(func() { close(delivered) })
	var all sync.WaitGroup
	var mu sync.Mutex
	var last error
	running := streams
	for n := range streams {
		all.Go(func() {
			if n > 0 {
				select {
				case <-delivered:
				case <-life.Done():
					return
				}
			}
			for life.Err() == nil {
				p, ok := c.claim()
				if !ok {
					deliver() // those that wait have nothing to do
					return
				}
				err := c.s.retry(life, c.t, func(ctx context.Context) (bool, error) { return c.part(ctx, &p, deliver) })
				c.release(p)
				if err == nil {
					continue
				}
				mu.Lock()
				defer mu.Unlock()
				last = err
				if running--; running == 0 || !closed(delivered) || !transient(err) {
					end(err)
				}
				return
			}
		})
	}
	all.Wait()
	if cause := context.Cause(life); cause != nil {
		return cause
	}
	if c.missing() {
		return last
	}
	return nil
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// claim takes the first part that is missing and that no connection is at.
func (c *content) claim() (p span, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	there := c.have
	for _, s := range c.taken {
		there = there.add(s)
	}
	g, ok := there.gap(0, c.file.Bytes)
	if !ok {
		return g, false
	}
	part := c.s.Pace.Part
	g.to = min(g.to, (g.from/part+1)*part)
	c.taken = append(c.taken, g)
	return g, true
}

// release gives back a part, of which p is still missing.
func (c *content) release(p span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.taken {
		if s.to == p.to {
			c.taken = append(c.taken[:i:i], c.taken[i+1:]...)
			return
		}
	}
}

// part fetches the rest of a part over one connection and shortens p by what
// came.
func (c *content) part(ctx context.Context, p *span, delivered func()) (some bool, err error) {
	some, err = c.connect(ctx, huggingface.Span{From: p.from, To: p.to}, func(body *huggingface.Body) error {
		if !body.Part {
			return errOneStream
		}
		delivered()
		return nil
	}, &p.from, p.to)
	if errors.Is(err, errOneStream) {
		err = errOneStream // at once, not after other tries
	}
	return some, err
}

// stream fetches the rest of the file over one connection. A host that delivers
// no parts begins at the first byte, and so does the file.
func (c *content) stream(ctx context.Context) (some bool, err error) {
	c.mu.Lock()
	at := c.have.prefix()
	c.mu.Unlock()
	if c.lies > 1 {
		c.lies, at = 0, 0
		if err := c.reset(ctx); err != nil {
			return false, err
		}
	}
	if at >= c.file.Bytes {
		return false, nil
	}
	some, err = c.connect(ctx, huggingface.Span{From: at}, func(body *huggingface.Body) error {
		if body.Offset == at {
			return nil
		}
		at = 0
		return c.reset(ctx)
	}, &at, c.file.Bytes)
	if _, past := errors.AsType[*huggingface.PastEnd](err); past {
		if rerr := c.reset(ctx); rerr != nil {
			return some, rerr
		}
	}
	if errors.Is(err, errOneStream) {
		c.lies++
		err = errors.Unwrap(err)
	}
	return some, err
}

// connect asks for a part, lets begin look at the answer, and writes what comes
// from *at, which it moves on, up to to.
func (c *content) connect(ctx context.Context, ask huggingface.Span, begin func(*huggingface.Body) error, at *int64, to int64) (some bool, err error) {
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	f := c.file
	dog := newWatchdog(c.s.Pace, func() { end(stalled(f.Path)) })
	defer dog.stop()
	body, err := c.s.hub(c.t).Open(life, c.repo, c.t.snapshot().Commit,
		huggingface.File{Path: f.Path, Bytes: f.Bytes, SHA256: hubHash(f), GitSHA1: f.GitSHA1}, ask, fetch.Download)
	if err != nil {
		return false, c.odd(life, ask, err)
	}
	defer body.Close()
	if err := begin(body); err != nil {
		return false, err
	}
	buf := make([]byte, min(256<<10, to-*at))
	for *at < to {
		n, rerr := body.Read(buf[:min(int64(len(buf)), to-*at)])
		if n > 0 {
			dog.fed(n)
			if _, werr := c.h.WriteAt(buf[:n], *at); werr != nil {
				return some, c.full(werr)
			}
			from := *at
			*at += int64(n)
			some = true
			if err := c.wrote(ctx, from, n); err != nil {
				return some, err
			}
		}
		if rerr != nil && *at < to {
			if errors.Is(rerr, io.EOF) {
				rerr = io.ErrUnexpectedEOF
			}
			return some, cutOff(life, f.Path, rerr)
		}
	}
	return some, nil
}

// oneStream keeps the error that the user may see.
type oneStream struct{ error }

func (e oneStream) Unwrap() error        { return e.error }
func (e oneStream) Is(target error) bool { return target == errOneStream }

// odd marks the answers by which a host shows that it does not know parts.
func (c *content) odd(ctx context.Context, ask huggingface.Span, err error) error {
	_, other := errors.AsType[*huggingface.OtherPart](err)
	_, past := errors.AsType[*huggingface.PastEnd](err)
	if other || past && ask.To > 0 {
		return oneStream{err}
	}
	return cutOff(ctx, c.file.Path, err)
}

// hubHash is the hash that the hub gave for a file: not one computed here.
func hubHash(f File) string {
	if f.GitSHA1 != "" {
		return ""
	}
	return f.SHA256
}
