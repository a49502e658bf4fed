package hubtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// modelscope speaks the other hub's API over the same repositories.
func (h *Hub) modelscope(w http.ResponseWriter, r *http.Request, owner, name string, list bool) {
	path := r.URL.Query().Get("FilePath")
	if h.spoil(w, r, path) {
		return
	}
	repo := h.find(owner, name)
	if repo == nil || r.URL.Query().Get("Revision") != "master" {
		w.WriteHeader(http.StatusNotFound)
		reply(w, object{"Code": 10010205001, "Message": "not found"})
		return
	}
	if !list {
		b, ok := repo.files[path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if !repo.lfs[path] {
			h.deliver(w, r, path, b)
			return
		}
		q := url.Values{"repo": {owner + "/" + name}, "path": {path}, "X-Amz-Signature": {"secret-signature"}}
		http.Redirect(w, r, h.CDN+"/oss/"+repo.sums[path].sha256[:16]+"?"+q.Encode(), http.StatusFound)
		return
	}
	if _, bad := h.take("", BadCode); bad {
		reply(w, object{"Code": http.StatusInternalServerError, "Data": object{}})
		return
	}
	_, bare := h.take("", NoSHA)
	files := []object{{"Name": "figures", "Path": "figures", "Type": "tree"}}
	for _, p := range slices.Sorted(maps.Keys(repo.files)) {
		f := object{"Name": p, "Path": p, "Type": "blob", "Size": len(repo.files[p]), "Sha256": repo.sums[p].sha256}
		if bare {
			f["Sha256"] = ""
		}
		files = append(files, f)
	}
	if f, bad := h.take("", Hostile); bad {
		files = append(files, object{"Path": f.Path, "Type": "blob", "Size": 4, "Sha256": SHA256([]byte("evil"))})
	}
	reply(w, object{"Code": http.StatusOK, "Data": object{"Files": files}})
}
