package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"qwill/app/api"
	"qwill/app/chat"
	"qwill/app/search"
)

type answer map[string]any

func (a answer) id() string { return a["id"].(string) }

// ask sends a message and waits for the reply's end.
func (b *bench) ask(chatID, text string) (user, reply string) {
	b.t.Helper()
	var sent struct{ User, Reply answer }
	b.call("POST", "/api/chats/"+chatID+"/messages", fmt.Sprintf(`{"content":%q}`, text), 202, &sent)
	b.stream("GET", "/api/chats/"+chatID+"/stream", "", nil)
	return sent.User.id(), sent.Reply.id()
}

func contents(c answer) string {
	var all []string
	for _, m := range c["messages"].([]any) {
		m := m.(map[string]any)
		branch := m["branch"].(map[string]any)
		all = append(all, fmt.Sprintf("%s %v/%v", m["content"], branch["index"], branch["count"]))
	}
	return strings.Join(all, ", ")
}

func TestBranchRoutes(t *testing.T) {
	b := setup(t, nil)
	var c, got answer
	b.call("POST", "/api/chats", `{}`, 201, &c)
	path := "/api/chats/" + c.id()
	one, first := b.ask(c.id(), "one")
	var sent struct{ User, Reply answer }
	b.call("PUT", path+"/messages/"+one, `{"content":"eins"}`, 202, &sent)
	b.stream("GET", path+"/stream", "", nil)
	b.call("GET", path, "", 200, &got)
	if want := "eins 2/2, You said eins 1/1"; contents(got) != want {
		t.Errorf("got %s, want %s", contents(got), want)
	}
	b.call("POST", path+"/branch", `{"message":"`+one+`"}`, 200, &got)
	if want := "one 1/2, You said one 1/1"; contents(got) != want {
		t.Errorf("got %s, want %s", contents(got), want)
	}
	b.call("POST", path+"/regenerate", `{"message":"`+first+`","model":"m"}`, 202, nil)
	b.stream("GET", path+"/stream", "", nil)
	b.call("POST", path+"/continue", "", 202, &sent)
	if sent.Reply["status"] != "queued" || sent.Reply["content"] != "You said one" {
		t.Errorf("got %v", sent.Reply)
	}
	b.stream("GET", path+"/stream", "", nil)
	b.call("GET", path, "", 200, &got)
	// The speaker repeats the question, which is the open reply here.
	if want := "one 1/2, You said oneYou said You said one 2/2"; contents(got) != want {
		t.Errorf("got %s, want %s", contents(got), want)
	}
	var fork answer
	b.call("POST", path+"/fork", `{"message":"`+first+`"}`, 201, &fork)
	if want := "one 1/1, You said one 1/1"; contents(fork) != want || fork.id() == c.id() {
		t.Errorf("got %s, want %s", contents(fork), want)
	}
	b.call("DELETE", path+"/messages/"+one, "", 200, &got)
	if want := "eins 1/1, You said eins 1/1"; contents(got) != want {
		t.Errorf("got %s, want %s", contents(got), want)
	}
	for _, call := range [][2]string{{"POST", path + "/branch"}, {"POST", path + "/fork"}, {"POST", path + "/regenerate"}} {
		b.call(call[0], call[1], `{"message":"gone"}`, 404, nil)
	}
	b.call("DELETE", path+"/messages/gone", "", 404, nil)
	b.call("POST", "/api/chats/gone/continue", "", 404, nil)
	b.call("POST", path+"/regenerate", `{"model":"gone"}`, 404, nil)
	b.call("POST", path+"/branch", `{"message":7}`, 400, nil)
}

func TestManyAtOnce(t *testing.T) {
	b := setup(t, nil)
	var one, two, folder answer
	b.call("POST", "/api/chats", `{"title":"One"}`, 201, &one)
	b.call("POST", "/api/chats", `{"title":"Two","temporary":true}`, 201, &two)
	if two["temporary"] != true || two["door"] != "chat" || two["draft"] != "" || one["temporary"] != false {
		t.Errorf("got %v", two)
	}
	b.call("POST", "/api/folders", `{"name":"F"}`, 201, &folder)
	var list []answer
	b.call("PATCH", "/api/chats", fmt.Sprintf(`{"ids":[%q],"folder":%q,"pinned":true}`, one.id(), folder.id()), 200, &list)
	if len(list) != 1 || list[0]["folder"] != folder.id() || list[0]["pinned"] != true {
		t.Errorf("got %v", list)
	}
	b.call("PATCH", "/api/chats", fmt.Sprintf(`{"ids":[%q],"folder":%q}`, two.id(), folder.id()), 400, nil)
	both := fmt.Sprintf(`{"ids":[%q,%q]}`, one.id(), two.id())
	b.call("POST", "/api/chats/delete", both, 204, nil)
	b.call("GET", "/api/chats", "", 200, &list)
	if len(list) != 0 {
		t.Errorf("got %v", list)
	}
	b.call("GET", "/api/folders", "", 200, &list)
	if len(list) != 1 || list[0]["chats"] != 0.0 {
		t.Errorf("got %v", list)
	}
	b.call("POST", "/api/chats/restore", both, 200, &list)
	if len(list) != 2 {
		t.Errorf("got %v", list)
	}
	b.call("POST", "/api/chats/delete", `{"ids":[]}`, 400, nil)
	b.call("POST", "/api/chats/delete", `{"ids":["gone"]}`, 404, nil)
	b.call("DELETE", "/api/chats/"+one.id(), "", 204, nil)
	b.call("DELETE", "/api/chats/"+one.id(), "", 404, nil)
	b.call("PATCH", "/api/folders/"+folder.id(), `{"name":"G"}`, 200, &folder)
	if folder["name"] != "G" {
		t.Errorf("got %v", folder)
	}
	b.call("POST", "/api/folders", `{"name":"G"}`, 409, nil)
	b.call("DELETE", "/api/folders/"+folder.id(), "", 204, nil)
	b.call("DELETE", "/api/folders/"+folder.id(), "", 404, nil)
}

