// Command logcheck says whether histories of a log, in JSON lines, are those of a
// linearizable log.
//
//	FILE... ── checker.Reader ─┬─ checker.Checker ─────────────── verdict ─┐
//	                           └─ kept, if small and --second             ├─ table or JSON
//	                                └─ porcupine, exhaustive ── opinions ─┘
//
// Invariants:
//
//	K1  A file that cannot be read to its end gets no verdict, only the file, line
//	    and reason.
//	K2  No opinion, and unknown, never count as valid.
//	K3  Opinions that disagree make a file invalid, whichever of them is right.
package main
