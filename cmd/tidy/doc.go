// Command tidy fails the build when the shape of the code is broken: an import
// that goes up, a clock or a lock in the core, a function that grew too long.
//
//	go test ./cmd/tidy     the same checks, so `go test ./...` runs them
//	go run ./cmd/tidy      prints every breach and exits 1; 2 if the tree can't be read
//
// A breach is one line, "file:line: rule: what was found, what to use instead".
//
//	files ── parse ──┬─ imports        layers.go is the table
//	                 ├─ lengths, docs  limits.go has the numbers and the exceptions
//	                 ├─ text           words, paths, gofmt
//	                 ├─ invariants     each number of a doc.go is named where it is kept
//	                 └─ types (strict packages only)
//	                      ├─ bans      goroutines, channels, clocks, entropy, output
//	                      ├─ order     range over a map
//	                      ├─ state     package variables that change
//	                      └─ floats    decisions taken on floats
//
// Invariants:
//
//	T1  Every package stands in the table of layers; one that doesn't is a breach, never unchecked.
//	T2  A package without type information is a breach, never a pass.
//	T3  An exception names one function or file and its exact length; one that is
//	    no longer needed, or is larger than needed, is a breach: the table only shrinks.
//	T4  Every file and folder that is judged is opened by the test process itself, so
//	    that a cached `go test` result is dropped when one of them changes.
package main
