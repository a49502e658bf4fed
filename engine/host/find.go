package host

import (
	"os"
	"path/filepath"

	"qwill/engine/proto"
)

// Binary is the file name of the child.
const Binary = "qwill-engine"

// Find gives the path of qwill-engine: the environment's QWILL_ENGINE, else the
// file beside the running executable, symbolic links resolved.
func Find() (string, error) {
	path := os.Getenv("QWILL_ENGINE")
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", unavailable(Binary, "cannot tell where qwill is installed: "+err.Error(), "set QWILL_ENGINE to the path of qwill-engine")
		}
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		path = filepath.Join(filepath.Dir(self), Binary)
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return "", unavailable(path, "the engine program is missing or not executable",
			"run make build, or set QWILL_ENGINE to the path of qwill-engine")
	}
	return path, nil
}

func unavailable(file, message, hint string) *proto.Error {
	return &proto.Error{Code: proto.CodeUnavailable, Message: message, ErrorData: proto.ErrorData{File: file, Hint: hint}}
}
