package sim

import (
	"reflect"
	"testing"

	"logd/broker"
)

// A view that differs in any field isn't the same, so that every change is checked.
func TestSameViewComparesAll(t *testing.T) {
	fields := reflect.TypeFor[broker.GroupView]()
	for i := range fields.NumField() {
		var a, b broker.GroupView
		switch f := reflect.ValueOf(&b).Elem().Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int, reflect.Int32, reflect.Int64:
			f.SetInt(1)
		case reflect.Uint64:
			f.SetUint(1)
		case reflect.String:
			f.SetString("x")
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		default:
			t.Fatalf("%s is of a kind that this test doesn't know", fields.Field(i).Name)
		}
		if sameView(&a, &b) {
			t.Errorf("%s isn't compared", fields.Field(i).Name)
		}
	}
}
