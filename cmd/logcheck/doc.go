// Command logcheck says whether histories of a log, in JSON lines, are those of a
// linearizable log.
//
//	FILE... ── gzip, zstd ── source ─┬─ panel: checker.Checker, and a Judge of each further check ── verdicts ─┐
//	                                 └─ kept, if small and --second                                         ├─ tables or JSON
//	                                      └─ porcupine, exhaustive ── opinions ────────────────────────────┘
//
// families.go is the table of checks; bench.go measures check A (hidden command).
//
// Invariants:
//
//	K1  A file that cannot be read to its end gets no verdict, only the file, line
//	    and reason.
//	K2  No opinion, and unknown, never count as valid.
//	K3  Opinions that disagree make a file invalid, whichever of them is right.
package main
