package sim

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// Every option has a name in stories, and is read as it was written.
func TestOptionsAreListed(t *testing.T) {
	fields := map[string]bool{}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				walk(path+"."+faultTable[i].name, v.Index(i))
			}
		default:
			fields[path[1:]] = true
		}
	}
	var o Options
	walk("", reflect.ValueOf(o))
	for _, at := range o.all() {
		if !fields[at.name] {
			t.Errorf("%s is listed, and there is none", at.name)
		}
		delete(fields, at.name)
	}
	if len(fields) > 0 {
		t.Errorf("not listed: %v", fields)
	}
}

func TestOptionsAreReadAsWritten(t *testing.T) {
	for seed := range uint64(100) {
		drawn := Draw(seed, time.Minute)
		var again Options
		for _, at := range drawn.all() {
			if err := again.setOption(at.name + "=" + at.String()); err != nil {
				t.Fatal(err)
			}
		}
		if again != drawn {
			t.Fatalf("seed %d: %v\nread as %v", seed, &drawn, &again)
		}
		told := storyOptions()
		for _, line := range drawn.Lines() {
			for _, word := range strings.Fields(line)[1:] {
				if err := told.setOption(word); err != nil {
					t.Fatal(err)
				}
			}
		}
		if told != drawn {
			t.Fatalf("seed %d: %v\ntold as %v", seed, &drawn, &told)
		}
	}
}
