// Package picture writes what happened in a run as one HTML file that a browser opens without a network: a lane per broker, a
// row per client, the messages between brokers, and where a check found something wrong.
//
//	sim.Run ── events ──► Recorder ──┐
//	                                 ├─► columns ── JSON, gzip, base64 ──► page: view.html with the style and the scripts in it
//	history file ──► History ────────┘                                       └─ canvas, drawn anew for what is in sight
//
// The Go half decides what there is to see: what lasts becomes bands that don't overlap, what a client did becomes bars in
// rows. The JavaScript half (view_*.js) only finds by time, and draws.
//
// Invariants:
//
//	V1 The page refers to nothing outside of itself.
//	V2 Equal runs give equal pages: no clock, no order of a map.
//	V3 A band's intervals rise and don't overlap; bars of one row of a client don't overlap; columns have equal lengths.
//	V4 Nothing that was told is left out: what is too small to be drawn is merged in the browser, by rank, and found by zooming in.
package picture
