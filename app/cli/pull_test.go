package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"qwill/app/errs"
	"qwill/app/fetch/hubtest"
	"qwill/app/models/pull"
	"qwill/app/paths"
)

// These tests run the built program against a hub on loopback.

const tinyRepo = "Qwen/Qwen3-0.6B-MLX-4bit"

// large is a model whose download takes a while.
func large() map[string][]byte {
	files := hubtest.Tiny()
	files["model-extra.safetensors"] = bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB
	return files
}

// puller gives runs of the program with the hub as its endpoint; the starter is
// not wanted here.
func puller(t *testing.T, hub *hubtest.Hub, home string) func(args ...string) *exec.Cmd {
	t.Helper()
	models := paths.Under(home).Models
	if err := os.MkdirAll(models, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(models, ".starter-removed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd {
		cmd := program(t, home, args...)
		cmd.Env = append(cmd.Env, "HF_ENDPOINT="+hub.URL, "MODELSCOPE_ENDPOINT="+hub.URL, "HF_TOKEN=hf_secret", "no_proxy=*")
		return cmd
	}
}

func newHub(t *testing.T) *hubtest.Hub {
	t.Helper()
	hub := hubtest.New()
	t.Cleanup(hub.Close)
	hub.Put(tinyRepo, hubtest.Tiny())
	hub.Put("test/Large", large())
	return hub
}

func jobs(t *testing.T, q func(...string) *exec.Cmd) (all []pull.Job) {
	t.Helper()
	code, out, errOut := output(t, q("models", "jobs", "--json"))
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 {
		t.Fatalf("%d %v %s", code, err, errOut)
	}
	return all
}

// A model comes from the hub, is verified, and answers.
func TestPullAndChat(t *testing.T) {
	hub := newHub(t)
	q := puller(t, hub, t.TempDir())
	code, out, errOut := output(t, q("models", "pull", tinyRepo))
	if code != 0 || !strings.HasPrefix(out, "qwen3-0.6b-4bit\t") {
		t.Fatalf("%d %q %q", code, out, errOut)
	}
	for _, r := range hub.Requests() {
		if r.Authorization != "" {
			t.Errorf("the token went to %s%s", r.Server, r.Path)
		}
	}
	code, out, errOut = output(t, q("chat", "-m", "qwen3-0.6b-4bit", "--seed", "1", "--max-tokens", "8", "--json", "Hello"))
	var got answered
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Stats.CompletionTokens == 0 || got.Stats.PromptTokens == 0 {
		t.Errorf("%d %v %q %q", code, err, out, errOut)
	}
	if code, out, _ = output(t, q("models", "verify", "qwen3-0.6b-4bit", "--json")); code != 0 || !strings.Contains(out, `"ok":true`) {
		t.Errorf("verify: %d %s", code, out)
	}
	if code, out, _ = output(t, q("models", "show", "qwen3-0.6b-4bit")); code != 0 || !strings.Contains(out, hubtest.SHA256(hubtest.Tiny()["model.safetensors"])) {
		t.Errorf("show: %d %s", code, out)
	}
	if code, out, _ = output(t, q("connections")); code != 0 || !strings.Contains(out, "/model.safetensors") || strings.Contains(out, "secret") {
		t.Errorf("connections: %d %s", code, out)
	}
	if code, _, errOut = output(t, q("models", "pull", tinyRepo)); code != exitFailure || !strings.Contains(errOut, "installed already") {
		t.Errorf("again: %d %s", code, errOut)
	}
	if code, out, _ = output(t, q("models", "catalogue", "8b", "4bit", "--json")); code != 0 || !strings.Contains(out, "Qwen/Qwen3-8B-MLX-4bit") {
		t.Errorf("catalogue: %d %s", code, out)
	}
}

// Killed in the middle, again and again, the download goes on where it was; at
// its end every byte is right.
func TestPullKilled(t *testing.T) {
	hub := newHub(t)
	home := t.TempDir()
	q := puller(t, hub, home)
	partial := func() (n int64) {
		found, _ := filepath.Glob(filepath.Join(paths.Under(home).Models, ".download-*", "model-extra.safetensors"))
		for _, f := range found {
			if info, err := os.Stat(f); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	for round := range 3 {
		hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model-extra.safetensors", At: 4 << 20, Times: 1})
		cmd := q("models", "pull", "test/Large")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); partial() < int64(round+1)<<20; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no progress")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if entries, _ := filepath.Glob(filepath.Join(paths.Under(home).Models, "[a-z]*")); len(entries) != 0 {
			t.Fatalf("published: %v", entries)
		}
	}
	if hub.Fired(hubtest.Slow) != 3 {
		t.Errorf("%d slow downloads", hub.Fired(hubtest.Slow))
	}
	if all := jobs(t, q); len(all) != 1 || all[0].State == pull.Done {
		t.Fatalf("%+v", all)
	}
	if code, out, errOut := output(t, q("models", "pull", "test/Large", "--json")); code != 0 {
		t.Fatalf("%d %s %s", code, out, errOut)
	}
	got, err := os.ReadFile(filepath.Join(paths.Under(home).Models, "large", "model-extra.safetensors"))
	if err != nil || !bytes.Equal(got, large()["model-extra.safetensors"]) {
		t.Errorf("%v, %d bytes", err, len(got))
	}
	if left, _ := filepath.Glob(filepath.Join(paths.Under(home).Models, ".download-*")); len(left) > 1 { // the lock's file
		t.Errorf("left over: %v", left)
	}
}

// Ctrl-C pauses and says how to go on.
func TestPullInterrupted(t *testing.T) {
	hub := newHub(t)
	hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model-extra.safetensors", At: 2 << 20, Times: 1})
	q := puller(t, hub, t.TempDir())
	cmd := q("models", "pull", "test/Large")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); hub.Fired(hubtest.Slow) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no download")
		}
	}
	end(cmd, syscall.SIGINT)
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(errOut.String(), "models resume") {
		t.Errorf("%d %s", code, &errOut)
	}
	all := jobs(t, q)
	if len(all) != 1 || all[0].State != pull.Paused {
		t.Fatalf("%+v", all)
	}
	if code, out, errOut := output(t, q("models", "resume", all[0].ID)); code != 0 || !strings.HasPrefix(out, "large\t") {
		t.Errorf("%d %s %s", code, out, errOut)
	}
}

