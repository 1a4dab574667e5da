package checker

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzDecode: a line that the decoder takes, encoding/json takes for the same.
func FuzzDecode(f *testing.F) {
	for _, line := range []string{
		`{"id":1,"client":2,"session":3,"op":"append","part":"orders/0","call":-5,"ret":10,"outcome":"ok","values":["a","é€😀",""],"off":4}`,
		`{ "id" : 7 , "op":"read","part":"p","call":0,"ret":1,"outcome":"ok","from":3,"limit":2,"lin":false,"values":[ ],"offs":[] }`,
		`{"op":"fault","kind":"partition","target":"1-2","call":3,"node":"n1","n":null,"x":true,"y":-12}`,
		`{"op":"tail","part":"p","call":0,"ret":999999999999999999,"outcome":"unknown","off":0}`,
		`{"op":"tail","part":"p","call":0,"ret":1,"outcome":"ok","off":0,"off":1}`,
		`{"op":"tail","part":"p","call":0,"ret":1,"outcome":"ok","off":00}`,
		`{"op":"tail","part":"p","call":0,"ret":1.0,"outcome":"ok","OFF":0}`,
		`{"op":"commit","group":"g","call":0,"ret":1e3,"outcome":"fail","part":"a\"b"}`,
		`{"op":"read","part":"p","call":0,"ret":1,"outcome":"ok","from":0,"values":["a",]}`,
		`{"op":"read","part":"p","call":0,"ret":1,"outcome":"ok","from":0,"values":["a" "b"]}`,
		`{"op":"tail","part":"p","call":1,"ret":2,"outcome":"ok","off":3,}`,
		`{"op":"tail","part":"p","call":1,"ret":2,"outcome":"ok","off":3,"ſeſſion":4}`,
		`{"op":"read","part":"p","call":0,"ret":1,"outcome":"ok","from":0,"values":["a"],"poll":true,"beginning":false}`,
		`{"op":"trim","part":"p","call":0,"outcome":"unknown","from":3,"rebalanced":null}`,
		`{"op":"append","part":"p","call":0,"outcome":"unknown","values":["a"],"producer":7,"epoch":0,"seq":2147483647}`,
		`{"op":"append","part":"p","call":0,"outcome":"unknown","values":["a"],"producer":7,"seq":0}`,
		`{"op":"append","part":"p","call":0,"outcome":"fail","values":["a"],"producer":-1,"epoch":32768,"seq":0}`,
		`{"op":"tail","part":"p","call":0,"outcome":"fail","epoch":3}`,
		`{}`, `{"op":"crash","call":1}x`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if !utf8.ValidString(line) {
			return // Reader has refused it
		}
		var d decoder
		var fast Op
		if !d.decode(line, &fast) {
			return
		}
		var j jsonOp
		if err := json.Unmarshal([]byte(line), &j); err != nil {
			t.Fatalf("decoded, and encoding/json says %v", err)
		}
		slow, err := j.op()
		if err != nil {
			t.Fatalf("decoded, and not refused: %v", err)
		}
		if !reflect.DeepEqual(fast, slow) {
			t.Fatalf("decoded as %+v, by encoding/json as %+v", fast, slow)
		}
	})
}

// TestDecodeTakesTheUsual: what Writer writes needs no encoding/json, unless a
// string has escapes or there is a transaction in it.
func TestDecodeTakesTheUsual(t *testing.T) {
	for _, op := range []Op{
		{ID: 1, Client: 2, Session: 3, Kind: Append, Partition: "orders/0", Call: 1, Ret: 2, Outcome: OK, Values: []string{"a", "b"}, Off: 7},
		{ID: 1, Kind: Read, Partition: "p", Call: 1, Ret: 2, Outcome: OK, From: 3, Limit: 4, Lin: true, Values: []string{"a"}, Offs: []int64{9}},
		{ID: 1, Kind: Tail, Partition: "p", Call: 1, Outcome: Unknown},
		{ID: 1, Kind: Fault, Fault: "crash", Target: "1", Call: 5},
		{ID: 1, Kind: Commit, Partition: "p", Group: "g", Call: 5, Ret: 6, Outcome: OK, Off: 3},
		{ID: 1, Kind: Crash, Call: 5},
	} {
		var d decoder
		var got Op
		if line := string(appendOp(nil, &op)); !d.decode(line, &got) || !reflect.DeepEqual(got, op) {
			t.Errorf("%s is decoded as %+v", line, got)
		}
	}
}

// TestDecodeKnowsAllKeys: a key that jsonOp knows is none to be ignored.
func TestDecodeKnowsAllKeys(t *testing.T) {
	j := reflect.TypeFor[jsonOp]()
	for i := range j.NumField() {
		if name := j.Field(i).Tag.Get("json"); !slices.Contains(keyNames[:], name) {
			t.Errorf("the decoder takes %q for an unknown key", name)
		}
	}
}
