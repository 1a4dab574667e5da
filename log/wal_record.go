package log

import (
	"encoding/binary"
	"fmt"
)

// recordKind tells what a record is. On disk, don't change.
type recordKind uint8

const (
	kindEntry   recordKind = 1 // an entry, which cuts the group's entries at and above its index (L8)
	kindCopy    recordKind = 2 // an entry written before, which cuts nothing (L8, S10)
	kindState   recordKind = 3 // term, vote in hash, commit in index
	kindMark    recordKind = 4 // a mark: entries up to index are gone from the WAL
	kindInstall recordKind = 5 // a mark, with which all entries are gone (S11)
	kindCreate  recordKind = 6 // a group, its meta and its mark; at a file's head those of before, anew
	kindDrop    recordKind = 7 // the group is gone for ever (S7)
	kindCut     recordKind = 8 // the group's entries at and above index are gone
	kindLost    recordKind = 9 // an entry written before whose bytes are lost, which cuts nothing (L8, S5a)
)

var kindNames = [...]string{"?", "entry", "copy", "state", "mark", "install", "create", "drop", "cut", "lost"}

// inline says whether payloads of this kind stand in the directories, and so twice (S6).
func (k recordKind) inline() bool { return k == kindMark || k == kindInstall || k == kindCreate }

func (k recordKind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// A record header stands in both directories of its write group; the payload of an entry or copy stands between them, that
// of a mark, install or create behind the headers in both.
//
//	 0      1      2      4         8        16       24       32              40        44       48
//	┌──────┬──────┬──────┬─────────┬────────┬────────┬────────┬───────────────┬─────────┬────────┐
//	│ kind │ entry│ 0    │ payload │ group  │ index  │ term   │ running hash  │ crc32c  │ lost   │
//	│      │ type │      │ length  │        │        │        │ after index   │ payload │ length │
//	└──────┴──────┴──────┴─────────┴────────┴────────┴────────┴───────────────┴─────────┴────────┘
//
// A lost entry has no payload: its CRC is that of the bytes that are lost, whose length stands in the last field.
//
// On disk, don't change.
const recordHeader = 48

// header is a record without its payload. index, term and hash are those of an entry; of a mark, of the entry at its index.
type header struct {
	kind              recordKind
	typ               EntryType
	length            uint32
	group             uint64
	index, term, hash uint64
	crc               uint32
	lost              uint32 // kindLost: what length was
}

// size is the length of an entry's data, wherever they are.
func (h *header) size() uint32 {
	if h.kind == kindLost {
		return h.lost
	}
	return h.length
}

// cost is what the record takes.
func (h *header) cost() sum {
	if h.kind.inline() {
		return sum{n: 1, inline: int64(h.length)}
	}
	return sum{n: 1, bytes: int64(h.length)}
}

func (h *header) append(b []byte) []byte {
	b = append(b, byte(h.kind), byte(h.typ), 0, 0)
	b = binary.BigEndian.AppendUint32(b, h.length)
	b = binary.BigEndian.AppendUint64(b, h.group)
	b = binary.BigEndian.AppendUint64(b, h.index)
	b = binary.BigEndian.AppendUint64(b, h.term)
	b = binary.BigEndian.AppendUint64(b, h.hash)
	b = binary.BigEndian.AppendUint32(b, h.crc)
	return binary.BigEndian.AppendUint32(b, h.lost)
}

func getHeader(b []byte) header {
	return header{
		kind:   recordKind(b[0]),
		typ:    EntryType(b[1]),
		length: binary.BigEndian.Uint32(b[4:]),
		group:  binary.BigEndian.Uint64(b[8:]),
		index:  binary.BigEndian.Uint64(b[16:]),
		term:   binary.BigEndian.Uint64(b[24:]),
		hash:   binary.BigEndian.Uint64(b[32:]),
		crc:    binary.BigEndian.Uint32(b[40:]),
		lost:   binary.BigEndian.Uint32(b[44:]),
	}
}

func (h header) String() string {
	return fmt.Sprintf("%s of group %d index %d", h.kind, h.group, h.index)
}

// The payload of a mark; index, term and hash stand in the header. A create record's payload is the meta's length (4), the
// meta, and then the same.
//
//	┌───────────┬─────────┬────────────┬─────────────────┬──────┬─────┐
//	│ log start │ log end │ batch hash │ length of conf 4│ conf │ app │
//	└───────────┴─────────┴────────────┴─────────────────┴──────┴─────┘
//
// On disk, don't change.
const markHead = 28

// appendMark encodes a mark's payload.
func appendMark(b []byte, m *Mark) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(m.LogStart))
	b = binary.BigEndian.AppendUint64(b, uint64(m.LogEnd))
	b = binary.BigEndian.AppendUint64(b, m.BatchHash)
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Conf)))
	b = append(b, m.Conf...)
	return append(b, m.App...)
}

// getMark decodes a mark from header and payload; what it returns aliases the payload.
func getMark(h header, b []byte) (Mark, error) {
	if len(b) < markHead || uint64(len(b)-markHead) < uint64(binary.BigEndian.Uint32(b[24:])) {
		return Mark{}, fmt.Errorf("%d bytes of mark are too few", len(b))
	}
	m := Mark{
		Index:     h.index,
		Term:      h.term,
		EntryHash: h.hash,
		LogStart:  int64(binary.BigEndian.Uint64(b)),
		LogEnd:    int64(binary.BigEndian.Uint64(b[8:])),
		BatchHash: binary.BigEndian.Uint64(b[16:]),
	}
	n := binary.BigEndian.Uint32(b[24:])
	m.Conf, m.App = part(b[markHead:markHead+n]), part(b[markHead+n:])
	if err := m.check(); err != nil {
		return Mark{}, err
	}
	return m, nil
}

// part returns b without its spare capacity, nil if empty.
func part(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b[:len(b):len(b)]
}

// check says what can't be true of any mark.
func (m *Mark) check() error {
	if m.LogStart < 0 || m.LogStart > m.LogEnd {
		return fmt.Errorf("mark at index %d: log start is %d with log end %d", m.Index, m.LogStart, m.LogEnd)
	}
	return nil
}

// appendCreate encodes a create record's payload.
func appendCreate(b []byte, meta []byte, m *Mark) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(meta)))
	b = append(b, meta...)
	return appendMark(b, m)
}

// getCreate decodes a create record from header and payload, which the results alias.
func getCreate(h header, b []byte) (meta []byte, m Mark, err error) {
	if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
		return nil, Mark{}, fmt.Errorf("%d bytes of meta are too few", len(b))
	}
	n := binary.BigEndian.Uint32(b)
	m, err = getMark(h, b[4+n:])
	return part(b[4 : 4+n]), m, err
}
