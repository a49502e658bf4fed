package api

import (
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// static serves the built page. Every address without a file's ending is the
// page itself.
func (a *api) static() http.Handler {
	var files http.Handler
	if a.Static != nil {
		files = http.FileServerFS(a.Static)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			page(w, http.StatusMethodNotAllowed, "This address can only be read.", "")
			return
		}
		if files == nil || !exists(a.Static, "index.html") {
			page(w, http.StatusServiceUnavailable, "The interface has not been built.", "Run make build, then start qwill again.")
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		switch {
		case name == "", name == "index.html", path.Ext(name) == "":
			a.index(w, r)
		case exists(a.Static, name):
			if strings.HasPrefix(name, "assets/") { // named by their content
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			files.ServeHTTP(w, r)
		default:
			page(w, http.StatusNotFound, "There is no such file.", "")
		}
	})
}

func (a *api) index(w http.ResponseWriter, r *http.Request) {
	b, err := fs.ReadFile(a.Static, "index.html")
	if err != nil {
		page(w, http.StatusInternalServerError, "The interface cannot be read.", err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	if r.Method != http.MethodHead {
		_, _ = w.Write(b)
	}
}

func exists(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && !info.IsDir()
}

// page answers a person, not the page's code, with one sentence.
func page(w http.ResponseWriter, status int, title, hint string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><html lang=en><meta charset=utf-8><title>Qwill</title><h1>%s</h1><p>%s</p></html>\n", html.EscapeString(title), html.EscapeString(hint))
}
