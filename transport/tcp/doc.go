// Package tcp carries bytes over TCP: connections of clients and of other brokers in, links to other brokers out. It knows
// no frames; it moves slices.
//
//	          ┌ reader ─► Buf from a fixed pool ─► Sink.Data ─► (the shard's inbox) ─► Buf.Release
//	Conn, in ─┤
//	          └ writer ◄─ queue, bounded ◄─ Conn.Send            runs while there is something to write
//	Link, out:  dial ─► hello ─► writer ◄─ queue, bounded ◄─ Link.Send     drops what doesn't fit
//
// A client that sends without end is held back: the pool of buffers is fixed, and a reader waits for one. A client that
// does not read its responses is first not read from (over [Limits.ChokeBytes] in its queue), then closed: when its queue
// is over [Limits.QueueBytes], or when it took nothing for [Limits.Stall]. However little it takes is enough, but it is its kernel that
// takes, and a kernel shows no room for less than a packet or a sixteenth of its buffer.
//
// When a Send takes all queues together over [Limits.TotalBytes], connections are ended until they are within it, whosever they are:
// first those that took nothing for a second, the longest first, then those with the longest queues.
//
// A link to a peer behind a cut is ended when that peer's kernel acknowledged nothing for [Limits.LinkSilence], so that it finds the
// peer again when the network is healed, not when the kernel sends again.
//
// Invariants:
//
//	N1 Sink.Data and Sink.Closed of one connection are called by one goroutine, Data in the order of arrival, Closed once and last.
//	N2 What was sent on a connection before Close leaves before it ends, unless the other side doesn't take it, or room is made (N4).
//	N3 No method of Conn and Link waits for the network.
//	N4 Bytes in queues and buffers are bounded: Buffers × BufferBytes to read; to write TotalBytes, one Send of each goroutine that
//	   sends, and 1 MiB of each connection that was just ended. Of a client whose answers are much larger than its requests, or
//	   not known yet, one small read at a time is on its way. A slice that is taken in part is held, and not counted, as a whole;
//	   what the broker has not sent yet, and what the kernel took, is not counted here.
//	N5 What a Link sends after the hello are whole Sends; one that was begun and not finished ends the connection.
package tcp
