package checker

// Anomaly is a kind of violation, as logcheck --explain prints it.
type Anomaly struct {
	// Name is that of its violations, [Violation].Name.
	Name string
	// Means says when a history shows it, and what looks like it and is allowed.
	Means string
	// Example is two operations that show it, as lines of a history.
	Example [2]string
}

// Family is a check that a command offers by name: a question to a history, and
// the anomalies that it may find.
type Family struct {
	// Name is that of logcheck --check; the name of an anomaly stands for its family too.
	Name string
	// Asks is the question, in one line.
	Asks      string
	Anomalies []Anomaly
	// Optional says that there are histories that it has nothing to ask of. Of these its Judge's
	// verdict is Undecided, which counts only if somebody chose the family.
	Optional bool
	// Begin returns a Judge of a new history.
	Begin func(h Header) Judge
}

// Judge hears a history, operation by operation in the order of its file, and
// says what is wrong with it. It need not be safe for several goroutines.
type Judge interface {
	// Complete hears one operation. *op and its slices are the caller's, and change
	// after the return; what the Judge keeps it clones. Its strings stay as they are,
	// but may be cut from a block of the file, which a kept one holds in memory:
	// strings.Clone lets go of it.
	Complete(op *Op)
	// Finish gives the verdict, once, after the last operation.
	Finish() Findings
}

// Findings is what a Judge says of a history.
type Findings struct {
	Family  string  `json:"family"`
	Verdict Verdict `json:"verdict"`
	// Violations in the order they were found, at most MaxViolations of each
	// partition; Found counts all.
	Violations []Violation `json:"violations,omitempty"`
	Found      int64       `json:"found"`
	// Undecided says why the verdict is unknown.
	Undecided []string `json:"undecided,omitempty"`
	// Figures are what it counted, as a table of one row or several.
	Figures []Figure `json:"figures,omitempty"`
}

// Figure is one number of a table, such as {"orders/0", "reads", 17}. Figures of
// one Row stand on one line, and the first row names the columns.
type Figure struct {
	Row    string `json:"row"`
	Column string `json:"column"`
	Value  int64  `json:"value"`
}

// Find returns the family that is called name or has an anomaly of that name.
func Find(all []Family, name string) (*Family, *Anomaly) {
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
		for k := range all[i].Anomalies {
			if a := &all[i].Anomalies[k]; a.Name == name {
				return &all[i], a
			}
		}
	}
	return nil, nil
}
