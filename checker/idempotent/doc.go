// Package idempotent judges what idempotent producers did to a log: each batch is there once, and a producer's batches stand in
// the order in which it sent them (KIP-98), by the producer id, epoch and sequence that appends of a history name.
//
//	{"id":7,"op":"append","part":"orders/0",…,"values":["a","b"],"producer":4000,"epoch":0,"seq":12}
//	                                                               └ records 12 and 13 of producer 4000 in orders/0
//
// One append is one batch, sent as often as it takes: called when it was sent first, ended by the answer that settled it. Where it
// is, its acknowledgement says, or a read of any of its values. What check A says of the same history, that a value is at two
// offsets, is told here with whose it is; the order of one producer check A cannot know.
//
// Invariants:
//
//	D1  A batch of which nothing shows where it is is judged by nothing.
//	D2  Sequences go round at 2^31: which of two comes first is told by the shorter way. Only neighbours in the log are compared.
//	D3  A gap is none: what lies between may be unread, deleted, or of a producer that had been forgotten.
//	D4  Nothing is kept of a history before the first append that names a producer.
//	D5  The verdict doesn't depend on the order of a map.
package idempotent
