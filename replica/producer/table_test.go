package producer

import (
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"logd/log"
)

func batch(id int64, epoch int16, first, records int32, offset, timestamp int64) log.Batch {
	return log.Batch{ProducerID: id, ProducerEpoch: epoch, BaseSequence: first, LastOffsetDelta: records - 1, NumRecords: records,
		BaseOffset: offset, MaxTimestamp: timestamp}
}

// The format is on disk: other bytes than these can't be read back by another version.
func TestEncodeGolden(t *testing.T) {
	table := NewTable()
	if b := table.Encode(); b != nil {
		t.Fatalf("the empty table is % x", b)
	}
	table.Append(batch(-1, -1, -1, 3, 0, 5))
	table.Append(batch(7, 2, math.MaxInt32, 3, 3, 1000)) // wraps: the next one is 2
	table.Append(batch(7, 2, 2, 1, 10, 900))
	table.Pass(600, 0)
	table.Append(batch(1007, 0, 0, 1, 300, -1))
	got := hex.EncodeToString(table.Encode())
	if want := "01d8040207" + "02d80402" + "02010a880e" + "0307c701" + "e807" + "000001" + "0001ac0201"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	back, err := Decode(table.Encode())
	if err != nil || back.Hash() != table.Hash() || back.Get(7).LastSequence() != 2 || back.Get(7).Batches[0] != (Batch{math.MaxInt32, 3, 3, 1000}) {
		t.Errorf("%+v, %v", back, err)
	}
}

// What Kafka 4.1 answers, by ProducerStateEntry.findDuplicateBatch and ProducerAppendInfo.checkProducerEpoch and checkSequence.
func TestCheck(t *testing.T) {
	table := NewTable()
	offset := int64(100)
	for seq := int32(0); seq < 70; seq += 10 { // seven batches of epoch 3
		table.Append(batch(1, 3, seq, 10, offset, 0))
		offset += 10
	}
	table.Append(batch(2, 0, math.MaxInt32-1, 2, 170, 0))
	table.Append(batch(3, 0, math.MaxInt32-1, 4, 172, 0))
	table.Append(batch(4, 0, math.MaxInt32, 1, 176, 0))
	table.Append(batch(4, 1, 0, 1, 177, 0)) // another epoch, though its sequence is the one after
	for _, c := range []struct {
		what     string
		b        log.Batch
		original int64
		ok       bool
		err      error
	}{
		{"the next", batch(1, 3, 70, 1, 0, 0), 0, true, nil},
		{"a gap", batch(1, 3, 71, 1, 0, 0), 0, false, ErrSequence},
		{"the last again", batch(1, 3, 60, 10, 0, 0), 160, false, nil},
		{"the fifth from the end again", batch(1, 3, 20, 10, 0, 0), 120, false, nil},
		{"one that is forgotten", batch(1, 3, 10, 10, 0, 0), 0, false, ErrSequence},
		{"a part of the last", batch(1, 3, 60, 5, 0, 0), 0, false, ErrSequence},
		{"its second half", batch(1, 3, 65, 5, 0, 0), 0, false, ErrSequence},
		{"more than the last", batch(1, 3, 60, 11, 0, 0), 0, false, ErrSequence},
		{"two as one", batch(1, 3, 50, 20, 0, 0), 0, false, ErrSequence},
		{"a new epoch", batch(1, 4, 0, 1, 0, 0), 0, true, nil},
		{"a much newer epoch", batch(1, math.MaxInt16, 0, 10, 0, 0), 0, true, nil},
		{"a new epoch that goes on", batch(1, 4, 70, 1, 0, 0), 0, false, ErrSequence},
		{"a new epoch with the last's sequences", batch(1, 4, 60, 10, 0, 0), 0, false, ErrSequence},
		{"an old epoch", batch(1, 2, 70, 1, 0, 0), 0, false, ErrEpoch},
		{"an old epoch's duplicate", batch(1, 2, 60, 10, 0, 0), 0, false, ErrEpoch},
		{"after the highest sequence", batch(2, 0, 0, 1, 0, 0), 0, true, nil},
		{"after the highest sequence, a gap", batch(2, 0, 1, 1, 0, 0), 0, false, ErrSequence},
		{"after a batch across the highest sequence", batch(3, 0, 2, 1, 0, 0), 0, true, nil},
		{"a batch across the highest sequence again", batch(3, 0, math.MaxInt32-1, 4, 0, 0), 172, false, nil},
		{"a duplicate of an older epoch, in the new one", batch(4, 1, math.MaxInt32, 1, 0, 0), 0, false, ErrSequence},
		{"unknown, from 0", batch(9, 5, 0, 1, 0, 0), 0, true, nil},
		{"unknown, any sequence", batch(9, 5, 12345, 1, 0, 0), 0, true, nil},
	} {
		original, ok, err := Over(table, 10).Check(c.b)
		if original != c.original || ok != c.ok || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %d, %t, %v; expected %d, %t, %v", c.what, original, ok, err, c.original, c.ok, c.err)
		}
	}
	if _, _, err := Over(table, 3).Check(batch(9, 0, 0, 1, 0, 0)); !errors.Is(err, ErrFull) {
		t.Errorf("a fourth producer of three: %v", err)
	}
	if _, ok, err := Over(table, 3).Check(batch(1, 3, 70, 1, 0, 0)); !ok {
		t.Errorf("one of three producers: %v", err)
	}
}

