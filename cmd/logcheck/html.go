package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"logd/checker"
	"logd/checker/report"
	"logd/checker/second"
)

// maxPage is how many operations a history may have for a page, all of which are kept.
const maxPage = 2_000_000

// viewTimeout is the time that porcupine may take to draw a window of operations.
const viewTimeout = 5 * time.Second

// keeps is how many operations of a history are kept, beside the checks.
func (c *check) keeps() int {
	switch {
	case c.html != "":
		return maxPage
	case c.second:
		return maxSecond
	}
	return 0
}

// page writes the report of a history to the file that --html names.
func (c *check) page(r *result, h *checker.History) error {
	if h == nil {
		return fmt.Errorf("a page is of %d operations at most, choose some with --partition", maxPage)
	}
	d := report.Data{Title: r.File, Verdict: r.Verdict, History: *h, Linear: r.Report}
	if r.Report != nil && r.Report.First() != nil {
		var view bytes.Buffer
		of, err := second.View(&view, *h, r.Report.First(), viewTimeout)
		if err != nil {
			return err
		}
		d.Porcupine, d.PorcupineOf = view.String(), of
	}
	f, err := os.Create(c.html)
	if err != nil {
		return fmt.Errorf("the page of --html: %w", err)
	}
	if err := report.Write(f, d); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
