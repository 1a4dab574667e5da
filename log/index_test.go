package log

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// On disk, don't change.
const goldenIndex = "4c4f474449445833" + "00000000000003e8" + "000000000000041a" + "0000000000000190" + "38cd7b0b005d90c3" + "00000002" +
	"00000000" + "00000000" + "00000000000007d0" + "0000000000000000" +
	"0000001e" + "0000012c" + "0000000000000bb8" + "63816e93f1dd74fc" +
	"46c9b07a"

func goldenSegment() *segment {
	s := &segment{base: 1000}
	for i, ts := range []int64{2000, 1000, 500, 3000} {
		data := testBatch(1000+int64(i)*10, 1, []int{10, 10, 10, 20}[i], 39, ts)
		b, size, _ := ParseBatch(data)
		s.index = s.index.add(s.base, s.size, b, s.hash, 300, false)
		s.hash = HashBatch(s.hash, data)
		s.size += int64(size)
		s.end = b.NextOffset()
	}
	return s
}

func TestIndexGolden(t *testing.T) {
	s := goldenSegment()
	got := encodeIndex(testDir, s)
	if hex.EncodeToString(got) != goldenIndex {
		t.Errorf("the index file is\n%x, expected\n%s", got, goldenIndex)
	}
	back, err := decodeIndex(testDir, got)
	if err != nil || !reflect.DeepEqual(back, s) {
		t.Errorf("%+v read back, %v; expected %+v", back, err, s)
	}
}

// Any bit changed, and any cut, is seen.
func TestDecodeIndexFindsDamage(t *testing.T) {
	good := encodeIndex(testDir, goldenSegment())
	for bit := range len(good) * 8 {
		good[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeIndex(testDir, good); !errors.Is(err, errBadIndex) {
			t.Errorf("bit %d changed: %v", bit, err)
		}
		good[bit/8] ^= 1 << (bit % 8)
	}
	for n := range good {
		if _, err := decodeIndex(testDir, good[:n]); !errors.Is(err, errBadIndex) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// A well-made file that says what can't be is not believed either: what is searched later is in order and in bounds.
func TestDecodeIndexChecksSense(t *testing.T) {
	for name, edit := range map[string]func(*segment){
		"base negative":          func(s *segment) { s.base = -1 },
		"no offsets":             func(s *segment) { s.end = s.base },
		"no bytes":               func(s *segment) { s.size = 0 },
		"no entries":             func(s *segment) { s.index = nil },
		"first offset":           func(s *segment) { s.index[0].offset = 1 },
		"first position":         func(s *segment) { s.index[0].pos = 1 },
		"offset twice":           func(s *segment) { s.index = append(s.index, s.index[1]); s.index[2].pos++ },
		"position twice":         func(s *segment) { s.index = append(s.index, s.index[1]); s.index[2].offset++ },
		"offset past the end":    func(s *segment) { s.index[1].offset = uint32(s.end - s.base) },
		"position past the size": func(s *segment) { s.index[1].pos = uint32(s.size) },
	} {
		s := goldenSegment()
		edit(s)
		if _, err := decodeIndex(testDir, encodeIndex(testDir, s)); !errors.Is(err, errBadIndex) || strings.Contains(err.Error(), "crc") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStartGolden(t *testing.T) {
	const golden = "4c4f474453544132" + "00000000000003e8" + "1122334455667788" + "2f181eab"
	if got := hex.EncodeToString(encodeStart(testDir, 1000, 0x1122334455667788)); got != golden {
		t.Errorf("the start file is %s, expected %s", got, golden)
	}
	good := encodeStart(testDir, 1000, 0x1122334455667788)
	if h, ok := decodeStart(testDir, good, 1000); !ok || h != 0x1122334455667788 {
		t.Errorf("read back: %016x, %t", h, ok)
	}
	for bit := range len(good) * 8 {
		good[bit/8] ^= 1 << (bit % 8)
		if _, ok := decodeStart(testDir, good, 1000); ok {
			t.Errorf("bit %d changed, and not seen", bit)
		}
		good[bit/8] ^= 1 << (bit % 8)
	}
}
