package pull

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"qwill/app/errs"
	"qwill/app/fetch"
	"qwill/app/fetch/huggingface"
	"qwill/app/models"
)

// ProbeRepo lies on both hubs.
const ProbeRepo = "Qwen/Qwen3-32B-MLX-4bit"

// Sources lists the hubs.
var Sources = []string{HuggingFace, ModelScope}

// probeBytes are read from the end of the weights, to see that the delivering
// host is allowed and gives parts.
const probeBytes = 1024

// Probe asks a hub for a list, for config.json, which is hashed, and for the
// last bytes of the weights, and says what it found. Nothing is kept.
func (s *Service) Probe(ctx context.Context, source string) (string, error) {
	hub := s.Hubs[source]
	if hub == nil {
		return "", errs.InvalidField("source", "%.40q is no hub.", source).Try("give huggingface or modelscope")
	}
	if s.Offline() {
		return "", offline()
	}
	r, err := huggingface.ParseRepo(ProbeRepo)
	if err != nil {
		return "", err
	}
	l, err := hub.List(ctx, r, models.Needed)
	if err != nil {
		return "", err
	}
	config, weights := false, false
	for _, f := range l.Files {
		switch {
		case f.Path == "config.json":
			if _, err := s.small(ctx, hub, r, l.Commit, f); err != nil {
				return "", err
			}
			config = true
		case filepath.Ext(f.Path) == ".safetensors" && !weights:
			if err := probeEnd(ctx, hub, r, l.Commit, f); err != nil {
				return "", err
			}
			weights = true
		}
	}
	if !config || !weights {
		return "", errs.New(errs.HubAnswer, 502, "The list of %s lacks config.json or weights.", r).At(source).Try("try again later")
	}
	return fmt.Sprintf("%d files of %s at %.12s; config.json is what its hash says; parts are delivered", len(l.Files), r, l.Commit), nil
}

func probeEnd(ctx context.Context, hub Hub, r huggingface.Repo, commit string, f huggingface.File) error {
	from := max(0, f.Bytes-probeBytes)
	b, err := hub.Open(ctx, r, commit, f, huggingface.Span{From: from}, fetch.Download)
	if err != nil {
		return err
	}
	defer b.Close()
	if b.Offset != from {
		return errs.New(errs.HubAnswer, 502, "The host delivers no parts, so that a download that is cut begins again.").At(f.Path).Try("use the other hub")
	}
	n, err := io.Copy(io.Discard, io.LimitReader(b, probeBytes+1))
	if err != nil {
		return cutOff(ctx, f.Path, err)
	}
	if n != f.Bytes-from {
		return errs.New(errs.HubAnswer, 502, "The end of the file has %d bytes where %d were asked for.", n, f.Bytes-from).At(f.Path).Try("try again later")
	}
	return nil
}
