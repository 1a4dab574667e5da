package report

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// svg is a drawing under way. Text goes in through text, title and attr only (H1).
type svg struct {
	b             strings.Builder
	width, height float64
}

func newSVG(width, height float64) *svg { return &svg{width: width, height: height} }

func (s *svg) rect(x, y, w, h float64, class, title string) {
	fmt.Fprintf(&s.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="%s">%s</rect>`, x, y, w, h, html.EscapeString(class), titled(title))
}

func (s *svg) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&s.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, html.EscapeString(class))
}

func (s *svg) text(x, y float64, class, text string) {
	fmt.Fprintf(&s.b, `<text x="%.1f" y="%.1f" class="%s">%s</text>`, x, y, html.EscapeString(class), html.EscapeString(text))
}

type point struct{ x, y float64 }

func (s *svg) path(points []point, class, title string) {
	if len(points) == 0 {
		return
	}
	fmt.Fprintf(&s.b, `<path class="%s" d="`, html.EscapeString(class))
	for i, p := range points {
		fmt.Fprintf(&s.b, "%c%.1f %.1f", "ML"[min(i, 1)], p.x, p.y)
	}
	fmt.Fprintf(&s.b, `">%s</path>`, titled(title))
}

func titled(text string) string {
	if text == "" {
		return ""
	}
	return "<title>" + html.EscapeString(text) + "</title>"
}

func (s *svg) done() template.HTML {
	return template.HTML(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f">%s</svg>`,
		s.width, s.height, s.width, s.height, s.b.String()))
}
