package guard

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"qwill/app/errs"
)

// Clients that send a byte a second are cut off in time; it takes that time.
func TestSlowClients(t *testing.T) {
	if os.Getenv("QWILL_SOAK") == "" {
		t.Skip("takes half a minute: set QWILL_SOAK=1")
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := ReadJSON(w, r, 1000); err != nil {
			w.WriteHeader(errs.From(err).Status)
		}
	}))
	go s.Serve(l)
	t.Cleanup(func() { s.Close() }) // after the parallel parts
	for name, c := range map[string]struct {
		head  string
		limit time.Duration
		want  string
	}{
		"header": {"POST / HTTP/1.1\r\nHost: x\r\nX: ", HeaderTime, "HTTP/1.1 408"},
		"body":   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n", BodyTime, "HTTP/1.1 408"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			start := time.Now()
			fmt.Fprint(conn, c.head)
			go func() {
				for {
					time.Sleep(time.Second)
					if _, err := conn.Write([]byte("1")); err != nil {
						return
					}
				}
			}()
			conn.SetReadDeadline(start.Add(c.limit + 10*time.Second))
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil && err != io.EOF {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			if d := time.Since(start); d > c.limit+5*time.Second || d < c.limit/2 {
				t.Errorf("cut off after %v", d)
			}
			if line != "" && line[:len(c.want)] != c.want {
				t.Errorf("answered %q", line)
			}
		})
	}
}