// diskHelper is run inside a mount namespace of its own, with a home that lies
// on a disk of a few megabytes.
const diskHelper = "QWILL_TEST_SMALL_DISK"

// A full disk pauses the download before it begins, keeps the app's own data
// whole, and with room again it goes on.
func TestPullOnAFullDisk(t *testing.T) {
	if os.Getenv(diskHelper) == "" {
		if out, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "true").CombinedOutput(); err != nil {
			t.Skipf("no disk can be mounted here without rights: %v %s", err, out)
		}
		cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", os.Args[0], "-test.run=^TestPullOnAFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), diskHelper+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	home := t.TempDir()
	const size = 160 << 20
	if err := syscall.Mount("tmpfs", home, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Fatal(err)
	}
	defer syscall.Unmount(home, syscall.MNT_DETACH)
	hub := newHub(t)
	q := puller(t, hub, home)
	ballast := filepath.Join(home, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 100<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := output(t, q("models", "pull", "test/Large", "--json"))
	if code != exitFailure || !strings.Contains(errOut, `"code":"`+errs.DiskFull+`"`) {
		t.Fatalf("%d %s", code, errOut)
	}
	for _, r := range hub.Requests() {
		if r.Server == "cdn" {
			t.Errorf("fetched %s without room for it", r.Path)
		}
	}
	all := jobs(t, q)
	if len(all) != 1 || all[0].State != pull.Paused || all[0].Error == nil {
		t.Fatalf("%+v", all)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if code, out, errOut := output(t, q("models", "resume", all[0].ID)); code != 0 {
		t.Errorf("%d %s %s", code, out, errOut)
	}
}

// What was switched off in the settings is off for commands, too.
func TestPullOffline(t *testing.T) {
	hub := newHub(t)
	home := home(t)
	p := openPage(t, home)
	p.call("PUT", "/api/settings", `{"offline":true}`, nil)
	q := puller(t, hub, home)
	if code, _, errOut := output(t, q("models", "pull", tinyRepo, "--json")); code != exitFailure || !strings.Contains(errOut, errs.OfflineSwitch) {
		t.Errorf("%d %s", code, errOut)
	}
	if n := len(hub.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// The check that a person with a network runs says of each hub what it found.
func TestDoctorAsksTheHubs(t *testing.T) {
	hub := newHub(t)
	q := puller(t, hub, t.TempDir())
	_, out, _ := output(t, q("doctor"))
	if n := len(hub.Requests()); n != 0 {
		t.Errorf("%d requests that nobody asked for", n)
	}
	if strings.Contains(out, pull.ModelScope) {
		t.Errorf("%s", out)
	}
	hub.Put(pull.ProbeRepo, hubtest.Tiny())
	_, out, _ = output(t, q("doctor", "--hubs"))
	if strings.Count(out, "parts are delivered") != 2 {
		t.Errorf("%s", out)
	}
}
