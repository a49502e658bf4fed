package api

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"qwill/app/errs"
	"qwill/app/transfer"
)

// exportChats answers with a file. It is written to the cache first, so that a
// failure still has a status.
func (a *api) exportChats(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	var ids []string
	if text := q.Get("ids"); text != "" {
		ids = strings.Split(text, ",")
	}
	f, err := a.Transfer.Export(r.Context(), q.Get("format"), ids)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(a.Transfer.Cache, "export-*.tmp")
	if err != nil {
		return fmt.Errorf("keep the export: %w", err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if err := f.Write(r.Context(), out); err != nil {
		return err
	}
	size, err := out.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", f.Media)
	h.Set("Content-Disposition", disposition(f.Name))
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Cache-Control", "no-store")
	_, _ = io.Copy(w, out) // the reader may have gone
	return nil
}

// disposition offers a file's name; readers that know only ASCII get a plain
// one.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, name)
	if strings.TrimSuffix(plain, filepath.Ext(plain)) == "" {
		plain = "chat" + filepath.Ext(name)
	}
	return fmt.Sprintf(`attachment; filename="%s"; filename*=UTF-8''%s`, plain, url.PathEscape(name))
}

// saveChats writes an export to a path that the system's dialog gave.
func (a *api) saveChats(w http.ResponseWriter, r *http.Request) error {
	if !a.Native {
		return errs.New(errs.Forbidden, 403, "Only Qwill's own window writes files to a path.").Try("download the export instead")
	}
	var in struct {
		Path   string   `json:"path"`
		Format string   `json:"format"`
		IDs    []string `json:"ids"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if err := a.Transfer.ExportTo(r.Context(), in.Path, in.Format, in.IDs); err != nil {
		return err
	}
	return empty(w)
}

// importChats reads the file that is the request's body.
func (a *api) importChats(w http.ResponseWriter, r *http.Request) error {
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/octet-stream", "application/json", "application/zip":
	default:
		return errs.New(errs.MediaType, http.StatusUnsupportedMediaType, "The request is not a file.").At("Content-Type").
			Try("send Content-Type: application/octet-stream")
	}
	if r.ContentLength > transfer.FileLimit {
		return errs.From(&http.MaxBytesError{Limit: transfer.FileLimit})
	}
	name := filepath.Base(r.URL.Query().Get("name"))
	if name == "." || name == "/" {
		name = "file"
	}
	result, err := a.Transfer.ImportStream(r.Context(), http.MaxBytesReader(w, r.Body, transfer.FileLimit), name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, result)
}
