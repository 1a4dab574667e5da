package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// sky is what the faults are like for a while.
type sky int

const (
	skyMixed  sky = iota // as the seed drew them
	skyStorm             // three times as often, and other weights
	skyFair              // none new, so that what was broken heals and logs grow
	skyTheme             // one family only
	skyAmbush            // blows wait for their moment (aim.go)
	skies
)

func (s sky) String() string {
	return [...]string{"mixed", "storm", "fair", "theme", "ambush"}[s]
}

// weather is drawn anew again and again, so that calm and storm alternate: faults come from now as options say, of which only what
// the seed has at all is drawn.
type weather struct {
	sky    sky
	faults FaultOptions
}

// changeWeather draws what the faults are like from now on, and when that ends.
func (f *nemesis) changeWeather() {
	if f.stopped {
		return
	}
	f.weather = f.drawWeather(f.forecast)
	f.note("weather: %s", &f.weather)
	if f.forecast.IntN(2) == 0 {
		f.w.decide(quality{drawNet(f.forecast)})
	}
	f.w.after(2*time.Second+time.Duration(f.forecast.Int64N(int64(12*time.Second))), f.changeWeather)
}

func (f *nemesis) drawWeather(rng *rand.Rand) weather {
	o := weather{sky: pick(rng, skyMixed, skyMixed, skyStorm, skyFair, skyTheme, skyAmbush), faults: f.w.opt.Faults}
	was := &f.w.opt.Faults.Weight
	switch o.sky {
	case skyStorm:
		o.faults.Every, o.faults.Last = max(o.faults.Every/3, time.Millisecond), max(o.faults.Last/2, time.Millisecond)
		for k, row := range faultTable {
			if o.faults.Weight[k] = 0; was[k] > 0 && rng.IntN(2) == 0 {
				o.faults.Weight[k] = 1 + rng.IntN(row.weight)
			}
		}
	case skyAmbush:
		o.faults.Every = max(o.faults.Every/2, time.Millisecond)
		o.faults.Weight[faultAmbush] += 30
	case skyFair:
		o.faults.Weight = [faultKinds]int{}
	case skyTheme:
		theme := family(rng.IntN(int(families)))
		o.faults.Every = max(o.faults.Every/2, time.Millisecond)
		for k, row := range faultTable {
			if row.family != theme {
				o.faults.Weight[k] = 0
			}
		}
	}
	return o
}

func (w *weather) String() string {
	if w.sky == skyFair {
		return w.sky.String()
	}
	return fmt.Sprintf("%s every=%v last=%v %s", w.sky, w.faults.Every, w.faults.Last, weights(&w.faults.Weight))
}

// weights lists the faults that there are, each with its weight.
func weights(of *[faultKinds]int) string {
	var faults []string
	for k, weight := range of {
		if weight > 0 {
			faults = append(faults, fmt.Sprintf("%s:%d", faultTable[k].name, weight))
		}
	}
	return strings.Join(faults, " ")
}
