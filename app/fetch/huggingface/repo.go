// Package huggingface speaks the Hugging Face Hub's HTTP API: what files a
// repository has at which commit, with the hub's own hashes, and their bytes.
// Written from the sources of huggingface_hub and the hub's documentation; it
// was never run against the live hub (docs/models.md).
package huggingface

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"qwill/app/errs"
	"qwill/app/fetch"
)

// The hub, and the hosts that deliver its files.
const host = "huggingface.co"

// Hosts are where the hub and its redirects lead: the LFS and Xet bridges
// (cdn-lfs*.huggingface.co, *.hf.co, also cas-bridge.xethub.hf.co).
var Hosts = []string{host, ".huggingface.co", ".hf.co"}

// Variables of the environment, as huggingface_hub reads them.
const (
	EndpointVariable = "HF_ENDPOINT"
	TokenVariable    = "HF_TOKEN"
)

// Endpoint gives the mirror that the environment names, nil for the hub itself.
func Endpoint() (*url.URL, error) {
	v := strings.TrimRight(strings.TrimSpace(os.Getenv(EndpointVariable)), "/")
	if v == "" {
		return nil, nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, errs.New(errs.Invalid, http.StatusBadRequest, "%s is no address of a hub.", EndpointVariable).At(EndpointVariable).
			Try("set it to an address such as https://hf-mirror.com, or leave it out")
	}
	if strings.EqualFold(u.Hostname(), host) && u.Scheme == "https" {
		return nil, nil
	}
	return u, nil
}

// AllowedHosts is the list for the environment's endpoint.
func AllowedHosts() (fetch.Hosts, error) {
	e, err := Endpoint()
	return fetch.Hosts{Names: Hosts, Endpoint: e}, err
}

// Repo names a repository at a revision.
type Repo struct {
	Owner, Name string
	Revision    string // branch, tag or commit; "" is main
}

func (r Repo) String() string { return r.Owner + "/" + r.Name }

// part is what the hub allows in an owner or a name.
var part = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?$`)

// ParseRepo reads owner/name, or the address of a repository's page on the hub
// or the environment's mirror, with /tree/REVISION behind it or not.
func ParseRepo(text string) (Repo, error) {
	bad := func(why string) (Repo, error) {
		return Repo{}, errs.InvalidField("repo", "%.120q names no repository: %s.", text, why).
			Try("give it as owner/name, or paste the address of its page on huggingface.co")
	}
	s := strings.TrimSpace(text)
	address := strings.Contains(s, "://")
	if !address && (strings.HasPrefix(s, host+"/") || strings.HasPrefix(s, "hf.co/") || strings.HasPrefix(s, "www."+host+"/")) {
		s, address = "https://"+s, true
	}
	if address {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
			return bad("the address is malformed")
		}
		switch h := strings.ToLower(u.Hostname()); h {
		case host, "www." + host, "hf.co":
		default:
			e, err := Endpoint()
			if err != nil || e == nil || !strings.EqualFold(e.Host, u.Host) {
				return bad("it is on another site")
			}
		}
		s = strings.Trim(u.EscapedPath(), "/")
	}
	parts := strings.Split(s, "/")
	if len(parts) < 2 {
		return bad("the owner is missing")
	}
	switch parts[0] {
	case "datasets", "spaces", "api", "docs", "collections":
		return bad("it is no model's")
	}
	r := Repo{Owner: parts[0], Name: parts[1]}
	if !part.MatchString(r.Owner) || !part.MatchString(r.Name) || strings.Contains(r.Name, "--") || strings.Contains(r.Name, "..") {
		return bad("owner and name hold letters, digits, dots, dashes and underscores only")
	}
	rest := parts[2:]
	if len(rest) == 0 {
		return r, nil
	}
	if !address || len(rest) < 2 && rest[0] != "tree" || rest[0] != "tree" && rest[0] != "blob" && rest[0] != "resolve" {
		return bad("there is too much behind the name")
	}
	if len(rest) > 1 {
		revision, err := url.PathUnescape(rest[1])
		if err != nil {
			return bad("its revision is malformed")
		}
		r.Revision = revision
	}
	return r, CheckRevision(r.Revision)
}

var revision = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$`)

// CheckRevision refuses what cannot be a branch, tag or commit; "" is main.
func CheckRevision(s string) error {
	if s != "" && (!revision.MatchString(s) || strings.Contains(s, "..") || strings.Contains(s, "//")) {
		return errs.InvalidField("revision", "%.120q is no revision.", s).Try("give a branch, a tag or a commit")
	}
	return nil
}
