package sim

// moment is told of each mark.
func (f *nemesis) moment(m Mark, n *node) {}
