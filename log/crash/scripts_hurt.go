package crash

// hurt are the workloads on disks that are damaged, or full.
var hurt = []Script{
	{Name: "mend", Options: three, Text: `
		create 1
		state 1 1 1
		append 1 300*9
		commit 1
		flush 1
		wait
		rot 1 0
		append 1 100
		mend 1 1
		wait
		rot 1 7
		rot 1 14
		append 1 200
		commit 1
		mend 1
		wait
		flush 1
		wait
		lose 1 5
		append 1 60
		mend 1 2
		wait
		lose 1 0
		mend 1
		wait
		append 1 400
		commit 1
		flush 1
		trim 1 4
		rot 1 9
		mend 1
		wait
		flush 1
		wait
		start
		append 1 30`},
	{Name: "heal", Options: small, Text: `
		create 1
		create 2
		state 1 1 1
		state 2 3 2
		append 1 300 200 250
		append 2 700
		wait
		append 1 160 400
		wait
		forget 1 2
		append 1 80
		heal 1
		append 1 80
		wait
		forget 2 1
		forget 1 4
		commit 1 3
		flush 1
		state 2 4 1
		heal 2
		append 2 90
		wait
		cut 1 3 300
		wait
		commit 1
		flush 1
		append 1 170
		commit 2
		flush 2
		wait
		forget 1 6
		seal
		wait
		ruin
		heal 1
		wait
		append 1 200
		wait
		stray
		heal 1
		heal 2
		wait
		ruin`},
	{Name: "heal-late", Options: three, Text: `
		create 1
		create 2
		state 1 1 1
		append 2 600 200
		wait
		append 1 9000
		wait
		append 1 9000
		commit 1
		flush 1
		wait
		forget 2 1
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
		wait
		heal 2
		append 1 9000
		commit 1
		flush 1
		wait
		append 1 3000
		wait
		ruin`},
	{Name: "sync-fails", Options: three, Text: `
		create 1
		create 2
		state 1 1 1
		append 1 300*3
		wait
		commit 1
		failsync 0
		flush 1
		append 2 100
		wait
		append 1 500
		failsync 1
		append 2 100 200
		state 1 4 2
		wait
		append 1 300*4
		wait
		commit 1
		failsync 1
		flush 1
		wait
		append 1 300*4
		wait
		commit 1
		failsync 2
		flush 1
		append 2 700
		wait
		flush 1
		append 1 40
		commit 2
		flush 2
		wait
		append 1 60`},
	{Name: "no-room", Options: three, Text: `
		create 1
		create 2
		state 1 1 1
		append 1 300*3
		append 2 200
		wait
		commit 1
		commit 2
		full 0
		flush 1
		space
		wait
		append 1 500
		wait
		commit 1
		full 2
		flush 1
		flush 2
		space
		wait
		append 1 300*4
		wait
		commit 1
		full 1
		flush 1
		space
		wait
		append 1 300*4
		wait
		commit 1
		full 3 2
		flush 1
		space
		wait
		append 1 300*4
		wait
		commit 1
		full 5 2
		flush 1
		append 2 100
		commit 2
		flush 2
		space
		wait
		append 1 300*4
		wait
		commit 1
		full 7 4
		flush 1
		trim 1 6
		space
		wait
		append 1 300*4
		wait
		commit 1
		full 9
		flush 1
		space
		wait
		flush 1
		wait
		rot 1 20
		full 0
		mend 1
		space
		mend 1
		wait
		rot 1 20
		full 1
		mend 1
		space
		mend 1
		wait
		append 1 60`},
}