func TestPresetRoutes(t *testing.T) {
	b := setup(t, nil)
	var p, c answer
	b.call("POST", "/api/presets", `{"name":"Poet","system_prompt":"rhyme","sampling":{"temperature":0.5},"thinking":true,"model":""}`, 201, &p)
	b.call("PATCH", "/api/presets/"+p.id(), `{"system_prompt":"scan"}`, 200, &p)
	b.call("POST", "/api/chats", fmt.Sprintf(`{"preset":%q}`, p.id()), 201, &c)
	if c["system_prompt"] != "scan" || c["thinking"] != true || c["sampling"].(map[string]any)["temperature"] != 0.5 {
		t.Errorf("got %v", c)
	}
	var list []answer
	b.call("GET", "/api/presets", "", 200, &list)
	if len(list) != 1 || list[0]["name"] != "Poet" {
		t.Errorf("got %v", list)
	}
	b.call("POST", "/api/presets", `{"system_prompt":"x"}`, 400, nil)
	b.call("DELETE", "/api/presets/"+p.id(), "", 204, nil)
	b.call("GET", "/api/presets", "", 200, &list)
	if list == nil || len(list) != 0 {
		t.Errorf("got %v", list)
	}
}

func TestDraftRoutes(t *testing.T) {
	b := setup(t, nil)
	var c, draft answer
	b.call("POST", "/api/chats", `{}`, 201, &c)
	b.call("PUT", "/api/chats/"+c.id()+"/draft", `{"text":"unsent"}`, 204, nil)
	b.call("PUT", "/api/draft", `{"text":"neu"}`, 204, nil)
	b.call("GET", "/api/draft", "", 200, &draft)
	b.call("GET", "/api/chats/"+c.id(), "", 200, &c)
	if draft["text"] != "neu" || c["draft"] != "unsent" {
		t.Errorf("got %v and %v", draft, c["draft"])
	}
	b.call("PUT", "/api/chats/gone/draft", `{"text":"x"}`, 404, nil)
}

func TestSearchRoute(t *testing.T) {
	b := setup(t, nil)
	var c answer
	b.call("POST", "/api/chats", `{"title":"海港 walk"}`, 201, &c)
	user, _ := b.ask(c.id(), "the quiet harbour")
	var hits []chat.Hit
	b.call("GET", "/api/search?q=quiet+harb&limit=1", "", 200, &hits)
	if len(hits) != 1 || hits[0].Chat.ID != c.id() || len(hits[0].Parts) != 4 && len(hits[0].Parts) != 5 {
		t.Errorf("got %+v", hits)
	}
	hits = nil
	b.call("GET", "/api/search?q=%E6%B5%B7%E6%B8%AF", "", 200, &hits)
	if len(hits) != 1 || hits[0].Message != "" || hits[0].Parts[0] != (search.Part{Text: "海港", Hit: true}) {
		t.Errorf("got %+v", hits)
	}
	hits = nil
	b.call("GET", "/api/search?q=%22the+quiet%22", "", 200, &hits)
	if len(hits) != 2 || hits[0].Message != user && hits[1].Message != user {
		t.Errorf("got %+v", hits)
	}
	if _, _, text := b.do(b.request("GET", "/api/search?q=", "")); strings.TrimSpace(text) != "[]" {
		t.Errorf("got %s", text)
	}
	for _, bad := range []string{"limit=0", "limit=x", "limit=999", "q=" + strings.Repeat("x", 1001)} {
		b.call("GET", "/api/search?"+bad, "", 400, nil)
	}
}

// A chat of 500 messages, with as many on other branches, opens within three
// frames of the page.
func TestLongChatOpensFast(t *testing.T) {
	var chats *chat.Manager
	b := setup(t, func(c *api.Config) { chats = c.Chats })
	at := time.Now().UTC().Truncate(time.Millisecond)
	c := chat.Chat{Summary: chat.Summary{ID: "long", Title: "Long", Updated: at, Door: chat.DoorChat}, Created: at}
	var all []chat.Message
	parent := ""
	for i := range 500 {
		id := fmt.Sprint("m", i)
		for _, id := range []string{id + "x", id} { // the second one is shown
			all = append(all, chat.Message{ID: id, Parent: parent, Role: []string{chat.User, chat.Assistant}[i%2], Status: chat.Done, Created: at,
				Content: strings.Repeat(fmt.Sprintf("Sentence %d of it. ", i), 40), Stats: &chat.Stats{Finish: "stop", Seed: "1"}})
		}
		parent = id
	}
	c.Head = parent
	if err := chats.Adopt(t.Context(), []chat.Adopted{{Chat: c, Messages: all}}); err != nil {
		t.Fatal(err)
	}
	best := time.Hour // of some, as other work may come between
	for range 5 {
		started := time.Now()
		status, _, text := b.do(b.request("GET", "/api/chats/long", ""))
		best = min(best, time.Since(started))
		var got chat.Chat
		if err := json.Unmarshal([]byte(text), &got); status != 200 || err != nil || len(got.Messages) != 500 || got.Messages[499].Branch.Count != 2 {
			t.Fatalf("%d, %d messages, %v", status, len(got.Messages), err)
		}
	}
	t.Logf("500 of 1000 messages in %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("it took %v", best)
	}
}
