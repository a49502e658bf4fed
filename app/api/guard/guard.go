// Package guard keeps the loopback servers to this machine and its user: where
// they listen, which Host and Origin they answer, how large and how slow a
// request may be.
package guard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"qwill/app/errs"
)

// Limits of a request.
const (
	HeaderBytes = 64 << 10
	HeaderTime  = 10 * time.Second
	BodyTime    = 30 * time.Second // for the whole body
	WriteTime   = 30 * time.Second // for each write of an answer
	IdleTime    = 2 * time.Minute
)

// Listen opens a port on a loopback address such as 127.0.0.1:8080 or [::1]:0.
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, errs.InvalidField("addr", "%q is not an address.", addr).Try("write it as 127.0.0.1:8080")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return nil, errs.InvalidField("addr", "%q is not a port.", port).Try("choose a number from 1024 to 65535, or 0 for any free one")
	}
	if !loopbackName(host) {
		return nil, errs.InvalidField("addr", "%q is not an address of this machine alone.", host).
			Try("use 127.0.0.1 or [::1]; Qwill does not serve other machines")
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, errs.New(errs.PortInUse, 409, "Port %s is in use by another program.", port).At(addr).
			Try("stop that program or choose another port with --addr 127.0.0.1:0").Because(err)
	case errors.Is(err, syscall.EACCES):
		return nil, errs.New(errs.PortInUse, 403, "Port %s may not be opened by this user.", port).At(addr).
			Try("choose a port above 1023").Because(err)
	case err != nil:
		return nil, errs.New(errs.PortInUse, 500, "The address cannot be opened: %v.", err).At(addr).
			Try("use 127.0.0.1 and another port").Because(err)
	}
	return l, nil
}

func loopbackName(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip.Zone() == ""
}

// Server gives h the time limits that slow or silent clients need.
func Server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: HeaderTime, IdleTimeout: IdleTime, MaxHeaderBytes: HeaderBytes}
}

// Local passes only requests that name this very server as Host, and that no
// foreign page sent. A page that rebinds its name to 127.0.0.1 fails here.
func Local(refuse func(http.ResponseWriter, *http.Request, *errs.Error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ownHost(r) {
			refuse(w, r, errs.New(errs.Forbidden, 403, "This server answers only under its own loopback address.").At("Host"))
			return
		}
		if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && !ownOrigin(origins[0], r.Host) {
			refuse(w, r, errs.New(errs.Forbidden, 403, "Another site's page may not use this server.").At("Origin"))
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			refuse(w, r, errs.New(errs.Forbidden, 403, "Another site's page may not use this server.").At("Sec-Fetch-Site"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func ownHost(r *http.Request) bool {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.Trim(r.Host, "[]"), "80"
	}
	if !loopbackName(host) {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	_, own, err := net.SplitHostPort(local.String())
	return err == nil && port == own
}

func ownOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && u.Host == host && u.Path == ""
}

// Same compares two secrets in a time that tells nothing of either.
func Same(given, secret string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret))
	return secret != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Bearer gives the token of the Authorization header, or "".
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
