// Command qwill-engine runs models for qwill, which starts it and speaks
// JSON-RPC 2.0 to it over stdin and stdout. It ends when its stdin does.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"qwill/engine/confine"
	"qwill/engine/worker"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "qwill-engine:", err)
		os.Exit(1)
	}
}

func run() error {
	out, err := takeStdout()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	confined := confine.Apply()
	in := &stdin{}
	return worker.Serve(worker.Config{Build: build(), Confined: confined.String(), Log: log}, in, out)
}

// takeStdout moves stdout to a descriptor of our own and puts stderr in its
// place, so that a library that prints cannot break the protocol.
func takeStdout() (io.WriteCloser, error) {
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("keep stdout: %w", err)
	}
	if err := unix.Dup2(2, 1); err != nil {
		return nil, fmt.Errorf("replace stdout: %w", err)
	}
	return os.NewFile(uintptr(fd), "stdout"), nil
}

// stdin ends the process soon after its own end: whoever asked is gone, and a
// step that is running cannot be waited for.
type stdin struct{}

func (s *stdin) Read(p []byte) (int, error) {
	n, err := os.Stdin.Read(p)
	if err != nil {
		time.AfterFunc(time.Second, func() { os.Exit(0) })
	}
	return n, err
}

// build is the version control revision this program was built from.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}