// What a leader decides by, with batches on top that aren't in the log, is what it would decide by if they were; and the log's own
// table isn't touched.
func TestOverlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, over, all, offset := NewTable(), (*Overlay)(nil), NewTable(), int64(0)
		put := rapid.IntRange(0, 20).Draw(t, "in the log")
		for i := range rapid.IntRange(put, put+20).Draw(t, "batches") {
			if i == put {
				over = Over(base, 4)
			}
			b := drawBatch(t, offset)
			now := over
			if now == nil {
				now = Over(base, 4)
			}
			original, ok, err := now.Check(b)
			o2, ok2, err2 := Over(all, 4).Check(b)
			if original != o2 || ok != ok2 || (err == nil) != (err2 == nil) {
				t.Fatalf("%+v: %d %t %v with an overlay, %d %t %v without", b, original, ok, err, o2, ok2, err2)
			}
			if !ok {
				continue
			}
			offset = b.NextOffset()
			all.Append(b)
			if over == nil {
				base.Append(b)
				continue
			}
			before := base.Hash()
			over.Put(b)
			if base.Hash() != before {
				t.Fatal("an overlay changed the table")
			}
		}
	})
}

func drawBatch(t *rapid.T, offset int64) log.Batch {
	first := rapid.SampledFrom([]int32{0, 0, 1, 2, 3, 4, 5, math.MaxInt32, math.MaxInt32 - 1}).Draw(t, "first")
	return batch(rapid.Int64Range(0, 5).Draw(t, "id"), rapid.Int16Range(0, 2).Draw(t, "epoch"), first, rapid.Int32Range(1, 3).Draw(t, "records"),
		offset, rapid.Int64Range(-1, 9).Draw(t, "timestamp"))
}

// A table that was written down and read back goes on as if nothing had happened (P1), and no producer has more than it may (P2).
func TestReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, offset := NewTable(), int64(0)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
				table.Pass(rapid.Uint64Range(0, 50).Draw(t, "elapsed"), rapid.Uint64Range(0, 100).Draw(t, "before"))
			} else {
				b := drawBatch(t, offset)
				offset = b.NextOffset()
				table.Append(b)
			}
			back, err := Decode(table.Encode())
			if err != nil || back.Hash() != table.Hash() || back.Len() != table.Len() || back.Clock() != table.Clock() {
				t.Fatalf("%v: %d producers, clock %d, came back as %d, %d", err, table.Len(), table.Clock(), back.Len(), back.Clock())
			}
			for _, e := range table.Entries() {
				if n := len(e.Batches); n < 1 || n > Kept {
					t.Fatalf("invariant P2: producer %d has %d batches", e.ID, n)
				}
				for i := 1; i < len(e.Batches); i++ {
					if e.Batches[i].First != add(e.Batches[i-1].last(), 1) {
						t.Fatalf("invariant P2: producer %d: %+v", e.ID, e.Batches)
					}
				}
			}
			if rapid.Bool().Draw(t, "go on with what was read") {
				table = back
			}
		}
	})
}

// Time passes only while there is somebody to forget, and who was seen since a time isn't forgotten for being silent before it.
func TestPass(t *testing.T) {
	table := NewTable()
	table.Pass(1000, 0)
	if table.Clock() != 0 {
		t.Errorf("the clock of an empty table is at %d", table.Clock())
	}
	table.Append(batch(1, 0, 0, 1, 0, 0))
	table.Pass(10, 0)
	table.Append(batch(2, 0, 0, 1, 1, 0))
	if table.Silent(0) || !table.Silent(1) {
		t.Error("who was seen at 0 is silent since before 1")
	}
	table.Pass(10, 10)
	if table.Len() != 1 || table.Get(2) == nil || table.Clock() != 20 {
		t.Errorf("%d producers at %d", table.Len(), table.Clock())
	}
	clone := table.Clone()
	table.Pass(10, 11)
	if table.Len() != 0 || table.Clock() != 0 || table.Hash() != NewTable().Hash() {
		t.Errorf("%d producers at %d, hash %x", table.Len(), table.Clock(), table.Hash())
	}
	if clone.Len() != 1 {
		t.Error("a clone goes its own way")
	}
}

func FuzzDecode(f *testing.F) {
	table := NewTable()
	table.Append(batch(7, 2, math.MaxInt32, 3, 3, 1000))
	table.Append(batch(7, 2, 2, 1, 10, 900))
	table.Append(batch(9, 0, 0, 1, 11, -1))
	f.Add(table.Encode())
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrCodec) {
				t.Fatal(err)
			}
			return
		}
		back, err := Decode(table.Encode())
		if err != nil || back.Hash() != table.Hash() {
			t.Fatalf("% x: %v", b, err)
		}
	})
}

// TestMostEntryBytes: no producer takes more in an encoded table.
func TestMostEntryBytes(t *testing.T) {
	table := NewTable()
	table.clock = math.MaxUint64
	e := &Entry{ID: math.MaxInt64, Epoch: math.MaxInt16}
	for i := range int64(Kept) {
		timestamp := int64(math.MinInt64) // and the differences of these wrap around
		if i%2 == 1 {
			timestamp = -1
		}
		e.Batches = append(e.Batches, Batch{First: math.MaxInt32, Records: math.MaxInt32, Offset: i * (math.MaxInt64 / (Kept - 1)), Timestamp: timestamp})
	}
	e.seal()
	table.put(e)
	empty := 1 + 10 + 1 // format, clock, how many
	if n := len(table.Encode()) - empty; n != MostEntryBytes {
		t.Errorf("the longest entry takes %d bytes, %d are reckoned with", n, MostEntryBytes)
	}
}
