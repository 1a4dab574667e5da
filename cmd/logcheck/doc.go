// Command logcheck says whether histories of a log, in JSON lines or as Jepsen stores
// them, are those of a linearizable log, and free of anomalies.
//
//	FILE... ── gzip, zstd ─┬─ JSON lines ────┬─ panel: checker.Checker, and a Judge of each further check ── verdicts ─┐
//	                       └─ jepsen.History ┴─ kept, for --second and --html                                      ├─ tables or JSON
//	                                             ├─ porcupine, exhaustive ───────────────────────────── opinions ──┘
//	                                             └─ report.Write ── page
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
