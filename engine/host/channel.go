package host

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	// maxLine bounds one message of the child. Long outputs come as many events,
	// so that only a broken child passes it.
	maxLine = 64 << 20
	// maxNoise bounds the lines in a row that are no message. Fewer are skipped: a
	// library may print to stdout.
	maxNoise = 1000
)

var errNoise = errors.New("the engine wrote output that is no JSON-RPC message")

// channel implements jrpc2's channel.Channel over the child's pipes. The client
// of that library handles every message on a goroutine of its own, so the order
// of notifications would be lost; this channel hands them to notify itself, one
// after the other, and lets only responses through.
type channel struct {
	in     *bufio.Reader
	out    io.WriteCloser
	notify func(method string, params json.RawMessage)
	log    *slog.Logger
}

func newChannel(r io.Reader, w io.WriteCloser, notify func(string, json.RawMessage), log *slog.Logger) *channel {
	return &channel{in: bufio.NewReaderSize(r, 64<<10), out: w, notify: notify, log: log}
}

// Send writes one message. The library serialises its calls.
func (c *channel) Send(msg []byte) error {
	_, err := c.out.Write(append(msg, '\n'))
	return err
}

// Close closes the child's stdin, which tells it to exit.
func (c *channel) Close() error { return c.out.Close() }

// Recv gives the next response.
func (c *channel) Recv() ([]byte, error) {
	for noise := 0; noise < maxNoise; {
		line, err := c.readLine()
		if err != nil {
			return nil, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		var head struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Method  string          `json:"method"`
			Params  json.RawMessage `json:"params"`
		}
		if line[0] != '{' || json.Unmarshal(line, &head) != nil || head.Version != "2.0" {
			noise++
			c.log.Warn("engine wrote a line that is no message", "bytes", len(line))
			continue
		}
		noise = 0
		if head.Method == "" {
			return line, nil
		}
		if head.ID == nil {
			c.notify(head.Method, head.Params)
		}
	}
	return nil, errNoise
}

// readLine gives the next line without its end. The slice is the caller's.
func (c *channel) readLine() ([]byte, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("the engine sent a message of more than %d bytes", maxLine)
		}
		if err == nil {
			return line, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err // a partial last line is lost with the child
		}
	}
}
