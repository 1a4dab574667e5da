//go:build !linux

package main

import "os"

// openSynced opens a file for buffered writes, each followed by os.File.Sync, which on macOS is F_FULLFSYNC.
func openSynced(name string, _ []byte) (*syncedFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &syncedFile{f: f, method: "write+sync", sync: f.Sync}, nil
}
