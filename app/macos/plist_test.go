package macos

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"qwill/app/command"
	"qwill/app/shell"
)

var update = flag.Bool("update", false, "write build/darwin/Info.plist anew")

const plistFile = "../../build/darwin/Info.plist"

// TestPlist holds the committed file against the registry of commands: a new
// command appears in the Services menu, or this fails.
func TestPlist(t *testing.T) {
	var commands []shell.Command
	for _, c := range command.All() {
		if c.Key != "" { // the others need words of the user
			commands = append(commands, shell.Command{ID: c.ID, Title: c.Title})
		}
	}
	want := Plist(commands, "0.1.0")
	if *update {
		if err := os.WriteFile(plistFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(plistFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("build/darwin/Info.plist differs from the registry: go test ./app/macos -update")
	}
	// Every service names a method of the provider, has the context without
	// which macOS lists it nowhere, and reaches our port.
	text := string(got)
	services := strings.Count(text, "<key>NSMenuItem</key>")
	if services != len(commands)+1 {
		t.Errorf("%d services for %d commands", services, len(commands))
	}
	for _, part := range []string{"<key>NSRequiredContext</key>", "<key>NSPortName</key>", "<key>NSSendTypes</key>", "<key>NSMessage</key>"} {
		if n := strings.Count(text, part); n != services {
			t.Errorf("%s stands %d times, want %d", part, n, services)
		}
	}
	for _, c := range commands {
		if !strings.Contains(text, "<string>"+c.ID+"</string>") {
			t.Errorf("no service for %s", c.ID)
		}
	}
	if n := strings.Count(text, "<string>replaceText</string>"); n != len(commands) {
		t.Errorf("%d services replace the text, want %d", n, len(commands))
	}
	for d := xml.NewDecoder(bytes.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
}

// Our own message must arrive before macOS gives up on us.
func TestServiceTimeout(t *testing.T) {
	ms, err := strconv.Atoi(serviceTimeout)
	if err != nil {
		t.Fatal(err)
	}
	if limit := time.Duration(ms) * time.Millisecond; limit < shell.Deadline+10*time.Second {
		t.Errorf("macOS waits %v, we take up to %v", limit, shell.Deadline)
	}
}
