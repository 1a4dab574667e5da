package replica

// Transferring reports whether a snapshot waits here for its batches.
func (g *Group) Transferring() bool { return g.snap != nil }
