package checker

// Linearizable is check A as a family: its Judge's report has the counts of each
// partition. logcheck and simulations use [Checker] itself, for all it can say.
var Linearizable = Family{
	Name: "linearizable",
	Asks: "is each partition that of one log, with an instant for every append, read and tail between its call and its return?",
	Anomalies: []Anomaly{
		{TwoValuesAtOffset, "An offset holds one value to one operation and another to the next.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["b"],"off":0}`}},
		{ValueAtTwoOffsets, "A value was read at two offsets. Values are unique, so each was appended once.", [2]string{
			`{"id":2,"op":"read","part":"p","call":1,"ret":2,"outcome":"ok","from":0,"values":["a"]}`,
			`{"id":3,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":1,"values":["a"]}`}},
		{NeverSent, "A value was read that nobody has sent, at least not before the read returned.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["x"]}`}},
		{FailedButRead, "A value was read whose append failed, which means certainly not done.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"fail","values":["a"]}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["a"]}`}},
		{ReadElsewhere, "A value was read at another offset than was acknowledged.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":1,"values":["a"]}`}},
		{BatchTorn, "Values of one append are not at successive offsets.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"outcome":"unknown","values":["a","b"]}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["b","a"]}`}},
		{LengthInsideBatch, "A tail, or the end of a linearizable read, lies inside a batch. Batches are appended whole.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b"],"off":0}`,
			`{"id":2,"op":"tail","part":"p","call":1,"ret":2,"outcome":"ok","off":1}`}},
		{ReadOutOfOrder, "A read returned a record before one of a lower offset, or below the offset that it asked for.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b"],"off":0}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["b","a"],"offs":[1,0]}`}},
		{ReadSkipped, "A read passed over an offset that holds a record. Allowed at its beginning, where a trim or retention may have moved the log's start, and in a sparse history where no record is known.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b"],"off":0}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["b"],"offs":[1]}`}},
		{ReadOverLimit, "A read returned more records than it asked for.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b"],"off":0}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"limit":1,"values":["a","b"]}`}},
		{AcknowledgedMissing, "An offset below a known one has no possible writer: each append of unknown outcome is placed elsewhere, or was called too late, or is of the wrong size. Acknowledged data is lost, or offsets were skipped.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["b"],"off":2}`}},
		{TailBeyondEnd, "A tail above all that can have been appended.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"tail","part":"p","call":3,"ret":4,"outcome":"ok","off":2}`}},
		{NotLinearizable, "An append was called only after one of a higher offset had been acknowledged.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["b"],"off":1}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["a"],"off":0}`}},
		{ReadBeforeAppend, "A read showed an offset before the append of it, or of one below it, was called.", [2]string{
			`{"id":1,"op":"read","part":"p","call":1,"ret":2,"outcome":"ok","from":0,"values":["a"]}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["a"],"off":0}`}},
		{TailBeforeAppend, "A tail counted an offset before the append of it, or of one below it, was called.", [2]string{
			`{"id":1,"op":"tail","part":"p","call":1,"ret":2,"outcome":"ok","off":1}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["a"],"off":0}`}},
		{TailWentBack, "A tail lies below what had been acknowledged or shown before it was asked for.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"tail","part":"p","call":3,"ret":4,"outcome":"ok","off":0}`}},
		{StartWentBack, "A start, or a trim's answer, lies below a log start that had been told, or shown by a read that began above the offset it asked for, before it was called.", [2]string{
			`{"id":1,"op":"trim","part":"p","call":1,"ret":2,"outcome":"ok","from":1,"off":1}`,
			`{"id":2,"op":"start","part":"p","call":3,"ret":4,"outcome":"ok","off":0}`}},
		{StartUnasked, "A log begins at an offset that no trim had asked for. Allowed if the history's header says that there is retention.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"start","part":"p","call":3,"ret":4,"outcome":"ok","off":1}`}},
		{StartBeyondEnd, "A log begins above all that can have been appended by then.", [2]string{
			`{"id":1,"op":"trim","part":"p","call":1,"ret":2,"outcome":"ok","from":1,"off":1}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["a"],"off":0}`}},
		{TrimNotDone, "A trim was acknowledged, and the log begins below what it asked for.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"trim","part":"p","call":3,"ret":4,"outcome":"ok","from":1,"off":0}`}},
		{LinearizableReadBack, "A read that promises to be linearizable ends below what had been acknowledged or shown before it was called. Allowed for any other read, such as Kafka's Fetch.", [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"lin":true,"values":[]}`}},
	},
	Begin: func(h Header) Judge { return &lineJudge{New(Options{Sparse: h.Sparse, Retention: h.Retention})} },
}

type lineJudge struct{ c *Checker }

func (j *lineJudge) Complete(op *Op) { j.c.Complete(op) }

func (j *lineJudge) Finish() Findings {
	r := j.c.Finish()
	return r.findings()
}

// findings is the report in the form that all families share.
func (r *Report) findings() Findings {
	f := Findings{Family: Linearizable.Name, Verdict: r.Verdict, Undecided: r.Undecided}
	for i := range r.Partitions {
		p := &r.Partitions[i]
		f.Found += p.Found
		f.Violations = append(f.Violations, p.Violations...)
		for _, why := range p.Undecided {
			f.Undecided = append(f.Undecided, p.Partition+": "+why)
		}
	}
	return f
}
