package checker

import "strings"

// decoder reads lines of the usual spelling without encoding/json: known keys, each
// once, in any order, strings without escapes, and unknown keys with plain values.
// It refuses every other line, which encoding/json then reads, and judges; what it
// takes, it takes as encoding/json would (FuzzDecode).
type decoder struct {
	s string
	i int
	// The slices of the last operation, used again.
	values []string
	offs   []int64
}

// The keys of a line, for keys seen.
const (
	keyID = 1 << iota
	keyClient
	keySession
	keyOp
	keyPart
	keyCall
	keyRet
	keyOutcome
	keyValues
	keyOff
	keyFrom
	keyLimit
	keyLin
	keyOffs
	keyGroup
	keyKind
	keyTarget
	keyPoll
	keyBeginning
	keyProducer
	keyEpoch
	keySeq

	keysOfProducer = keyProducer | keyEpoch | keySeq
)

// keyNames are all that jsonOp knows; those without a bit are left to encoding/json.
var keyNames = [...]string{"id", "client", "session", "op", "part", "call", "ret", "outcome", "values", "off", "from", "limit", "lin", "offs",
	"group", "kind", "target", "poll", "beginning", "parts", "rebalanced", "ops", "producer", "epoch", "seq"}

// decode replaces *op with what the line says, or reports false.
func (d *decoder) decode(line string, op *Op) bool {
	*op = Op{}
	d.s, d.i = line, 0
	var seen uint32
	if !d.byte('{') {
		return false
	}
	for {
		key, ok := d.string()
		if !ok || !d.byte(':') {
			return false
		}
		d.space()
		bit, ok := d.field(key, op)
		if !ok || seen&bit != 0 {
			return false
		}
		seen |= bit
		if d.byte(',') {
			continue
		}
		break
	}
	return d.byte('}') && d.i == len(d.s) && complete(op, seen) && op.Validate() == nil
}

// complete is jsonOp.missing, and what jsonOp.op does with what is there.
func complete(op *Op, seen uint32) bool {
	need := uint32(keyOp)
	if op.Kind != Fault {
		need |= keyCall
	}
	if op.Kind == Trim {
		need |= keyFrom
	}
	if op.Outcome == OK {
		need |= keyRet
		switch op.Kind {
		case Append, Tail, Trim, Start, Commit, FetchOffset:
			need |= keyOff
		case Read:
			need |= keyFrom
		}
	}
	if op.Outcome == Unknown {
		op.Ret = 0
	}
	if of := seen & keysOfProducer; of != 0 && op.Kind == Append {
		op.Idempotent = true
		need |= keysOfProducer
	}
	return seen&need == need && (seen&keyLimit == 0 || op.Limit >= 1)
}

// field reads the value of a key.
func (d *decoder) field(key string, op *Op) (bit uint32, ok bool) {
	switch key {
	case "id":
		return keyID, d.int(&op.ID)
	case "client":
		return keyClient, d.int(&op.Client)
	case "session":
		return keySession, d.int(&op.Session)
	case "call":
		return keyCall, d.int(&op.Call)
	case "ret":
		return keyRet, d.int(&op.Ret)
	case "off":
		return keyOff, d.int(&op.Off)
	case "from":
		return keyFrom, d.int(&op.From)
	case "limit":
		return keyLimit, d.int(&op.Limit)
	case "lin":
		return keyLin, d.bool(&op.Lin)
	case "poll":
		return keyPoll, d.bool(&op.Poll)
	case "beginning":
		return keyBeginning, d.bool(&op.Beginning)
	case "values":
		return keyValues, d.strings(op)
	case "offs":
		return keyOffs, d.ints(op)
	case "part":
		return keyPart, d.text(&op.Partition)
	case "producer":
		return keyProducer, d.int(&op.Producer)
	case "epoch":
		return keyEpoch, d.int(&op.Epoch)
	case "seq":
		return keySeq, d.int(&op.Seq)
	case "group":
		return keyGroup, d.text(&op.Group)
	case "kind":
		return keyKind, d.text(&op.Fault)
	case "target":
		return keyTarget, d.text(&op.Target)
	case "op":
		var name string
		ok = d.text(&name)
		op.Kind = kindOf(name)
		return keyOp, ok && op.Kind != 0
	case "outcome":
		var name string
		ok = d.text(&name)
		op.Outcome = outcomeOf(name)
		return keyOutcome, ok && op.Outcome != 0
	}
	return 0, d.ignore(key)
}

