// Package record records what the clients of a log do, in the form that the checks
// read, so that any Go program can test any log.
//
//	rec := record.New()
//	c := rec.Client()                       ─┬─ one goroutine each, or several
//	call := c.Append("orders/0", "a", "b")   │
//	call.OK(41)      or Fail, or Unknown     │
//	                                        ─┘
//	report := checker.Check(rec.History())
//
// A client is what does one thing after another. Its session ends when an outcome is
// unknown, for the operation may still happen: the client goes on as a new one.
//
// Calls take a lock of their client alone, and no memory but the operation's: about a
// microsecond in all. Operations stay in memory until [Recorder.History] or
// [Recorder.WriteTo] takes them.
//
// Invariants:
//
//	D1  A call's instant is read before the program goes on to call, and its return's
//	    after it returned: the interval contains the operation.
//	D2  What was called and never completed is recorded, as unknown.
//	D3  Each call is completed once; a second time is a bug of the program, and a panic.
package record
