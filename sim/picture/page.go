package picture

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

var (
	//go:embed view.html
	pageHTML string
	//go:embed view.css
	pageCSS string
	//go:embed view_data.js
	pageData string
	//go:embed view_rows.js
	pageRows string
	//go:embed view_draw.js
	pageDraw string
	//go:embed view_tell.js
	pageTell string
	//go:embed view_ui.js
	pageUI string
)

// About is what a page says of the run that it shows.
type About struct {
	Title   string
	Command string // that makes the page again
	Replay  string // that tells the run with a line per event
	Options string
}

// WritePage writes the page: one file that refers to nothing else (V1). The recorder must be finished.
func (r *Recorder) WritePage(w io.Writer, about About) error {
	r.c.Title, r.c.Command, r.c.Replay, r.c.Options = about.Title, about.Command, about.Replay, about.Options
	data, err := r.c.pack()
	if err != nil {
		return fmt.Errorf("the picture of %s can't be packed: %w", about.Title, err)
	}
	script := strings.Join([]string{pageData, pageRows, pageDraw, pageTell, pageUI}, "\n")
	_, err = strings.NewReplacer("/*STYLE*/", pageCSS, "/*SCRIPT*/", script, "/*DATA*/", data).WriteString(w, pageHTML)
	return err
}

// pack is JSON, gzip, base64.
func (c *columns) pack() (string, error) {
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(z).Encode(c); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(zipped.Bytes()), nil
}
