// Package golden compares what tests get with answers stored in files: formats on disk and on the wire, reports, outputs of commands. Only
// tests import it.
//
//	go test ./checker -rewrite     writes them anew
package golden
