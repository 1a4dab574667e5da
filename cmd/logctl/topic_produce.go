package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

type produceFlags struct {
	key       string
	hasKey    bool
	partition int32
	delimiter string
	headers   []string
	codec     string
	acks      string
}

func newTopicProduce(a *app) *cobra.Command {
	var f produceFlags
	cmd := &cobra.Command{
		Use:   "produce NAME",
		Short: "Send stdin's lines as records",
		Long: `Send each line of stdin as one record, its line feed dropped and nothing else.

Lines with a key go to the partition that key's hash names (as in every Kafka client), others to one partition after
another, unless --partition. The lines of one partition keep their order. No line is ever sent twice: one that was refused
is tried again until --timeout, one whose outcome can't be known is reported as unclear.`,
		Example: `  echo hello | logctl topic produce greetings
  logctl topic produce orders -K '\t' -z zstd < orders.tsv
  logctl topic produce orders -k customer-7 -p 3 -H source=cli`,
		Args: names("topic name", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.hasKey = cmd.Flags().Changed("key")
			if cmd.Flags().Changed("partition") && f.partition < 0 {
				return usagef("--partition is %d; give 0 or more", f.partition)
			}
			return a.produceTopic(cmd.Context(), args[0], f)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.key, "key", "k", "", "key of every record")
	fl.Int32VarP(&f.partition, "partition", "p", -1, "partition of every record")
	fl.StringVarP(&f.delimiter, "key-delimiter", "K", "", `what ends the key on each line, such as ':' or '\t'`)
	fl.StringArrayVarP(&f.headers, "header", "H", nil, "header of every record, key=value; repeatable")
	fl.StringVarP(&f.codec, "compression", "z", "none", "none, gzip, snappy, lz4 or zstd")
	fl.StringVar(&f.acks, "acks", "all", "wait for: all or 1 (a majority, on disk), 0 (nobody: nothing is confirmed)")
	return cmd
}

func (a *app) produceTopic(ctx context.Context, name string, f produceFlags) error {
	acks, err := parseAcks(f.acks)
	if err != nil {
		return err
	}
	comp, err := codecNamed(f.codec)
	if err != nil {
		return err
	}
	mk, err := newLineMaker(name, f)
	if err != nil {
		return err
	}
	// kgo puts its own acks into every produce request, so they are set there.
	s, err := a.connect(ctx, checkedDialer(a.dialTimeout()), kgo.RequiredAcks(acks))
	if err != nil {
		return err
	}
	defer s.Close()
	td, created, err := s.topicToProduce(ctx, name)
	if err != nil {
		return err
	}
	n := len(td.Partitions)
	if created {
		a.note("created topic %s with %s", name, plural(int64(n), "partition"))
	}
	if int(f.partition) >= n {
		return fmt.Errorf("topic %s has no partition %d; it has 0 to %d", name, f.partition, n-1)
	}
	mk.spread = newSpread(name, f.partition, n)
	rep := newProduceReport(a)
	snd := &sender{session: s, topic: name, confirmed: acks != kgo.NoAck(), comp: comp}
	snd.refresh(ctx)
	err = a.pump(ctx, mk, snd, rep)
	return rep.finish(err)
}

func parseAcks(s string) (kgo.Acks, error) {
	switch s {
	case "all", "-1":
		return kgo.AllISRAcks(), nil
	case "1":
		return kgo.LeaderAck(), nil
	case "0":
		return kgo.NoAck(), nil
	}
	return kgo.Acks{}, usagef("--acks %q is unknown; there are all, 1, 0", s)
}

// lineMaker turns a line of input into a record.
type lineMaker struct {
	topic     string
	key       []byte
	delimiter string
	headers   []kgo.RecordHeader
	spread    *spread
	number    int64
}

func newLineMaker(topic string, f produceFlags) (*lineMaker, error) {
	m := &lineMaker{topic: topic}
	if f.hasKey && f.delimiter != "" {
		return nil, usagef("--key and --key-delimiter exclude each other")
	}
	if f.hasKey {
		m.key = []byte(f.key)
	}
	var err error
	if m.delimiter, err = unescape(f.delimiter); err != nil {
		return nil, err
	}
	for _, h := range f.headers {
		k, v, ok := strings.Cut(h, "=")
		if !ok || k == "" {
			return nil, usagef("--header %q is not key=value", h)
		}
		m.headers = append(m.headers, kgo.RecordHeader{Key: k, Value: []byte(v)})
	}
	return m, nil
}

// spread chooses partitions: the one that was asked for, else by key, else one partition per chunk in turn.
type spread struct {
	fixed int32
	n     int
	byKey kgo.TopicPartitioner
	turn  int
}

func newSpread(topic string, fixed int32, n int) *spread {
	return &spread{fixed: fixed, n: n, byKey: kgo.StickyKeyPartitioner(nil).ForTopic(topic)}
}

func (s *spread) pick(r *kgo.Record) int32 {
	switch {
	case s.fixed >= 0:
		return s.fixed
	case r.Key != nil:
		return int32(s.byKey.Partition(r, s.n))
	}
	return int32(s.turn % s.n)
}
