package host

import "testing"

func TestCause(t *testing.T) {
	const log = "time=2026-11-23T04:00:00Z level=INFO msg=\"model open\"\n"
	for _, c := range []struct{ name, stderr, want string }{
		{"nothing", "", ""},
		{"only its log", log + log, ""},
		{"a warning before the log goes on", "libfoo: cannot load bar\n" + log, "libfoo: cannot load bar"},
		{"a Go panic with its trace", log + "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n", "panic: boom"},
		{"a C++ exception, unfinished line", log + "terminate called after throwing\n  what():  bad", "what():  bad"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s stderrLog
			if _, err := s.Write([]byte(c.stderr)); err != nil {
				t.Fatal(err)
			}
			if got := s.Cause(); got != c.want {
				t.Errorf("cause is %q, want %q", got, c.want)
			}
		})
	}
}
