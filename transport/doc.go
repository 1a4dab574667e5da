// Package transport turns bytes into requests and back: Kafka's frames, and the envelopes that brokers send each other.
//
// It knows no topics, no sockets and no clock; kmsg does the encoding of every Kafka message. A connection is a [Frames];
// what it cuts out is given to [ParseRequest] or [ParseEnvelope].
//
//	bytes, cut anywhere ──► Frames ──► frame ─┬─► ParseRequest  ──► header, kmsg request; Records alias the frame
//	                                          └─► ParseEnvelope ──► header, messages; bodies alias the frame
//	kmsg response ──► AppendResponse ────────────┐
//	fetch response + record slices ──► AppendFetch ──► [][]byte: payloads are spliced in, never copied
//	header + messages ──► AppendEnvelope ────────┘
//
// Invariants:
//
//	T1 A frame's buffer never has more capacity than four times the bytes that arrived for it, or 4 KiB; the declared length buys nothing.
//	T2 No byte reaches kmsg's decoder before [walk] has followed it to its end: kmsg loops as often as a tag count says (up to
//	   2^32 times) and allocates as many elements as an array's length says, whatever is left of the frame.
//	T3 What walk accepted holds at most maxElements array elements and tagged fields.
//	T4 AppendFetch yields the bytes that kmsg would, for each version.
//	T5 An envelope's head (all but the bodies) is under one CRC, and its bodies fill the frame exactly.
//	T6 No envelope longer than MaxFrame is ever made.
//	T7 Whether an envelope's heads are of one of its length is known once they are here: a wrong length is never waited for.
package transport
