package pull_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/app/errs"
	"qwill/app/fetch/hubtest"
	"qwill/app/models"
	"qwill/app/models/pull"
)

// second checks that the model came whole from ModelScope.
func (b *bench) second(j pull.Job) {
	b.t.Helper()
	if j.State != pull.Done || j.Error != nil {
		b.t.Fatalf("the job is %s: %v", j.State, j.Error)
	}
	m, err := b.models.Find(b.t.Context(), j.Name)
	if err != nil || m.Source != pull.ModelScope || m.Repo != repo {
		b.t.Fatalf("%+v %v", m, err)
	}
	for name, want := range files(qwen3) {
		got, err := os.ReadFile(filepath.Join(m.Path, name))
		if models.Needed(name) != (err == nil) || err == nil && !bytes.Equal(got, want) {
			b.t.Errorf("%s: %v, %d bytes", name, err, len(got))
		}
	}
	hashes, err := b.db.ModelFiles(b.t.Context(), m.Name)
	if err != nil || len(hashes) != 4 {
		b.t.Errorf("%+v %v", hashes, err)
	}
	for _, h := range hashes {
		if h.SHA256 != hubtest.SHA256(files(qwen3)[h.Path]) || h.Evidence != models.BySHA256 && h.GitSHA1 == "" {
			b.t.Errorf("%+v", h)
		}
	}
	for _, r := range b.hub.Requests() {
		if r.Authorization != "" {
			b.t.Errorf("a token went to %s", r.Path)
		}
	}
	b.nothingPartial()
}

// The other hub outlives the same faults.
func TestModelScope(t *testing.T) {
	const w = "model.safetensors"
	for name, faults := range map[string][]hubtest.Fault{
		"nothing":        {},
		"cut":            {{Kind: hubtest.Cut, Path: w, At: 1234567, Times: 2}},
		"200 to a range": {{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.IgnoreRange, Path: w, Times: 1}},
		"wrong range":    {{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.WrongRange, Path: w, Times: 1}},
		"416":            {{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.NoRange, Path: w, Times: 1}},
		"expired":        {{Kind: hubtest.Cut, Path: w, At: 1 << 20, Times: 1}, {Kind: hubtest.Expired, Path: w, At: 1, Times: 2}},
		"a flipped bit":  {{Kind: hubtest.Flip, Path: w, At: 777, Times: 1}},
		"small flipped":  {{Kind: hubtest.Flip, Path: "LICENSE", At: 3, Times: 1}},
		"too long":       {{Kind: hubtest.Long, Path: w, Times: 1}},
		"503":            {{Kind: hubtest.Trouble, Times: 3}},
		"429":            {{Kind: hubtest.TooMany, At: 0, Times: 1}},
		"a stall":        {{Kind: hubtest.Stall, Path: w, At: 1 << 20, Times: 1}},
		"a login page":   {{Kind: hubtest.HTML, Times: 1}},
		"code in body":   {{Kind: hubtest.BadCode, Times: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.hub.Arm(faults...)
			j, err := b.Add(t.Context(), "https://modelscope.cn/models/"+repo, "", "")
			if err != nil {
				t.Fatal(err)
			}
			b.second(b.until(j.ID))
			for _, f := range faults {
				if n := b.hub.Fired(f.Kind); n < f.Times {
					t.Errorf("%s happened %d times", f.Kind, n)
				}
			}
		})
	}
}

func TestModelScopeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		fault hubtest.Fault
		code  string
	}{
		"no hash":       {hubtest.Fault{Kind: hubtest.NoSHA}, errs.HubAnswer},
		"hostile":       {hubtest.Fault{Kind: hubtest.Hostile, Path: "../evil"}, errs.HubAnswer},
		"flipped twice": {hubtest.Fault{Kind: hubtest.Flip, Path: "model.safetensors"}, errs.HashMismatch},
		"elsewhere":     {hubtest.Fault{Kind: hubtest.Elsewhere, Path: "model.safetensors"}, errs.HostRefused},
		"always 500":    {hubtest.Fault{Kind: hubtest.BadCode}, errs.Network},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.hub.Arm(c.fault)
			j, err := b.AddFrom(t.Context(), pull.ModelScope, repo, "", "")
			if err != nil {
				t.Fatal(err)
			}
			if j = b.until(j.ID); j.State != pull.Failed || j.Error.Code != c.code || b.hub.Fired(c.fault.Kind) == 0 {
				t.Errorf("%s %v, fired %d", j.State, j.Error, b.hub.Fired(c.fault.Kind))
			}
			b.absent()
		})
	}
}

// One hub dies half-way: what is there goes on from the other, because the
// SHA-256 is the same.
func TestOtherHubGoesOn(t *testing.T) {
	b := setup(t)
	j := b.during(func(j pull.Job) { b.Pause(t.Context(), j.ID) })
	before := len(b.hub.Requests())
	moved, err := b.AddFrom(t.Context(), pull.ModelScope, repo, "", "")
	if err != nil || moved.ID != j.ID || moved.Source != pull.ModelScope {
		t.Fatalf("%+v %v", moved, err)
	}
	b.second(b.until(j.ID))
	ranged := false
	for _, r := range b.hub.Requests()[before:] {
		if strings.HasPrefix(r.Path, "/xet-bridge/") {
			t.Errorf("asked the first hub: %+v", r)
		}
		ranged = ranged || strings.HasPrefix(r.Path, "/oss/") && r.Range != ""
	}
	if !ranged {
		t.Error("began again")
	}
}

// Another file under the same name is not mixed with what is there.
func TestOtherHubHasAnotherFile(t *testing.T) {
	b := setup(t)
	j := b.during(func(j pull.Job) { b.Pause(t.Context(), j.ID) })
	other := files(qwen3)
	other["model.safetensors"] = weights(3 << 20)
	other["model.safetensors"][9] ^= 1
	b.hub.Put(repo, other)
	if _, err := b.Move(t.Context(), j.ID, pull.ModelScope); err != nil {
		t.Fatal(err)
	}
	if j = b.until(j.ID); j.State != pull.Done {
		t.Fatalf("%s %v", j.State, j.Error)
	}
	got, err := os.ReadFile(filepath.Join(b.models.Folder(), j.Name, "model.safetensors"))
	if err != nil || !bytes.Equal(got, other["model.safetensors"]) {
		t.Errorf("not the other file: %v", err)
	}
}

// A job that another process works on is paused there before it moves.
func TestMoveByAnotherProcess(t *testing.T) {
	b := setup(t)
	other := open(t, b.home, b.hub)
	j := b.during(func(j pull.Job) {
		if moved, err := other.Move(t.Context(), j.ID, pull.ModelScope); err != nil || moved.Source != pull.ModelScope {
			t.Errorf("%+v %v", moved, err)
		}
	})
	other.second(other.until(j.ID))
}
