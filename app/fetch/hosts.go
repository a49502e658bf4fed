package fetch

import (
	"net"
	"net/url"
	"strings"
)

// Hosts is the list of hosts that may be connected to.
type Hosts struct {
	// Names of HTTPS hosts; one that begins with a dot stands for all below it.
	Names []string
	// Endpoint is a mirror that the user named: its host and those below it, in
	// its own scheme. One on this machine may send on within this machine.
	Endpoint *url.URL
}

// Allow says whether an address may be connected to.
func (h Hosts) Allow(u *url.URL) bool {
	if u.User != nil || u.Opaque != "" {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "" {
		return false
	}
	if h.Endpoint != nil {
		mine := strings.ToLower(h.Endpoint.Hostname())
		if loopback(mine) {
			if loopback(host) && (u.Scheme == "http" || u.Scheme == "https") {
				return true
			}
		} else if u.Scheme == h.Endpoint.Scheme || u.Scheme == "https" {
			if host == mine || net.ParseIP(mine) == nil && strings.HasSuffix(host, "."+mine) {
				return u.Scheme == "http" || u.Scheme == "https"
			}
		}
	}
	if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
		return false
	}
	for _, name := range h.Names {
		if host == name || strings.HasPrefix(name, ".") && strings.HasSuffix(host, name) {
			return true
		}
	}
	return false
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
