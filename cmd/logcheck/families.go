package main

import (
	"fmt"
	"slices"
	"strings"

	"logd/checker"
	"logd/checker/anomaly"
	"logd/checker/idempotent"
)

// families are the checks on offer, one line each.
func families() []checker.Family {
	return []checker.Family{
		checker.Linearizable,
		anomaly.Family,
		idempotent.Family,
	}
}

// choose returns the families that --check names, or all.
func choose(names []string) ([]checker.Family, error) {
	all := families()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []checker.Family
	for _, name := range names {
		f, _ := checker.Find(all, name)
		if f == nil {
			return nil, fmt.Errorf("no check or anomaly is called %q; there are %s", name, strings.Join(namesOf(all), ", "))
		}
		if !slices.ContainsFunc(chosen, func(c checker.Family) bool { return c.Name == f.Name }) {
			f.Optional = false
			chosen = append(chosen, *f)
		}
	}
	return chosen, nil
}

func namesOf(all []checker.Family) (names []string) {
	for i := range all {
		names = append(names, all[i].Name)
	}
	return names
}

// explain is what --explain prints of a check or an anomaly.
func explain(name string) (string, error) {
	all := families()
	f, a := checker.Find(all, name)
	switch {
	case f == nil:
		return "", fmt.Errorf("no check or anomaly is called %q; the checks are %s, and --explain of one of them names its anomalies", name, strings.Join(namesOf(all), ", "))
	case a == nil:
		var b strings.Builder
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Asks)
		for k := range f.Anomalies {
			fmt.Fprintf(&b, "\n  %s\n      %s\n", f.Anomalies[k].Name, f.Anomalies[k].Means)
		}
		return b.String(), nil
	}
	return fmt.Sprintf("%s (%s): %s\n\n%s\n%s\n", a.Name, f.Name, a.Means, a.Example[0], a.Example[1]), nil
}
