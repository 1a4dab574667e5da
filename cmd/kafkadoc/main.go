package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"

	"logd/broker"
)

//go:embed above.md
var above string

//go:embed below.md
var below string

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: kafkadoc > docs/kafka.md")
		os.Exit(2)
	}
	fmt.Print(page())
}

// page is the whole file.
func page() string {
	var b strings.Builder
	b.WriteString("<!-- made by: go run ./cmd/kafkadoc > docs/kafka.md -->\n" + above + "\n")
	apis := broker.APIs()
	count := [3]int{} // served, left out, not for clients
	for _, a := range apis {
		switch {
		case a.Served():
			count[0]++
		case a.ForClients():
			count[1]++
		default:
			count[2]++
		}
	}
	fmt.Fprintf(&b, "Of Kafka 4.1's %d APIs %d are for clients; %d of these are served.\n", len(apis), count[0]+count[1], count[0])
	b.WriteString("\n## Served\n\n| key | API | Kafka 4.1 | here | tested by |\n|---:|---|---|---|---|\n")
	for _, a := range apis {
		if a.Served() {
			fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", a.Key, a.Name, versions(a.KafkaMin, a.KafkaMax), here(a), strings.Join(testsOf(a.Key), ", "))
		}
	}
	b.WriteString("\n## Left out\n\n| key | API | Kafka 4.1 | why |\n|---:|---|---|---|\n")
	for _, a := range apis {
		if !a.Served() && a.ForClients() {
			fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", a.Key, a.Name, versions(a.KafkaMin, a.KafkaMax), a.Left)
		}
	}
	b.WriteString("\n## Not for clients\n\nA broker of Kafka 4.1 doesn't name these to its clients, nor does logd.\n\n| key | API | why |\n|---:|---|---|\n")
	for _, a := range apis {
		if !a.ForClients() {
			fmt.Fprintf(&b, "| %d | %s | %s |\n", a.Key, a.Name, a.Left)
		}
	}
	b.WriteString("\n## Features (KIP-584)\n\n" + features() + "\n" + below)
	return b.String()
}

func versions(min, max int16) string {
	if min == max {
		return fmt.Sprint(min)
	}
	return fmt.Sprintf("%d–%d", min, max)
}

// here is what is served, and what is named if that is another range.
func here(a broker.API) string {
	text := versions(a.Min, a.Max)
	if a.Min < a.KafkaMin {
		text = "**" + fmt.Sprint(a.Min) + "**" + strings.TrimPrefix(text, fmt.Sprint(a.Min))
	}
	if a.Named != a.Min {
		text += fmt.Sprintf(", named from %d", a.Named)
	}
	return text
}

func features() string {
	all := broker.Features()
	if len(all) == 0 {
		return "None is named: a finalized feature obliges the broker to what it stands for.\n"
	}
	var b strings.Builder
	b.WriteString("| feature | supported | finalized |\n|---|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %s | %s | %d |\n", f.Name, versions(f.Min, f.Max), f.Finalized)
	}
	return b.String()
}
