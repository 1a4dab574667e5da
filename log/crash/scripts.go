package crash

import "logd/log"

// small are the smallest sizes there are: a roll each few write groups, a segment each few batches.
var small = log.Options{WALFiles: 2, WALFileBytes: 32 * log.BlockSize, GroupBytes: 8 * log.BlockSize, SegmentBytes: 1200, IndexBytes: 300}

// three is small with a third WAL file.
var three = log.Options{WALFiles: 3, WALFileBytes: 32 * log.BlockSize, GroupBytes: 4 * log.BlockSize, SegmentBytes: 700, IndexBytes: 200}

// wide is small with segments that hold several of the larger entries.
var wide = log.Options{WALFiles: 2, WALFileBytes: 32 * log.BlockSize, GroupBytes: 8 * log.BlockSize, SegmentBytes: 30000, IndexBytes: 5000}

// Scripts are all workloads; between them they have every verb, every kind of record and every kind of operation of a plan.
var Scripts = append([]Script{
	{Name: "append", Options: small, Text: `
		create 1
		state 1 1 1
		append 1 0 100
		append 1 400
		wait
		append 1 3000 700
		cut 1 2 500 60 60
		wait
		cut 1 1 90
		append 1 9000
		append 1 30*3
		append 1 20
		cut 1 4 50
		append 1 30
		wait
		cut 1 2 10
		wait
		seal
		wait
		append 1 70
		commit 1
		append 1 70`},
	{Name: "votes", Options: small, Text: `
		create 1 30
		create 2 5
		state 1 1 0
		state 2 1 3
		wait
		state 1 1 2
		append 2 200
		state 2 2 1
		wait
		state 1 2 2
		state 2 3 0
		append 1 -40
		wait
		state 2 3 2
		append 1 100
		commit 1
		flush 1
		append 1 -25 60
		state 1 5 3
		commit 1
		flush 1 20
		state 2 9 9
		seal`},
	{Name: "flush", Options: small, Text: `
		create 1
		create 2
		state 1 1 1
		state 2 1 2
		append 1 400 400
		append 2 500
		commit 1
		flush 1 50
		append 1 400 700
		commit 2
		flush 2
		append 2 300 300 300
		commit 1
		flush 1
		commit 2
		flush 2 200
		append 1 100
		commit 1
		append 1 90 90
		flush 1`},
	{Name: "roll-segments", Options: three, Text: `
		create 7
		state 7 1 1
		append 7 300*6
		commit 7
		append 7 800 800
		flush 7
		commit 7
		flush 7 10
		append 7 100*5
		commit 7
		flush 7`},
	{Name: "retention", Options: three, Text: `
		create 1
		create 4
		state 1 1 1
		append 1 400*5
		append 4 300 0
		commit 1
		flush 1
		trim 1 4
		append 1 400*3
		commit 1
		flush 1 30
		commit 4
		flush 4
		append 4 50
		trim 1 9
		append 1 100
		commit 1
		flush 1
		wait
		append 1 700 700
		commit 1
		trim 1 15
		flush 1
		trim 1 -1
		flush 1
		wait
		append 1 200 100
		commit 1
		flush 1
		wait
		append 1 300
		commit 1
		trim 1 -1
		flush 1
		append 4 80`},
	{Name: "drop", Options: small, Text: `
		create 1
		create 2
		append 1 300 900
		append 2 400 900
		commit 1
		commit 2
		flush 1
		flush 2
		append 1 100
		drop 1
		append 2 60
		create 3
		wait
		append 3 100
		drop 3
		commit 2
		flush 2
		create 5
		append 5 20`},
	{Name: "bury", Options: wide, Text: `
		create 1
		create 2
		create 3
		append 1 300 900
		append 2 100
		append 3 70
		commit 1
		flush 1
		wait
		drop 1
		bury 1
		append 2 9000
		commit 2
		flush 2
		append 2 9000
		drop 3
		commit 2
		flush 2
		append 2 9000
		commit 2
		flush 2
		bury 3
		append 2 9000
		create 4
		append 4 800
		commit 2
		flush 2
		commit 4
		flush 4
		append 2 9000
		drop 4
		commit 2
		flush 2
		wait
		bury 4
		append 2 9000
		commit 2
		flush 2
		wait
		append 2 9000
		commit 2
		flush 2
		wait
		append 2 9000
		commit 2
		flush 2
		wait
		start
		append 2 9000
		seal`},
	{Name: "bury-full", Options: wide, Text: `
		create 1
		create 2
		create 3
		append 1 300
		append 2 9000
		append 3 90
		wait
		commit 1
		commit 2
		commit 3
		full 2
		flush 1
		space
		drop 1
		bury 1
		wait
		full 3
		flush 3
		space
		wait
		full 0 2
		drop 3
		bury 3
		space
		flush 2
		append 2 9000
		commit 2
		flush 2
		append 2 9000
		commit 2
		flush 2
		append 2 9000
		commit 2
		flush 2
		append 2 9000
		commit 2
		flush 2
		append 2 9000
		commit 2
		flush 2
		append 2 9000
		commit 2
		flush 2
		wait
		append 2 9000
		seal`},
	{Name: "snapshot", Options: small, Text: `
		create 1
		create 2
		state 1 1 0
		append 1 300 400
		append 2 500
		commit 1
		flush 1
		append 1 90
		transfer 1 3
		append 2 100
		install 1 5
		append 1 200
		wait
		transfer 1 4 20
		state 2 3 3
		install 1 9
		append 1 300 300
		commit 1
		flush 1
		append 2 100
		wait
		transfer 1 1
		append 2 70
		install 1 2
		append 1 20*4
		append 2 10
		transfer 1 1
		append 2 20
		install 1 -2
		append 1 60
		create 3
		transfer 3 2
		install 3 6
		append 3 40
		commit 2 1
		flush 2`},
	{Name: "full", Options: wide, Text: `
		create 1
		create 2
		create 3
		state 1 1 1
		append 2 3000 0 50
		append 3 400
		wait
		transfer 3 1
		fill 1 6000
		cut 2 2 100
		commit 1
		wait
		fill 1 20000
		install 3 4
		append 3 10
		commit 1
		wait
		append 2 60 60
		wait
		fill 1 7000
		state 2 9 1
		drop 3
		cut 2 1 500
		wait
		commit 2
		flush 2
		seal`},
	{Name: "roll", Options: wide, Text: `
		create 1
		create 2 12
		state 1 1 1
		state 2 4 2
		append 2 200 60
		wait
		append 1 6000
		wait
		append 1 6000
		commit 1
		flush 1
		wait
		append 1 7000
		wait
		append 1 7000
		commit 1
		flush 1
		wait
		append 1 9000 100
		wait
		append 1 7000
		commit 1
		flush 1
		append 1 5000
		wait
		copy
		append 1 8000
		commit 1
		flush 1
		append 1 8000
		commit 1
		flush 1
		append 1 8000
		commit 1
		flush 1
		append 1 9000
		commit 1
		flush 1
		wait
		append 1 6000
		append 2 40
		wait
		append 1 100`},
	{Name: "around", Options: three, Text: `
		create 1
		create 2
		state 2 2 2
		append 2 500
		append 1 9000
		wait
		append 1 9000
		commit 1
		flush 1
		append 1 9000
		wait
		append 1 9000
		commit 1
		flush 1
		append 1 9000
		wait
		copy
		append 1 9000
		commit 1
		flush 1
		append 1 9000
		cut 2 1 100 100
		wait
		append 1 9000
		commit 1
		flush 1
		wait
		append 1 9000
		wait
		copy
		append 1 9000
		commit 1
		flush 1
		wait
		append 1 9000
		commit 2 1
		flush 2
		state 2 7 1
		wait
		append 1 3000`},
	{Name: "reclaim", Options: wide, Text: `
		create 1
		create 2
		state 1 1 1
		append 2 5000
		append 1 2000*3
		commit 1
		wait
		append 1 3000*4
		commit 1
		wait
		append 1 3000*4
		commit 1
		wait
		append 1 3000*4
		commit 1
		wait
		append 1 3000*4
		cut 2 1 300 300
		commit 1
		wait
		append 1 3000*4
		commit 1
		seal`},
}, hurt...)
