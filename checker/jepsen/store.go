package jepsen

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// files are where a store directory has its history, the best first.
var files = []string{"history.edn", "history.edn.gz", "history.edn.zst", "history.txt", "history.txt.gz", "history.txt.zst"}

// Find returns the file that has the history of a store directory, as Jepsen leaves
// one for each run of a test.
func Find(dir string) (string, error) {
	for _, name := range files {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: no store of Jepsen's: it has none of %s", dir, strings.Join(files, ", "))
}

// Sniff reports whether a text that begins like this is EDN, and not JSON lines.
func Sniff(begin []byte) bool {
	s := strings.TrimLeft(string(begin), " \t\r\n,")
	for strings.HasPrefix(s, ";") {
		_, s, _ = strings.Cut(s, "\n")
		s = strings.TrimLeft(s, " \t\r\n,")
	}
	if rest, ok := strings.CutPrefix(s, "{"); ok {
		return strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n,"), ":")
	}
	return strings.HasPrefix(s, "#") || strings.HasPrefix(s, "[") || strings.HasPrefix(s, "(")
}

// SniffText reports whether a text that begins like this is a history.txt.
func SniffText(begin []byte) bool {
	line, _, _ := strings.Cut(strings.TrimLeft(string(begin), "\n"), "\n")
	columns := strings.Split(line, "\t")
	return len(columns) >= 3 && strings.HasPrefix(columns[1], ":") && strings.HasPrefix(columns[2], ":")
}
