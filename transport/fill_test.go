package transport

import (
	"math"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// fill draws every field of a kmsg message; its Version stays.
func fill(t *rapid.T, message any) { fillValue(t, reflect.ValueOf(message).Elem()) }

func fillValue(t *rapid.T, v reflect.Value) {
	if v.Type() == reflect.TypeFor[kmsg.Tags]() {
		if rapid.IntRange(0, 4).Draw(t, "tags") == 0 {
			tags := v.Addr().Interface().(*kmsg.Tags)
			for range rapid.IntRange(1, 2).Draw(t, "count") {
				tags.Set(uint32(rapid.IntRange(100, math.MaxInt32).Draw(t, "key")), rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "tag"))
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int8:
		v.SetInt(int64(rapid.Int8().Draw(t, "int8")))
	case reflect.Int16:
		v.SetInt(int64(rapid.Int16().Draw(t, "int16")))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int32")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int64"))
	case reflect.String:
		v.SetString(rapid.StringN(0, 150, 300).Draw(t, "string"))
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(rapid.Byte().Draw(t, "byte")))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "not null") {
			v.Set(reflect.New(v.Type().Elem()))
			fillValue(t, v.Elem())
		}
	case reflect.Slice:
		fillSlice(t, v)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" {
				fillValue(t, v.Field(i))
			}
		}
	default:
		t.Fatalf("no way to draw a %s", v.Type())
	}
}

func fillSlice(t *rapid.T, v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
		return
	}
	n := rapid.IntRange(-1, 3).Draw(t, "len")
	if n < 0 {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		fillValue(t, v.Index(i))
	}
}
