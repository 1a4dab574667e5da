package record_test

import (
	"fmt"
	"os"
	"sync"

	"logd/checker"
	"logd/checker/anomaly"
	"logd/checker/record"
)

// log is the system under test: a log in memory, which is right unless told otherwise.
type log struct {
	mu      sync.Mutex
	records []string
	forgets bool // it acknowledges each third record without keeping it
	asked   int
}

func (l *log) append(v string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked++; l.forgets && l.asked%3 == 0 {
		return int64(len(l.records))
	}
	l.records = append(l.records, v)
	return int64(len(l.records) - 1)
}

func (l *log) read(from int64) (records []record.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for off := from; off < int64(len(l.records)); off++ {
		records = append(records, record.Record{Offset: off, Value: l.records[off]})
	}
	return records
}

// Several clients at once, and the check of what they saw.
func Example() {
	var l log
	rec := record.New()
	var done sync.WaitGroup
	for w := range 4 {
		done.Go(func() {
			c := rec.Client()
			for i := range 100 {
				v := fmt.Sprintf("%d.%d", w, i) // unique, and sent once
				call := c.Append("orders/0", v)
				call.OK(l.append(v))
			}
		})
	}
	done.Go(func() {
		c := rec.Client()
		for range 50 {
			call := c.ReadLinearizable("orders/0", 0, 0)
			call.OK(l.read(0)...)
		}
	})
	done.Wait()
	report := checker.Check(rec.History())
	fmt.Println(report.Verdict, report.Partitions[0].AppendsOK, "appends")
	// Output: valid 400 appends
}

// A consumer that polls, against a log that forgets what it acknowledged.
func Example_anomalies() {
	l := log{forgets: true}
	rec := record.New(record.Clock(steps()))
	producer, consumer := rec.Client(), rec.Client()
	consumer.Assign(true, "orders/0")
	for _, v := range []string{"a", "b", "c", "d"} {
		call := producer.Append("orders/0", v)
		call.OK(l.append(v))
	}
	poll := consumer.Poll()
	poll.OK(map[string][]record.Record{"orders/0": l.read(0)})
	report := anomaly.Check(rec.History())
	for _, a := range report.Anomalies {
		fmt.Println(a.String())
	}
	// Output:
	// inconsistent-offsets in orders/0: offset 2 holds "c" by append 4, "d" by append 5
	// lost-write in orders/0: "c" of append 4 stands at offset 2 and no ok read returned it, and read 6 read on to offset 2
	// nonmonotonic-send in orders/0: append 4 sent "c" to offset 2, and then append 5 of the same session sent "d" to offset 2
}

// A time-out: nobody knows what became of the operation, and the checks allow for
// both. The history can be kept for logcheck.
func ExampleClient_Append_unknown() {
	rec := record.New(record.Clock(steps()))
	c := rec.Client()
	call := c.Append("orders/0", "a")
	call.Unknown()
	call = c.Append("orders/0", "b")
	call.OK(1)
	if _, err := rec.WriteTo(os.Stdout); err != nil {
		fmt.Println(err)
	}
	fmt.Println(checker.Check(rec.History()).Verdict)
	// Output:
	// {"history":1,"clock":"monotonic"}
	// {"id":1,"client":1,"session":1,"op":"append","part":"orders/0","call":1,"outcome":"unknown","values":["a"]}
	// {"id":2,"client":1,"session":2,"op":"append","part":"orders/0","call":3,"ret":4,"outcome":"ok","off":1,"values":["b"]}
	// valid
}

// A transaction that polls, sends and commits its offsets.
func ExampleClient_Txn() {
	rec := record.New(record.Sparse(), record.Clock(steps()))
	c := rec.Client()
	txn := c.Txn()
	txn.Polled(map[string][]record.Record{"in/0": {{Offset: 7, Value: "a"}}})
	told := txn.Append("out/0", "A")
	told(3)
	accepted := txn.Commit("group", "in/0", 8)
	accepted()
	txn.OK()
	fmt.Println(len(rec.History().Ops[0].Ops), "operations,", anomaly.Check(rec.History()).Verdict)
	// Output: 3 operations, valid
}

// steps is a clock for examples: it goes on by one each time that it is asked.
func steps() func() int64 {
	var n int64
	return func() int64 { n++; return n }
}
