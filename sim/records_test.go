package sim

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"logd/log"
)

func TestRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []byte
		var want, got []string
		next := int64(rapid.IntRange(0, 1000).Draw(t, "first"))
		for b := range rapid.IntRange(1, 4).Draw(t, "batches") {
			var values []string
			for i := range rapid.IntRange(1, 9).Draw(t, "records") {
				values = append(values, fmt.Sprintf("%d.%d", b, i))
			}
			batch := encodeBatch(values, rapid.IntRange(0, 300).Draw(t, "size"), epoch)
			log.Stamp(batch, next, 7)
			for i, v := range values {
				want = append(want, fmt.Sprintf("%d=%s", next+int64(i), v))
			}
			next += int64(len(values))
			all = append(all, batch...)
		}
		err := decodeBatches(all, func(off int64, value []byte) { got = append(got, fmt.Sprintf("%d=%s", off, nameOf(value))) })
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("decoded %v, expected %v: %v", got, want, err)
		}
	})
}

// A changed byte of a value is seen, whoever computed a fitting checksum for it.
func TestNameOfSeesEveryByte(t *testing.T) {
	value := appendValue(nil, "3.14", 50)
	for i := range value {
		changed := bytes.Clone(value)
		changed[i] ^= 1
		if name := nameOf(changed); name == "3.14" {
			t.Fatalf("byte %d changed and the value is still %s", i, name)
		}
	}
	if name := nameOf(value); name != "3.14" {
		t.Fatalf("the value is %s", name)
	}
}