func kindOf(name string) Kind {
	for k, n := range kindNames {
		if k > 0 && n == name {
			return Kind(k)
		}
	}
	return 0
}

func outcomeOf(name string) Outcome {
	for k, n := range outcomeNames {
		if k > 0 && n == name {
			return Outcome(k)
		}
	}
	return 0
}

// ignore reads the value of an unknown key, if it is a string, a whole number or a
// word. encoding/json takes a key for a known one whatever its case.
func (d *decoder) ignore(key string) bool {
	for _, known := range keyNames {
		if strings.EqualFold(key, known) {
			return false
		}
	}
	if d.i == len(d.s) {
		return false
	}
	switch d.s[d.i] {
	case '"':
		_, ok := d.string()
		return ok
	case 't', 'f':
		var b bool
		return d.bool(&b)
	case 'n':
		return d.word("null")
	}
	var n int64
	return d.int(&n)
}

func (d *decoder) space() {
	for d.i < len(d.s) && (d.s[d.i] == ' ' || d.s[d.i] == '\t') {
		d.i++
	}
}

// byte takes c and the space before it.
func (d *decoder) byte(c byte) bool {
	d.space()
	if d.i < len(d.s) && d.s[d.i] == c {
		d.i++
		return true
	}
	return false
}

func (d *decoder) word(w string) bool {
	if strings.HasPrefix(d.s[d.i:], w) {
		d.i += len(w)
		return true
	}
	return false
}

func (d *decoder) bool(b *bool) bool {
	*b = d.word("true")
	return *b || d.word("false")
}

// string takes a string that stands for itself.
func (d *decoder) string() (string, bool) {
	if !d.byte('"') {
		return "", false
	}
	for k := d.i; k < len(d.s); k++ {
		switch c := d.s[k]; {
		case c == '"':
			s := d.s[d.i:k]
			d.i = k + 1
			return s, true
		case c == '\\' || c < 0x20:
			return "", false
		}
	}
	return "", false
}

func (d *decoder) text(s *string) (ok bool) {
	*s, ok = d.string()
	return ok
}

// int takes a whole number of at most 18 digits, as JSON spells it.
func (d *decoder) int(n *int64) bool {
	d.space()
	k, minus := d.i, false
	if k < len(d.s) && d.s[k] == '-' {
		minus = true
		k++
	}
	first := k
	var x int64
	for ; k < len(d.s) && d.s[k] >= '0' && d.s[k] <= '9'; k++ {
		if k-first == 18 {
			return false
		}
		x = x*10 + int64(d.s[k]-'0')
	}
	if k == first || d.s[first] == '0' && k > first+1 || k < len(d.s) && (d.s[k] == '.' || d.s[k] == 'e' || d.s[k] == 'E') {
		return false
	}
	if minus {
		x = -x
	}
	d.i, *n = k, x
	return true
}

func (d *decoder) strings(op *Op) bool {
	if d.values == nil {
		d.values = []string{}
	}
	op.Values = d.values[:0]
	ok := d.list(func() bool {
		s, ok := d.string()
		op.Values = append(op.Values, s)
		return ok
	})
	d.values = op.Values
	return ok
}

func (d *decoder) ints(op *Op) bool {
	if d.offs == nil {
		d.offs = []int64{}
	}
	op.Offs = d.offs[:0]
	ok := d.list(func() bool {
		var n int64
		ok := d.int(&n)
		op.Offs = append(op.Offs, n)
		return ok
	})
	d.offs = op.Offs
	return ok
}

func (d *decoder) list(one func() bool) bool {
	if !d.byte('[') {
		return false
	}
	if d.byte(']') {
		return true
	}
	for one() {
		if !d.byte(',') {
			return d.byte(']')
		}
	}
	return false
}
