package api

import (
	"net/http"
	"strconv"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/search"
)

// searchHits is the number of hits where none is asked for.
const searchHits = 50

func (a *api) search(w http.ResponseWriter, r *http.Request) error {
	limit := searchHits
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > chat.SearchLimit {
			return errs.InvalidField("limit", "The limit is a number from 1 to %d.", chat.SearchLimit)
		}
		limit = n
	}
	q := r.URL.Query().Get("q")
	if len(q) > search.QueryLimit {
		return errs.InvalidField("q", "The search is longer than %d bytes.", search.QueryLimit)
	}
	hits, err := a.Chats.Search(r.Context(), q, limit)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, hits)
}
