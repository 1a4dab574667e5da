// Package crash goes through the states that a crash may leave of a store's disk, and judges what recovery makes of each.
//
// A script stages work; its two lanes run operation by operation, interleaved in an order that a seed draws. At each
// operation, and behind each completion, both lanes' operations are in flight, and every choice of what may be left of
// what isn't stable is an image.
//
//	script ──► log.Store ──► Plan, Plan ──► operation ──► memfs: now, and what is stable
//	   │                                        │
//	 model                             loss of power: subsets, of 512 and of 4096 bytes
//	   │                               end of the process: with part of the write, or after a failed sync
//	   │                                        │ image (one of each sum)
//	   └──────► judge ◄── outcome ◄── log.Open ─┤
//	                                            └─ again, after another loss of power; within recovery; after more work
//
// What is checked of every image, by the names that a [Violation] has:
//
//	recovery-refused        a legal crash is no damage: the store opens
//	crash-taken-for-damage  nor is it reported as any: no damage, no hole
//	acknowledged-lost       acknowledged ⊆ recovered: groups, entries by running hash, drops, marks (G1)
//	recovered-uninvoked     recovered ⊆ invoked: no entry, mark or group that nothing staged
//	vote-back               term and vote are none older than what was durable, and were staged (G2, S6)
//	commit-wrong            commit is at or above the mark, and never above what was committed or the log's end
//	segment-wrong           segments have all batches from log start to the mark's end, byte for byte (G3, S10)
//	dropped-left            nothing is left of a dropped group (S7)
//	recovery-unsteady       recovering what was recovered gives the same; so does it after a loss of power (S4)
//	start-refused           a directory whose formatting was cut short can't be formatted, or opened
//	generation-back         a start has a generation that was spoken under before (S7)
//	start-forgotten         a start that spoke is not remembered by the next (S7)
//	incarnation-reused      a directory that was set aside speaks on, or its bytes are gone (S5, S7)
//	damage-unseen, damage-forgotten, misfit-taken, hole-served
//	                        where a script damages a disk: that isn't noticed, or a lost vote is forgotten; other bytes are taken for
//	                        what was lost; what is known to be lost is given out (S5, G10)
//	panic                   recovery, or a store, panicked
//
// Some of the images are taken further: their recovery crashes at each of its operations, and what they recovered works on, crashes
// again and is judged as before.
//
// Invariants:
//
//	X1  All that is found follows from script, seed and limit; the number of workers changes nothing.
//	X2  A state is counted once, by its disk's sum. Its recovery is a function of it alone; what it may hold is judged at
//	    each boundary anew.
//	X3  All choices are tried where they are at most [MaxStates]; else each alone, each missing, the first and the last so
//	    many, and drawn ones, up to the limit. No boundary has more states than [MaxStates].
package crash
