package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"qwill/app/chat"
	"qwill/app/paths"
	"qwill/app/wire"
)

func TestChats(t *testing.T) {
	t.Setenv(paths.HomeVariable, t.TempDir())
	a, err := wire.Open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, q := range []string{"What is a quill?", "去海港怎么走？"} {
		c, err := a.Chats.Continue(t.Context(), q, "An answer\x1b[31m about 羽毛 feathers.", "")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	good := func(args ...string) string {
		t.Helper()
		code, out, errOut := run(t, "", append([]string{"chats"}, args...)...)
		if code != exitOK || errOut != "" {
			t.Errorf("%v: exit %d, stderr %q", args, code, errOut)
		}
		return out
	}
	if out := good("list"); !strings.Contains(out, ids[0]) || !strings.Contains(out, "去海港怎么走？") || strings.Index(out, ids[1]) > strings.Index(out, ids[0]) {
		t.Errorf("list: %q", out)
	}
	var list []chat.Summary
	if err := json.Unmarshal([]byte(good("list", "--json")), &list); err != nil || len(list) != 2 || list[0].Door != chat.DoorChat {
		t.Errorf("%+v %v", list, err)
	}
	if out := good("search", "海港"); !strings.Contains(out, ids[1]) || strings.Contains(out, ids[0]) {
		t.Errorf("search: %q", out)
	}
	var hits []chat.Hit
	if err := json.Unmarshal([]byte(good("search", "feath", "--json")), &hits); err != nil || len(hits) != 2 || len(hits[0].Parts) != 3 || hits[0].Parts[1].Text != "feathers" {
		t.Errorf("%+v %v", hits, err)
	}
	if out := good("search", "nothing"); out != "" {
		t.Errorf("search: %q", out)
	}
	if out := good("show", ids[0][:len(ids[0])-1]); !strings.HasPrefix(out, "# What is a quill?\n\n## user, ") || !strings.Contains(out, "An answer[31m about 羽毛") {
		t.Errorf("show: %q", out)
	}
	good("rm", ids[0])
	if out := good("list"); strings.Contains(out, ids[0]) {
		t.Errorf("after rm: %q", out)
	}
	for line, want := range map[string]int{"show " + ids[0]: exitFailure, "rm nothing": exitFailure, "search": exitUsage, "search --limit 0 x": exitUsage, "show": exitUsage} {
		if code, out, errOut := run(t, "", strings.Fields("chats "+line)...); code != want || out != "" || errOut == "" {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", line, code, out, errOut)
		}
	}
}
