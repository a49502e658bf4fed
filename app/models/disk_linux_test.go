package models_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"qwill/app/errs"
	"qwill/app/models"
)

// alone runs the test again in a process that may mount, as root of a name
// space of its own; it is skipped where the system allows none.
func alone(t *testing.T) (child bool) {
	t.Helper()
	if os.Getenv("QWILL_TEST_MOUNTS") == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "QWILL_TEST_MOUNTS="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	out, err := cmd.CombinedOutput()
	if len(out) == 0 && err != nil || bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("no name space: %v %s", err, out)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// disk mounts a small one.
func disk(t *testing.T, options string) string {
	t.Helper()
	path := t.TempDir()
	if err := syscall.Mount("none", path, "tmpfs", 0, options); err != nil {
		t.Skip("cannot mount: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) })
	return path
}

// large makes the converted model's weights so long.
func large(t *testing.T, b *bench, bytes int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.outer, "model.safetensors"), make([]byte, bytes), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.outer, Name: "big"}); err != nil {
		t.Fatal(err)
	}
}

// A disk that is too small is refused before a byte is written.
func TestExportToSmallDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	b := setup(t)
	large(t, b, 4<<20)
	usb := disk(t, "size=2m")
	_, err := b.Export(t.Context(), "big", usb, nil)
	code(t, err, errs.DiskFull)
	empty(t, usb)
}

// A disk that fills up on the way, as another program writes there too, gives
// its error and keeps nothing half done.
func TestExportToFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	b := setup(t)
	large(t, b, 8<<20)
	usb := disk(t, "size=80m")
	filled := false
	_, err := b.Export(t.Context(), "big", usb, func(done, _ int64) {
		if filled || done < 2<<20 {
			return
		}
		filled = true
		f, err := os.Create(filepath.Join(usb, "other"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 1<<16))
		}
	})
	if !filled {
		t.Fatal("the disk never filled")
	}
	code(t, err, errs.DiskFull)
	if e := os.Remove(filepath.Join(usb, "other")); e != nil {
		t.Fatal(e)
	}
	empty(t, usb)
	if _, err := b.Export(t.Context(), "big", usb, nil); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// A disk that is pulled while it is written or read ends the work with what to
// do, and nothing is published at either end.
func TestPulledDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	b := setup(t)
	large(t, b, 8<<20)
	usb := disk(t, "size=80m")
	pulled := false
	_, err := b.Export(t.Context(), "big", usb, func(done, _ int64) {
		if !pulled && done > 1<<20 {
			pulled = syscall.Unmount(usb, syscall.MNT_DETACH) == nil
		}
	})
	if !pulled {
		t.Fatal("not pulled")
	}
	code(t, err, errs.ModelMissing)
	empty(t, usb)

	other := setup(t)
	usb = disk(t, "size=80m")
	done, err := b.Export(t.Context(), "big", usb, nil)
	if err != nil {
		t.Fatal(err)
	}
	pulled = false
	_, err = other.Import(t.Context(), models.ImportOptions{Path: done.Path, Progress: func(done, _ int64) {
		if !pulled && done > 0 {
			pulled = syscall.Unmount(usb, syscall.MNT_DETACH) == nil
		}
	}})
	if !pulled {
		t.Fatal("not pulled")
	}
	code(t, err, errs.ModelMissing)
	empty(t, other.home)
}
