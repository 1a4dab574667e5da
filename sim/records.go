package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"logd/log"
)

// A value on the wire is its name, a colon, and a filling that follows from the name: so each byte that comes back can be
// checked, and the history holds names only.
const fillMark = ':'

// appendValue appends a value of size bytes, or of its name's length where that is longer.
func appendValue(dst []byte, name string, size int) []byte {
	dst = append(append(dst, name...), fillMark)
	for n := size - len(name) - 1; n > 0; {
		part := filling(name)
		part = part[:min(n, len(part))]
		dst, n = append(dst, part...), n-len(part)
	}
	return dst
}

// alphabet is what fillings are cut from.
var alphabet = strings.Repeat("abcdefghijklmnopqrstuvwxyz", 20)

func filling(name string) string { return alphabet[name[len(name)-1]%26:][:26*19] }

// nameOf is the inverse; bytes that no client sent come back as a name that none has.
func nameOf(value []byte) string {
	i := bytes.IndexByte(value, fillMark)
	if i < 1 {
		return fmt.Sprintf("not a value: %q", value)
	}
	name := string(value[:i])
	want := filling(name)
	for rest := value[i+1:]; len(rest) > 0; {
		n := min(len(rest), len(want))
		if string(rest[:n]) != want[:n] {
			return fmt.Sprintf("%s changed in its last %d bytes", name, len(rest))
		}
		rest = rest[n:]
	}
	return name
}

// encodeBatch makes a record batch (KIP-98) without compression, producer or keys, of records of one time.
func encodeBatch(values []string, size int, wall int64) []byte {
	return encodeStamped(values, size, func(string) int64 { return wall })
}

// encodeStamped makes one of records that each have a time of their own.
func encodeStamped(values []string, size int, stamp func(value string) int64) []byte {
	first, highest := stamp(values[0]), stamp(values[0])
	b := make([]byte, log.BatchHeader, log.BatchHeader+len(values)*(size+32))
	var body []byte
	for i, v := range values {
		is := stamp(v)
		highest = max(highest, is)
		body = binary.AppendVarint(append(body[:0], 0), is-first) // attributes, timestamp delta
		body = binary.AppendVarint(body, int64(i))
		body = binary.AppendVarint(body, -1)
		body = binary.AppendVarint(body, int64(max(size, len(v)+1)))
		body = binary.AppendVarint(appendValue(body, v, size), 0)
		b = append(binary.AppendVarint(b, int64(len(body))), body...)
	}
	be := binary.BigEndian
	be.PutUint32(b[8:], uint32(len(b)-12))
	be.PutUint32(b[12:], ^uint32(0)) // no leader epoch
	b[16] = 2
	be.PutUint32(b[23:], uint32(len(values)-1))
	be.PutUint64(b[27:], uint64(first))
	be.PutUint64(b[35:], uint64(highest))
	for i := 43; i < 57; i++ {
		b[i] = 0xff // no producer id, epoch, sequence
	}
	be.PutUint32(b[57:], uint32(len(values)))
	be.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

// crcOf is a batch's checksum, which stays as it is wherever the batch goes.
func crcOf(batch []byte) uint32 { return binary.BigEndian.Uint32(batch[17:]) }

// decodeBatches visits the records of whole batches. What a broker answers must parse to its last byte.
func decodeBatches(b []byte, visit func(off int64, value []byte)) error {
	for len(b) > 0 {
		h, size, err := log.ParseBatch(b)
		if err != nil {
			return err
		}
		if err := log.CheckCRC(b[:size]); err != nil {
			return fmt.Errorf("batch at offset %d: %w", h.BaseOffset, err)
		}
		if err := decodeRecords(h, b[log.BatchHeader:size], visit); err != nil {
			return fmt.Errorf("batch at offset %d: %w", h.BaseOffset, err)
		}
		b = b[size:]
	}
	return nil
}

func decodeRecords(h log.Batch, b []byte, visit func(int64, []byte)) error {
	for i := range h.NumRecords {
		r := varints{b: b}
		r = varints{b: r.bytes(r.next())}
		used := r
		if len(r.b) == 0 {
			return fmt.Errorf("record %d of %d is cut short", i, h.NumRecords)
		}
		r.b = r.b[1:] // attributes
		r.next()      // timestamp delta
		delta := r.next()
		if n := r.next(); n > 0 {
			r.bytes(n) // key
		}
		value := r.bytes(r.next())
		if r.bad {
			return fmt.Errorf("record %d of %d is malformed", i, h.NumRecords)
		}
		visit(h.BaseOffset+delta, value)
		length := int64(len(used.b))
		b = b[length+int64(len(binary.AppendVarint(nil, length))):]
	}
	if len(b) > 0 {
		return fmt.Errorf("%d bytes after the last record", len(b))
	}
	return nil
}

// varints reads a record's fields; bad says that it ran out.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) next() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *varints) bytes(n int64) []byte {
	if n < 0 || n > int64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}
