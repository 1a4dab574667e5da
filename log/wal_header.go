package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

var (
	// ErrForeign is wrapped when a directory or file is another broker's, incarnation's or shard's, or has other sizes.
	ErrForeign = errors.New("not ours")
	// ErrVersion is wrapped when a directory or file has a format version that this program doesn't know.
	ErrVersion = errors.New("unknown format version")
)

// A WAL file's first block is its header, written once when the file is made.
//
//	 0          8         12      16      20                        36        40        48           4092    4096
//	┌──────────┬─────────┬───────┬───────┬─────────────────────────┬─────────┬─────────┬────────────┬───────┐
//	│"LOGDWAL1"│ format  │ slot  │ files │ broker 4, incarnation 8,│ group   │ file    │ zeros      │crc32c │
//	│          │ version │       │       │ shard 2, shards 2       │ bytes   │ bytes   │            │of all │
//	└──────────┴─────────┴───────┴───────┴─────────────────────────┴─────────┴─────────┴────────────┴───────┘
//
// Version 1 had the payloads of marks, installs and creates once only. It isn't read: the way on is to delete the directory
// of one broker at a time, which then rejoins.
//
// On disk, don't change.
const (
	walMagic   = "LOGDWAL1"
	walVersion = 2
	walDir     = "wal"
)

func walName(slot int) string {
	b := append(make([]byte, 0, 32), walDir+"/"...)
	return string(append(appendPadded(b, uint64(slot), 4), ".wal"...))
}

// encodeHeader returns the header block of a WAL file.
func encodeHeader(id Identity, opt Options, slot int) []byte {
	b := AlignedBytes(BlockSize)
	copy(b, walMagic)
	binary.BigEndian.PutUint32(b[8:], walVersion)
	binary.BigEndian.PutUint32(b[12:], uint32(slot))
	binary.BigEndian.PutUint32(b[16:], uint32(opt.WALFiles))
	id.put(b[20:])
	binary.BigEndian.PutUint32(b[36:], uint32(opt.GroupBytes))
	binary.BigEndian.PutUint64(b[40:], uint64(opt.WALFileBytes))
	binary.BigEndian.PutUint32(b[BlockSize-4:], crc32.Checksum(b[:BlockSize-4], castagnoli))
	return b
}

// checkVersion compares the format version of something on disk with the one that this program knows. The error wraps
// [ErrVersion].
func checkVersion(name string, is, know int) error {
	switch {
	case is > know:
		return fmt.Errorf("%w: %s has version %d, from a newer program: this one knows %d; start the newer program", ErrVersion, name, is, know)
	case is < know:
		return fmt.Errorf("%w: %s has version %d, this program knows %d and converts nothing: delete the directory of one broker at a time, it rejoins and copies everything from its peers", ErrVersion, name, is, know)
	}
	return nil
}

// checkHeader compares a header block with what it must be, and returns what is damaged; the error wraps [ErrVersion] or
// [ErrForeign].
func checkHeader(b []byte, id Identity, opt Options, slot int) (damage string, err error) {
	name := walName(slot)
	want, got := binary.BigEndian.Uint32(b[BlockSize-4:]), crc32.Checksum(b[:BlockSize-4], castagnoli)
	if !bytes.HasPrefix(b, []byte(walMagic)) || want != got {
		return fmt.Sprintf("a header that begins %q with crc %08x, where it says %08x", b[:8], got, want), nil
	}
	if err := checkVersion(name, int(binary.BigEndian.Uint32(b[8:])), walVersion); err != nil {
		return "", err
	}
	if is := getIdentity(b[20:]); is != id {
		return "", fmt.Errorf("%w: %s is of %v, expected %v", ErrForeign, name, is, id)
	}
	if n := binary.BigEndian.Uint32(b[12:]); n != uint32(slot) {
		return fmt.Sprintf("the header of file %d", n), nil
	}
	files, size := int(binary.BigEndian.Uint32(b[16:])), int64(binary.BigEndian.Uint64(b[40:]))
	if files != opt.WALFiles || size != opt.WALFileBytes {
		return "", fmt.Errorf("%w: %s is one of %d files of %d bytes, the options say %d of %d", ErrForeign, name, files, size, opt.WALFiles, opt.WALFileBytes)
	}
	return "", nil
}

func (id Identity) String() string {
	return fmt.Sprintf("broker %d incarnation %016x shard %d of %d", id.Broker, id.Incarnation, id.Shard, id.Shards)
}
