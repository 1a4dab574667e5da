// Command logd is the broker, and a small cluster of brokers for development.
//
//	logd serve --id 1 --peers 1=host:port,... --kafka host:port --data DIR     one broker
//	logd dev                                                                   three on this machine
//	logd inspect DIR                                                           what a stopped broker's directory holds
//
// The product is package broker; this command is the loop around it, the second of two (the other is the simulator's):
//
//	tcp.Conn ─► inbox ─► loop: events ─► Shard.Step ─► Output ─┬─► tcp.Conn, tcp.Link
//	                ▲           one goroutine per shard        ├─► lane goroutines: log.Runner on osfs ─┐
//	                └───────────── completions, mail ◄─────────┴─► cold reads, siblings' inboxes ◄──────┘
//
// Rules:
//
//	D1  One goroutine calls a shard's Step, and it does nothing that waits: no disk, no network, no full queue,
//	    and nobody who reads its lines.
//	D2  An Output is carried out wholly before the next Step, and nothing of one that says Halt but its log lines.
//	D3  What a loop has not taken yet is bounded: client bytes by tcp's buffers, peers' envelopes by peerFrames each.
//	D4  A data directory is used by one process, the one that holds its lock, and never by another broker than made it. What
//	    can't be changed in it is fixed only once all flags go together.
//	D5  A broker that dev started does not outlive dev, however dev ends.
//	D6  inspect changes nothing in a directory, and looks at none that a broker has open.
package main
