package log

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestNoteStart: starts that reached nobody take no room, of the others the last are kept, and what is forgotten is said.
func TestNoteStart(t *testing.T) {
	disk, _ := startable(t)
	var want []Start
	for range 10_000 {
		d, err := StartDir(disk)
		if err != nil {
			t.Fatal(err)
		}
		if d.Generation%100 == 0 {
			want = append(want, Start{d.Generation, d.Generation * 7})
			if d, err = NoteStart(disk, d, d.Generation*7); err != nil {
				t.Fatal(err)
			}
			again, err := NoteStart(disk, d, d.Generation*7)
			if err != nil || again != d {
				t.Fatalf("noted again: %+v, %v", again, err)
			}
		}
	}
	d, err := OpenDir(disk.losePower(func() bool { return false }))
	if err != nil {
		t.Fatal(err)
	}
	kept := want[len(want)-maxSpoke:]
	if !slices.Equal(d.Spoken(), kept) || d.Forgets != kept[0].Generation-100 {
		t.Errorf("%v, forgets %d; expected %v", d.Spoken(), d.Forgets, kept)
	}
	sameBytes(t, "logd-meta-full", d.encode())
	if len(d.encode()) > 1024 {
		t.Errorf("%d bytes", len(d.encode()))
	}
	aside, err := SetAside(disk, d, 0xb)
	if err != nil || len(aside.Spoken()) != 0 || aside.Forgets != 0 {
		t.Errorf("set aside: %+v, %v", aside, err)
	}
}

// TestVersion2 is read as a directory that has forgotten its starts, and written as version 3.
func TestVersion2(t *testing.T) {
	disk, _ := startable(t)
	d, err := OpenDir(disk)
	if err != nil {
		t.Fatal(err)
	}
	d.Generation = 7
	for _, name := range []string{metaName, metaCopy} {
		disk.nodes[name].now = d.encodeAs(2)
	}
	if d, err = StartDir(disk); err != nil || d.Generation != 8 || d.Forgets != 7 {
		t.Fatalf("%+v, %v", d, err)
	}
	if again, err := OpenDir(disk); err != nil || again != d {
		t.Fatalf("%+v, %v, expected %+v", again, err, d)
	}
}

// TestBadStarts: what no NoteStart writes is damage, though its checksum is right.
func TestBadStarts(t *testing.T) {
	_, d := startable(t)
	d.Generation, d.Forgets = 9, 3
	for _, bad := range [][]Start{{{3, 1}}, {{5, 1}, {5, 2}}, {{6, 1}, {5, 1}}, {{10, 1}}, {{5, 0}}} {
		is := d
		copy(is.Spoke[:], bad)
		if _, err := decodeDir(metaName, is.encode()); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v: %v", fmt.Sprint(bad), err)
		}
	}
}
