package broker

import (
	"strings"
	"testing"
)

func BenchmarkCheckRecords(b *testing.B) {
	for _, size := range []int{100, 1024, 16384} {
		b.Run(decimal(int32(size)), func(b *testing.B) {
			var records []testRecord
			for range 65536 / size {
				records = append(records, testRecord{value: strings.Repeat("v", size), timestamp: 1000})
			}
			batch := testBatch{records: records}.bytes(b)
			b.SetBytes(int64(len(batch)))
			for b.Loop() {
				if _, no := checkRecords(batch, someRules()); no.is() {
					b.Fatal(no)
				}
			}
		})
	}
}
