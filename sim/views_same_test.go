package sim

import (
	"reflect"
	"testing"
	"time"

	"logd/broker"
)

// A view differs in whatever field it differs: a list that is added must be compared too.
func TestSameViewKnowsEveryField(t *testing.T) {
	var kept broker.GroupView
	for _, field := range reflect.VisibleFields(reflect.TypeFor[broker.GroupView]()) {
		if field.Anonymous {
			continue // its fields come one by one
		}
		var v broker.GroupView
		if keepView(&kept, &v); !sameView(&kept, &v) {
			t.Fatalf("two empty views differ: %+v, %+v", kept, v)
		}
		switch f := reflect.ValueOf(&v).Elem().FieldByIndex(field.Index); f.Kind() {
		case reflect.Uint64:
			f.SetUint(1)
		case reflect.Int, reflect.Int32, reflect.Int64:
			f.SetInt(1)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("x")
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		default:
			t.Fatalf("field %s is of a kind that this test doesn't know", field.Name)
		}
		if sameView(&kept, &v) {
			t.Errorf("views that differ in field %s are taken for the same", field.Name)
		}
		if keepView(&kept, &v); !sameView(&kept, &v) {
			t.Errorf("a view with field %s isn't the same as its copy", field.Name)
		}
	}
}

// To leave out the views that did not change changes nothing.
func TestParanoidSeesNoMore(t *testing.T) {
	for seed := uint64(21); seed <= 24; seed++ {
		opt := Draw(seed, 15*time.Second)
		if some, all := Run(opt, Env{}), Run(opt, Env{Paranoid: true}); some.Hash != all.Hash || some.Counts != all.Counts || some.Marks != all.Marks || (some.Violation == nil) != (all.Violation == nil) {
			t.Errorf("seed %d: %s %v, and with all views %s %v", seed, some.Line(), some.Counts, all.Line(), all.Counts)
		}
	}
}
