package worker

import (
	"context"
	"path/filepath"

	"qwill/engine/gguf"
	"qwill/engine/proto"
)

// importGGUF converts a GGUF file; its progress goes by the target's path. It
// does not touch MLX.
func (w *Worker) importGGUF(p proto.ImportParams) (proto.ImportResult, error) {
	for field, path := range map[string]string{"source": p.Source, "target": p.Target} {
		if !filepath.IsAbs(path) {
			return proto.ImportResult{}, &proto.Error{Code: proto.CodeInvalid, Message: field + " must be an absolute path",
				ErrorData: proto.ErrorData{Field: field}}
		}
	}
	return gguf.Convert(context.Background(), p.Source, p.Target, func(done, total int64) {
		w.notify(proto.NotifyLoad, proto.LoadProgress{Path: p.Target, Done: done, Total: total})
	})
}
