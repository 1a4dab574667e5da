package transport

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// AppendFetch encodes a Fetch response whose record payloads stay where they are: records has for each partition, in the
// order of resp, the slices that together are its record batches (none is an empty set of records, never null). The slices returned are the frame's bytes in order;
// those of records are among them, not copied. resp's own RecordBatches must be unset, and is changed.
//
//	enc   head, partition ··· | 0 | tags, partition ··· | 0 | tags          as kmsg encodes it without records
//	out   head, partition ··· | n | ▒▒▒ | tags, partition ··· | n | ▒▒▒ ▒▒ | tags
func AppendFetch(corr int32, resp *kmsg.FetchResponse, records [][][]byte) [][]byte {
	partitions := 0
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			if p.RecordBatches != nil {
				panic(fmt.Sprintf("transport: partition %d of a fetch response brings its own %d bytes of records", p.Partition, len(p.RecordBatches)))
			}
			p.RecordBatches = []byte{}
			partitions++
		}
	}
	enc := resp.AppendTo(appendResponseHead(make([]byte, 0, 256+64*partitions), corr, resp))
	head := lenBytes + 4
	if flexibleHead(resp) {
		head++
	}
	end, blobs, err := responseShapes[resp.Key()].walk(enc[head:], resp.Version)
	if err != nil || head+end != len(enc) || len(blobs) != partitions || len(records) != partitions {
		panic(fmt.Sprintf("invariant T4: fetch response version %d: %d of %d bytes walked, %d fields of records, %d partitions, %d records: %v",
			resp.Version, head+end, len(enc), len(blobs), partitions, len(records), err))
	}
	return splice(enc, head, blobs, records, resp.IsFlexible())
}

// splice puts each partition's length and slices in the place of its empty field, which begins at head+blobs[i].
func splice(enc []byte, head int, blobs []int, records [][][]byte, flexible bool) [][]byte {
	count := 1
	for _, slices := range records {
		count += len(slices) + 1
	}
	out := make([][]byte, 0, count)
	own := make([]byte, 0, len(enc)+binary.MaxVarintLen32*len(blobs)) // never grows: slices of it are given out
	total, from, cut := 0, 0, 0                                       // own[cut:] is not in out yet
	for i, at := range blobs {
		own = append(own, enc[from:head+at]...)
		size := 0
		for _, s := range records[i] {
			size += len(s)
		}
		if flexible {
			own = binary.AppendUvarint(own, uint64(size)+1)
			from = head + at + 1
		} else {
			own = binary.BigEndian.AppendUint32(own, uint32(size))
			from = head + at + 4
		}
		if size == 0 {
			continue
		}
		out = append(out, own[cut:len(own):len(own)])
		out = append(out, records[i]...)
		cut, total = len(own), total+size
	}
	own = append(own, enc[from:]...)
	if cut < len(own) {
		out = append(out, own[cut:])
	}
	setLength(own, len(own)+total-lenBytes)
	return out
}
