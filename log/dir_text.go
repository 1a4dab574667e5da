package log

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

// The file logd.meta is text; the last line is the CRC-32C of those before it. There are two copies, each replaced by a
// rename, logd.meta.copy first: where they differ that one is the newer, and neither is needed. On disk, don't change.
//
// Version 1 had no generation, joins and moving, and one copy. It isn't read. Version 2 had no forgets and spoke: it is read as one
// that has forgotten all starts so far.
const (
	metaName    = "logd.meta"
	metaCopy    = "logd.meta.copy"
	metaTemp    = "logd.meta.tmp"
	metaVersion = 3
	metaFormat  = "broker %d\nincarnation %016x\nshards %d\nwal-files %d\nwal-file-bytes %d\ngroup-bytes %d\ngeneration %d\njoins %d\nmoving %016x\n"
	spokeFormat = "forgets %d\nspoke %s\n" // generation:boot, ..., or -
)

func (d Dir) encode() []byte { return d.encodeAs(metaVersion) }

func (d Dir) encodeAs(version int) []byte {
	joins := 0
	if d.Joins {
		joins = 1
	}
	s := fmt.Sprintf("logd %d\n"+metaFormat, version, d.Broker, d.Incarnation, d.Shards,
		d.Options.WALFiles, d.Options.WALFileBytes, d.Options.GroupBytes, d.Generation, joins, d.Moving)
	if version > 2 {
		s += fmt.Sprintf(spokeFormat, d.Forgets, d.spoken())
	}
	return fmt.Appendf(nil, "%scrc %08x\n", s, crc32.Checksum([]byte(s), castagnoli))
}

func decodeDir(name string, b []byte) (Dir, error) {
	var version, joins int
	var d Dir
	o := &d.Options
	_, err := fmt.Sscanf(string(b), "logd %d\n"+metaFormat, &version, &d.Broker, &d.Incarnation, &d.Shards, &o.WALFiles, &o.WALFileBytes, &o.GroupBytes,
		&d.Generation, &joins, &d.Moving)
	d.Joins = joins == 1
	if err == nil && version == 2 && string(d.encodeAs(2)) == string(b) {
		d.Forgets = d.Generation
		return d, nil
	}
	if err == nil {
		err = d.readSpoken(string(b))
	}
	if err == nil && string(d.encode()) == string(b) {
		return d, nil
	}
	if n, nerr := fmt.Sscanf(string(b), "logd %d\n", &version); nerr == nil && n == 1 && version != metaVersion {
		return Dir{}, checkVersion(name, version, metaVersion)
	}
	return Dir{}, fmt.Errorf("%w: %s: %s", ErrDamaged, name, d.differs(b, err))
}

// differs says in what a file is none that d is written as: its bytes aren't those that its CRC was made of, or it was written otherwise, and
// err is why d couldn't be read from it.
func (d Dir) differs(b []byte, err error) string {
	at := bytes.LastIndex(b, []byte("crc "))
	if at < 0 {
		return fmt.Sprintf("expected a CRC in the last line, found %d bytes without one", len(b))
	}
	if end := fmt.Sprintf("crc %08x\n", crc32.Checksum(b[:at], castagnoli)); end != string(b[at:]) {
		return fmt.Sprintf("the last line is %.20q, the %d bytes before it make it %q", b[at:], at, end)
	}
	if err != nil {
		return fmt.Sprintf("the CRC is right, and a line isn't: %v", err)
	}
	return fmt.Sprintf("the CRC is right, and the text is none that this program writes: expected %q, found %q", d.encode(), b)
}
