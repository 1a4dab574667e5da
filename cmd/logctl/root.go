package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// newRoot builds the command tree. Flags shared by all commands live here.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "logctl",
		Short: "Client, admin and benchmark of a logd cluster",
		Long:  `Client, admin and benchmark of a logd cluster, or of any that speaks Kafka's protocol.`,
		Example: `  logctl topic create orders -p 12
  echo hello | logctl topic produce orders
  logctl topic consume orders --follow
  logctl cluster health --watch`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.checkFlags()
		},
	}
	seeds := strings.Split(defaultBrokers, ",")
	if env := a.getenv("LOGCTL_BROKERS"); env != "" {
		seeds = strings.Split(env, ",")
	}
	fl := root.PersistentFlags()
	fl.StringSliceVarP(&a.brokers, "brokers", "b", seeds, "broker addresses, host:port, to start from (env LOGCTL_BROKERS)")
	fl.BoolVar(&a.json, "json", false, "print JSON instead of tables")
	fl.DurationVar(&a.timeout, "timeout", 10*time.Second, "longest wait for brokers")
	root.SetUsageTemplate(root.UsageTemplate() + `
Exit status: 0 done, 1 error, 2 wrong usage, 10 the cluster is not healthy (cluster health). Of scrub: 1 something is damaged or
differs, 2 a broker can't be reached.
`)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err}.asExit() })
	noun(root)
	root.AddCommand(newTopic(a), newCluster(a), newBench(a), newScrub(a), newVersion(a))
	return root
}

// checkFlags validates the shared flags and gives every address a port.
func (a *app) checkFlags() error {
	if a.timeout <= 0 {
		return usagef("--timeout is %v; give a positive duration such as 10s", a.timeout)
	}
	var seeds []string
	for _, b := range a.brokers {
		b = strings.TrimSpace(b)
		if b == "" {
			continue
		}
		if !strings.Contains(b, ":") {
			b += ":9092"
		}
		seeds = append(seeds, b)
	}
	if len(seeds) == 0 {
		return usagef("--brokers is empty; give at least one host:port")
	}
	a.brokers = seeds
	return nil
}

// noun makes a command that only groups others refuse to do nothing silently.
func noun(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("say what to do: %s", strings.Join(verbs(cmd), ", "))
		}
		msg := fmt.Sprintf("unknown command %q; there are: %s", args[0], strings.Join(verbs(cmd), ", "))
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			msg = fmt.Sprintf("unknown command %q; did you mean %s?", args[0], strings.Join(near, " or "))
		}
		return usagef("%s", msg)
	}
	return cmd
}

func verbs(cmd *cobra.Command) []string {
	var out []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			out = append(out, c.Name())
		}
	}
	return out
}

// names checks that a command got between min and max arguments (max < 0: any number), each a possible topic name.
func names(what string, min, max int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < min {
			return usagef("missing %s", what)
		}
		if max >= 0 && len(args) > max {
			return usagef("unexpected argument %q after %s", args[max], what)
		}
		for _, n := range args {
			if err := checkTopicName(n); err != nil {
				return err
			}
		}
		return nil
	}
}

// checkTopicName applies Kafka's rule for topic names, so that a typing slip needs no round trip.
func checkTopicName(n string) error {
	if n == "" || n == "." || n == ".." || len(n) > 249 {
		return usagef("topic name %q is not allowed: 1 to 249 characters, not . or ..", n)
	}
	for _, c := range n {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
		if !ok {
			return usagef("topic name %q has %q; letters, digits, '.', '_' and '-' are allowed", n, c)
		}
	}
	return nil
}

// none refuses positional arguments.
func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}
