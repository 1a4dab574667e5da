package log

import (
	"errors"
	"io"
	"testing"
)

// An index may say that a batch begins behind the end of a file that was cut: nothing is there.
func TestWalkBehindTheEnd(t *testing.T) {
	w := &segmentWalk{seg: &SegmentFile{Size: 100}}
	if _, _, err := w.batch(150, 7); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a batch at byte 150 of 100: %v", err)
	}
}
