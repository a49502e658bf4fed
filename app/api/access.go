package api

import (
	"net/http"
	"strings"

	"qwill/app/api/guard"
	"qwill/app/errs"
)

const cookieName = "qwill_token"

// authorized asks for the token below /api/ and at the first page load, which
// exchanges it for a cookie that scripts cannot read.
func (a *api) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.Query().Has("token") {
			if !guard.Same(r.URL.Query().Get("token"), a.Token) {
				page(w, http.StatusUnauthorized, "This address's token is not valid.", "Open the newest address that qwill printed.")
				return
			}
			http.SetCookie(w, &http.Cookie{Name: cookieName, Value: a.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Referrer-Policy", "no-referrer")
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") && !a.knows(r) {
			fail(w, r, errs.New(errs.Unauthorized, 401, "The access token is missing or not valid.").
				Try("open the address that qwill printed, with its token"))
			return
		}
		if r.URL.Path == "/" && !a.knows(r) {
			page(w, http.StatusUnauthorized, "Qwill needs its access token.", "Open the address that qwill printed, with its token.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *api) knows(r *http.Request) bool {
	if token := guard.Bearer(r); token != "" {
		return guard.Same(token, a.Token)
	}
	// Several may be there: another Qwill on another port sets the same name.
	for _, c := range r.CookiesNamed(cookieName) {
		if guard.Same(c.Value, a.Token) {
			return true
		}
	}
	return false
}
