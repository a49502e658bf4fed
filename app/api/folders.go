package api

import "net/http"

type folderName struct {
	Name string `json:"name"`
}

func (a *api) listFolders(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Chats.Folders(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) createFolder(w http.ResponseWriter, r *http.Request) error {
	var in folderName
	if err := read(w, r, &in); err != nil {
		return err
	}
	f, err := a.Chats.CreateFolder(r.Context(), in.Name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, f)
}

func (a *api) renameFolder(w http.ResponseWriter, r *http.Request) error {
	var in folderName
	if err := read(w, r, &in); err != nil {
		return err
	}
	f, err := a.Chats.RenameFolder(r.Context(), r.PathValue("id"), in.Name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, f)
}

func (a *api) deleteFolder(w http.ResponseWriter, r *http.Request) error {
	if err := a.Chats.DeleteFolder(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return empty(w)
}
