// Command logsim runs logd's own brokers, with disks, links and clients, inside a deterministic simulator and has a checker
// judge what the clients saw.
//
//	logsim run --seed 7 -v        one world, a line per event
//	logsim run --seeds 500        many worlds, in worker processes, and a table
//	logsim soak --for 1h          seeds until the time is up, and a scorecard; goes on where it was interrupted
//	logsim bench                  how fast worlds are, and a profile
//	logsim story FILE -v          what a text tells, and whether it goes as it says
//	logsim replay FILE            a run that was written down (run --record), again
//	logsim shrink --seed 7        what of a failing seed is needed to fail, as a story
//	logsim crash-states           what crashes at any operation leave of a disk, recovered and judged
//	logsim view --seed 7          what happened in a run, a story or a history, as one HTML page
//	logsim mutants                known bugs put back on purpose: each must be found
//
//	run --seeds ──► pool ──► worker process ──► sim.Run(seed) ──► a JSON line per seed ──► table
//	shrink ──► record ──► candidates ──► worker processes ──► the first that ends with the same violation ──► a story
//	crash-states ──► log/crash ──► table
//	mutants ──► overlay ──► go build ──► pool of that binary, or its crash-states, until the check that the mutant names fires
//
// Invariants:
//
//	C1  Exit status: 0 if all is valid (all mutants dead), 1 if not, 2 for a wrong command line. view: 0 if the page was written.
//	C2  A seed whose worker died, hung or answered something else counts as a violation, never as nothing.
//	C3  A mutant counts as dead only by the check that its file names.
//	C4  A story is valid only if every answer is the expected one, and a second telling has the same hash.
//	C5  Of a soak, each seed is done once, whatever interrupts it: its state is replaced as a whole, and another build's is refused.
//	C6  What shrinking leaves ends with the violation that it began with, by its signature: check and cause (sim/cause.go); and, if
//	    that is a mutant's, without any on the code as it is. Others that it meets are kept. An interrupt keeps what was reached.
package main
