package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"

	"logd/checker"
	"logd/checker/anomaly"
)

const (
	plotWidth, plotHeight = 1080.0, 170.0
	left, top, low        = 70.0, 24.0, 22.0
	buckets               = 120
)

// series is a line of a plot: one value for each bucket of time, NaN for none.
type series struct {
	name, class string
	values      []float64
}

func newSeries(name, class string, empty float64) series {
	s := series{name, class, make([]float64, buckets)}
	for i := range s.values {
		s.values[i] = empty
	}
	return s
}

func (s *scene) bucket(at int64) int {
	i := int(float64(at-s.begin) / float64(s.end-s.begin) * buckets)
	return max(0, min(i, buckets-1))
}

func (s *scene) x(at int64) float64 {
	return left + (plotWidth-left-10)*float64(at-s.begin)/float64(s.end-s.begin)
}

func (s *scene) plots(lags []anomaly.Lag) []template.HTML {
	return []template.HTML{s.throughput(), s.latency(), s.lag(lags)}
}

// throughput counts operations by outcome, when they returned; unknown ones when they
// were called, for they never did.
func (s *scene) throughput() template.HTML {
	all := []series{newSeries("ok", "ok", 0), newSeries("fail", "fail", 0), newSeries("unknown", "unknown", 0)}
	second := float64(s.end-s.begin) / buckets / 1e9
	unit := "operations a second, by outcome"
	if s.end-s.begin < 1e6 {
		second, unit = 1, "operations, by outcome"
	}
	for _, op := range s.ops {
		switch op.Outcome {
		case checker.OK:
			all[0].values[s.bucket(op.Ret)] += 1 / second
		case checker.Failed:
			all[1].values[s.bucket(op.Ret)] += 1 / second
		case checker.Unknown:
			all[2].values[s.bucket(op.Call)] += 1 / second
		}
	}
	return s.plot("Throughput", unit, all, func(v float64) string { return fmt.Sprintf("%.3g", v) })
}

// latency is of ok operations, in the bucket of their return.
func (s *scene) latency() template.HTML {
	took := make([][]int64, buckets)
	for _, op := range s.ops {
		if op.Outcome == checker.OK {
			i := s.bucket(op.Ret)
			took[i] = append(took[i], op.Ret-op.Call)
		}
	}
	all := []series{newSeries("max", "max", math.NaN()), newSeries("p99", "p99", math.NaN()), newSeries("median", "ok", math.NaN())}
	for i, t := range took {
		if len(t) == 0 {
			continue
		}
		slices.Sort(t)
		for k, at := range []int{len(t) - 1, len(t) * 99 / 100, len(t) / 2} {
			all[k].values[i] = float64(t[at])
		}
	}
	return s.plot("Latency", "of ok operations", all, func(v float64) string { return span(int64(v)) })
}

// lag is the largest in each bucket, for the partitions with the largest.
func (s *scene) lag(lags []anomaly.Lag) template.HTML {
	worst := map[string]int64{}
	var parts []string
	for _, l := range lags {
		if _, ok := worst[l.Partition]; !ok {
			parts = append(parts, l.Partition)
		}
		worst[l.Partition] = max(worst[l.Partition], l.Lag)
	}
	slices.SortStableFunc(parts, func(a, b string) int { return int(min(1, max(-1, worst[b]-worst[a]))) })
	parts = parts[:min(len(parts), 5)]
	var all []series
	for i, p := range parts {
		all = append(all, newSeries(p, fmt.Sprintf("line%d", i), math.NaN()))
	}
	for _, l := range lags {
		if i := slices.Index(parts, l.Partition); i >= 0 {
			v := &all[i].values[s.bucket(l.Time)]
			*v = math.Max(float64(l.Lag), zero(*v))
		}
	}
	about := "how long at least a reader's position had been behind the tail"
	if len(lags) == 0 {
		about = "not known: the history has no polls"
	}
	return s.plot("Realtime lag", about, all, func(v float64) string { return span(int64(v)) })
}

func zero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// plot draws lines over time, with the faults behind them.
func (s *scene) plot(title, unit string, all []series, label func(float64) string) template.HTML {
	g := newSVG(plotWidth, plotHeight)
	high := 0.0
	for _, l := range all {
		for _, v := range l.values {
			high = math.Max(high, zero(v))
		}
	}
	if high == 0 {
		high = 1
	}
	floor := plotHeight - low
	y := func(v float64) float64 { return floor - (floor-top)*v/high }
	s.shade(g, top, floor)
	for _, part := range []float64{0, 0.5, 1} {
		g.line(left, y(part*high), plotWidth-10, y(part*high), "grid")
		g.text(left-6, y(part*high)+4, "axis right", label(part*high))
	}
	g.text(4, 14, "title", title)
	g.text(110, 14, "axis", unit)
	s.axis(g, floor)
	for i, l := range all {
		x := plotWidth - 130*float64(len(all)-i)
		g.line(x, 10, x+16, 10, "curve "+l.class)
		g.text(x+20, 14, "axis", short(l.name, 16))
		var run []point
		for k, v := range l.values {
			if math.IsNaN(v) {
				continue
			}
			run = append(run, point{left + (plotWidth-left-10)*(float64(k)+0.5)/buckets, y(v)})
		}
		g.path(run, "curve "+l.class, l.name)
	}
	return g.done()
}

// shade draws the faults.
func (s *scene) shade(g *svg, from, to float64) {
	for _, f := range s.faults {
		g.rect(s.x(f.From), from, math.Max(1.5, s.x(f.To)-s.x(f.From)), to-from, "fault", f.Name+"\n"+f.Begin+" … "+f.End)
	}
}

func (s *scene) axis(g *svg, y float64) {
	for i := range 7 {
		at := s.begin + (s.end-s.begin)*int64(i)/6
		g.line(s.x(at), y, s.x(at), y+4, "grid")
		class := "axis middle"
		if i == 6 {
			class = "axis right"
		}
		g.text(s.x(at), y+16, class, s.clock(at))
	}
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
