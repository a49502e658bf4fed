package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestObject(t *testing.T) {
	data := []byte(" {\"a\": 1 , \"b\":{\"c\":[1,\"]}\"]},\n\"d\\\"\\u0041\" : \"x\\\\\" ,\"e\":[],\"f\":null}\n")
	if err := Check(data, 1000, 3); err != nil {
		t.Fatal(err)
	}
	got, err := Object(data)
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{{"a", "1"}, {"b", `{"c":[1,"]}"]}`}, {`d"A`, `"x\\"`}, {"e", "[]"}, {"f", "null"}}
	if len(got) != len(want) {
		t.Fatalf("%d members, want %d", len(got), len(want))
	}
	for i, m := range got {
		if m.Key != want[i][0] || string(m.Value) != want[i][1] {
			t.Errorf("member %d is %q: %s, want %q: %s", i, m.Key, m.Value, want[i][0], want[i][1])
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`{"a":1`, "not valid JSON"},
		{`{"a":1}{}`, "not valid JSON"},
		{"{\"a\":\"\xff\"}", "UTF-8"},
		{`{"a":1,"a":2}`, `"a" is given twice`},
		{`{"a":1,"\u0061":2}`, `"a" is given twice`},
		{`[[[[1]]]]`, "levels deep"},
		{`"` + strings.Repeat("x", 100) + `"`, "more than the limit"},
		{`"x"`, "a string where an object is wanted"},
	} {
		err := Check([]byte(c.data), 100, 3)
		if err == nil {
			_, err = Object([]byte(c.data))
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: error %v, want one with %q", c.data, err, c.want)
		}
	}
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":{"b":[1,2,{"c":"}"}]},"d":-1.5e3}`, `{"a":1,"a":2}`, `[1]`, ` {"\"" : true } `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if Check(data, 1<<16, 16) != nil {
			return
		}
		got, err := Object(data)
		var want map[string]json.RawMessage
		if json.Unmarshal(data, &want) != nil || want == nil {
			if err == nil && Kind(data) != "an object" {
				t.Fatalf("%q accepted as an object", data)
			}
			return
		}
		if err != nil {
			return // a key given twice
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d members, encoding/json has %d", data, len(got), len(want))
		}
		for _, m := range got {
			if !reflect.DeepEqual(m.Value, want[m.Key]) {
				t.Fatalf("%q: member %q is %q, encoding/json has %q", data, m.Key, m.Value, want[m.Key])
			}
		}
	})
}
