package diag

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"qwill/app/errs"
	"qwill/engine/proto"
)

// The test binary also stands for a program that dies.
func TestMain(m *testing.M) {
	if dir := os.Getenv("QWILL_TEST_CRASH"); dir != "" {
		if _, err := Open(dir, "qwill"); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		done := make(chan bool)
		go func() { panic("the secret " + os.Args[len(os.Args)-1]) }()
		<-done
	}
	os.Exit(m.Run())
}

const secret = "zebra-4711 eats the moon"

func TestNoTextInTheLog(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(LevelVariable, "debug")
	l, err := Open(dir, "qwill")
	if err != nil {
		t.Fatal(err)
	}
	var terminal bytes.Buffer
	log := slog.New(l.Handler(Terminal(&terminal, slog.LevelDebug)))
	user := errs.New(errs.Invalid, 400, "%q is not one of them.", secret).At("theme").Try("write %s", secret)
	log.With("note", secret).Error("request failed", "method", "POST", "path", "/api/chats/1", "error", user)
	log.Error("again", "error", fmt.Errorf("save %s: %w", secret, &fs.PathError{Op: "open", Path: "/data/qwill.db", Err: syscall.ENOSPC}))
	log.WithGroup("x").Info("more", "path", "/api/"+secret, "command", secret, slog.Group("g", "text", secret), "count", 7)
	log.Debug("engine", "stderr", secret+"\npanic: "+secret, "cause", "signal killed: "+secret)
	log.Warn("engine error", "error", &proto.Error{Code: proto.CodeTemplate, Message: secret, ErrorData: proto.ErrorData{File: "/models/x"}}, "any", []string{secret})
	log.Warn("joined", "error", errors.Join(errors.New(secret), context.Canceled))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "qwill.log"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"file": string(b), "terminal": terminal.String()} {
		if strings.Contains(text, "zebra") || strings.Contains(text, "moon") {
			t.Errorf("%s: a user's text:\n%s", where, text)
		}
		for _, want := range []string{"request failed", "invalid", "theme", "/api/chats/1", "no space left on device", "/data/qwill.db", "/models/x", "signal killed", "7"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing:\n%s", where, want, text)
			}
		}
	}
	for line := range strings.Lines(string(b)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestLevel(t *testing.T) {
	for text, want := range map[string]slog.Level{"": slog.LevelWarn, "debug": slog.LevelDebug, "INFO": slog.LevelInfo, "nonsense": slog.LevelWarn} {
		t.Setenv(LevelVariable, text)
		if got := Level(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	f, err := openFile(filepath.Join(dir, "qwill.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	line := bytes.Repeat([]byte("x"), logBytes/2+1)
	for i := range 7 {
		line[0] = byte('0' + i)
		if _, err := f.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, name := range []string{"qwill.log", "qwill.log.1", "qwill.log.2", "qwill.log.3"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:1]))
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if strings.Join(got, "") != "6543" {
		t.Errorf("order %v", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1+logKept {
		t.Errorf("%d files", len(entries))
	}
	if err := f.empty(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("after\n")); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "qwill.log")); err != nil || string(b) != "after\n" {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files after emptying", len(entries))
	}
}

// A panic in any goroutine leaves a report without its message.
func TestCrashReport(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "zebra-4711")
	cmd.Env = append(os.Environ(), "QWILL_TEST_CRASH="+dir)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "panic") {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := Open(dir, "qwill")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all := reports(dir)
	if len(all) != 1 {
		t.Fatalf("%d reports", len(all))
	}
	b, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if strings.Contains(text, "zebra") || !strings.Contains(text, "panic: (left out)") || !strings.Contains(text, "TestMain.func1") || !strings.Contains(text, "log_test.go:") {
		t.Errorf("report:\n%s", text)
	}
	if strings.Contains(text, os.TempDir()) || strings.Contains(text, "/app/diag/") {
		t.Errorf("the report names folders of the machine:\n%s", text)
	}
	for range Crashes + 5 {
		l.Crashed("signal segmentation fault: panic: zebra", []string{"zebra-4711", "SIGSEGV: segmentation violation", `time=2026-11-23T06:00:00Z level=INFO msg="model open" text=zebra`})
	}
	if all = reports(dir); len(all) != Crashes {
		t.Errorf("%d reports", len(all))
	}
	if b, err = os.ReadFile(all[0]); err != nil || strings.Contains(string(b), "zebra") || !strings.Contains(string(b), "SIGSEGV") || !strings.Contains(string(b), "model open") {
		t.Errorf("%v\n%s", err, b)
	}
	if err := l.Empty(); err != nil || len(reports(dir)) != 0 {
		t.Errorf("%v, %d reports", err, len(reports(dir)))
	}
}
