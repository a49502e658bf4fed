package cli

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qwill/app/fetch/hubtest"
	"qwill/app/keychain/keychaintest"
)

// internet is a proxy on loopback that plays the hosts of the real hub over TLS:
// whatever host is asked for, its own hub answers.
type internet struct {
	URL         string // of the proxy
	Certificate string // file with the authority that vouches for its hosts

	mu       sync.Mutex
	connects []string            // hosts that the proxy was asked to connect to
	tokens   map[string][]string // Authorization, by the host that it came to
	leaked   []string            // Authorization that the proxy itself saw
}

// sendOn is where the hub sends files to.
const sendOn = "https://cas-bridge.xethub.hf.co"

func newInternet(t *testing.T, hub *hubtest.Hub) *internet {
	t.Helper()
	n := &internet{tokens: map[string][]string{}, Certificate: filepath.Join(t.TempDir(), "ca.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		DNSNames: []string{"huggingface.co", "*.xethub.hf.co", "hf-mirror.com", "*.huggingface.co"}}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.Certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	cdn, err := url.Parse(strings.Replace(hub.CDN, "localhost", "127.0.0.1", 1))
	if err != nil {
		t.Fatal(err)
	}
	first, err := url.Parse(hub.URL)
	if err != nil {
		t.Fatal(err)
	}
	hub.CDN = sendOn
	hosts := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		n.mu.Lock()
		n.tokens[r.In.Host] = append(n.tokens[r.In.Host], r.In.Header.Get("Authorization"))
		n.mu.Unlock()
		r.SetURL(first)
		if r.In.Host == "cas-bridge.xethub.hf.co" {
			r.SetURL(cdn)
		}
	}})
	hosts.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	hosts.StartTLS()
	t.Cleanup(hosts.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.connects = append(n.connects, r.Method+" "+r.Host)
		if a := r.Header.Get("Authorization"); a != "" {
			n.leaked = append(n.leaked, a)
		}
		n.mu.Unlock()
		there, err := net.Dial("tcp", hosts.Listener.Addr().String())
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "CONNECT only", http.StatusBadGateway)
			return
		}
		here, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			there.Close()
			return
		}
		_, _ = here.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() { _, _ = bufio.NewReader(buffered).WriteTo(there); there.Close() }()
		go func() { _, _ = bufio.NewReader(there).WriteTo(here); here.Close() }()
	}))
	t.Cleanup(proxy.Close)
	n.URL = proxy.URL
	return n
}

// through gives runs of the program that reach the network by the proxy alone.
func (n *internet) through(t *testing.T, more ...string) func(args ...string) *exec.Cmd {
	t.Helper()
	hub := &hubtest.Hub{}
	base := puller(t, hub, t.TempDir())
	return func(args ...string) *exec.Cmd {
		cmd := base(args...)
		cmd.Env = append(cmd.Env, "HF_ENDPOINT=", "MODELSCOPE_ENDPOINT=", "HF_TOKEN=", "no_proxy=", "NO_PROXY=", "HTTPS_PROXY="+n.URL, "https_proxy="+n.URL,
			"SSL_CERT_FILE="+n.Certificate, "SSL_CERT_DIR=/nonexistent", "DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR="+t.TempDir())
		cmd.Env = append(cmd.Env, more...)
		return cmd
	}
}

// The real hosts' names, over TLS and a proxy: the token reaches the hub, and
// neither the proxy nor the host that the hub sends on to. A mirror gets none.
func TestTokenThroughProxy(t *testing.T) {
	secrets, err := keychaintest.New()
	if err != nil {
		t.Fatal(err)
	}
	defer secrets.Close()
	for name, c := range map[string]struct {
		environment []string
		keep        bool // the token is in the keychain
		hub, want   string
	}{
		"environment":          {[]string{"HF_TOKEN=hf_secret"}, false, "huggingface.co", "Bearer hf_secret"},
		"keychain":             {[]string{"DBUS_SESSION_BUS_ADDRESS=" + secrets.Address}, true, "huggingface.co", "Bearer hf_kept"},
		"environment is first": {[]string{"HF_TOKEN=hf_secret", "DBUS_SESSION_BUS_ADDRESS=" + secrets.Address}, true, "huggingface.co", "Bearer hf_secret"},
		"none":                 {nil, false, "huggingface.co", ""},
		"mirror":               {[]string{"HF_ENDPOINT=https://hf-mirror.com", "HF_TOKEN=hf_secret", "DBUS_SESSION_BUS_ADDRESS=" + secrets.Address}, true, "hf-mirror.com", ""},
	} {
		t.Run(name, func(t *testing.T) {
			hub := newHub(t)
			n := newInternet(t, hub)
			q := n.through(t, c.environment...)
			if c.keep {
				cmd := q("models", "token", "--set")
				cmd.Stdin = strings.NewReader("hf_kept\n")
				if code, out, errOut := output(t, cmd); code != 0 || !strings.Contains(out, "token is in") {
					t.Fatalf("%d %q %q", code, out, errOut)
				}
			}
			code, out, errOut := output(t, q("models", "pull", tinyRepo))
			if code != 0 || !strings.HasPrefix(out, "qwen3-0.6b-4bit\t") {
				t.Fatalf("%d %q %q", code, out, errOut)
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			if len(n.tokens[c.hub]) == 0 || len(n.tokens["cas-bridge.xethub.hf.co"]) == 0 || len(n.tokens) != 2 {
				t.Fatalf("asked %v", n.tokens)
			}
			for _, got := range n.tokens[c.hub] {
				if got != c.want {
					t.Errorf("the hub was sent %q, not %q", got, c.want)
				}
			}
			for _, got := range n.tokens["cas-bridge.xethub.hf.co"] {
				if got != "" {
					t.Errorf("where the hub sent on to got %q", got)
				}
			}
			if len(n.leaked) != 0 || len(n.connects) == 0 {
				t.Errorf("the proxy saw %q of %q", n.leaked, n.connects)
			}
			for _, c := range n.connects {
				if !strings.HasPrefix(c, "CONNECT ") {
					t.Errorf("asked the proxy: %s", c)
				}
			}
		})
	}
}

// The keychain's entry comes and goes by the command.
func TestTokenCommand(t *testing.T) {
	secrets, err := keychaintest.New()
	if err != nil {
		t.Fatal(err)
	}
	defer secrets.Close()
	home := t.TempDir()
	run := func(in string, args ...string) (int, string, string) {
		cmd := program(t, home, append([]string{"models", "token"}, args...)...)
		cmd.Env = append(cmd.Env, "DBUS_SESSION_BUS_ADDRESS="+secrets.Address, "HF_TOKEN=")
		cmd.Stdin = strings.NewReader(in)
		return output(t, cmd)
	}
	for _, step := range []struct {
		in, arg, want string
		code          int
	}{{"", "", "There is no token.", 0}, {" \n", "--set", "This is no token.", 1}, {"hf_a\n", "--set", "in the keychain", 0}, {"", "", "in the keychain", 0},
		{"", "--remove", "There is no token.", 0}, {"", "--remove", "There is no token.", 0}} {
		args := []string{}
		if step.arg != "" {
			args = append(args, step.arg)
		}
		code, out, errOut := run(step.in, args...)
		if code != step.code || !strings.Contains(out+errOut, step.want) || strings.Contains(out+errOut, "hf_a") {
			t.Errorf("%q: %d %q %q", step.arg, code, out, errOut)
		}
	}
}
