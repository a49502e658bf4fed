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
	// Second is such an address of the other hub.
	Second *url.URL
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
	if named(h.Endpoint, u, host) || named(h.Second, u, host) {
		return true
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

// named says whether an address belongs to an endpoint that the user named.
func named(endpoint, u *url.URL, host string) bool {
	if endpoint == nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	mine := strings.ToLower(endpoint.Hostname())
	if loopback(mine) {
		return loopback(host)
	}
	return (u.Scheme == endpoint.Scheme || u.Scheme == "https") &&
		(host == mine || net.ParseIP(mine) == nil && strings.HasSuffix(host, "."+mine))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
