package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

func newCluster(a *app) *cobra.Command {
	cmd := noun(&cobra.Command{Use: "cluster", Short: "Brokers and their health"})
	cmd.AddCommand(newClusterInfo(a), newClusterHealth(a))
	return cmd
}

type clusterInfo struct {
	Cluster    string       `json:"cluster"`
	Controller int32        `json:"controller"`
	Brokers    []brokerInfo `json:"brokers"`
}

type brokerInfo struct {
	ID       int32  `json:"id"`
	Host     string `json:"host"`
	Port     int32  `json:"port"`
	Rack     string `json:"rack,omitempty"`
	Leaders  int    `json:"leaders"`
	Replicas int    `json:"replicas"`
}

func newClusterInfo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Show the cluster's id, controller and brokers",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.clusterInfo(cmd.Context())
		},
	}
}

func (a *app) clusterInfo(ctx context.Context) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	md, err := s.adm.Metadata(ctx)
	if err != nil {
		return s.explain(err)
	}
	info := summarize(md)
	if a.json {
		return a.printJSON(info)
	}
	head := newTable()
	head.add("CLUSTER", info.Cluster)
	head.add("CONTROLLER", brokerOrNone(info.Controller))
	head.add("BROKERS", len(info.Brokers))
	head.print(a.out)
	fmt.Fprintln(a.out)
	t := newTable("ID", "HOST", "PORT", "RACK", "LEADERS", "REPLICAS")
	for _, b := range info.Brokers {
		id := fmt.Sprint(b.ID)
		if b.ID == info.Controller {
			id += "*"
		}
		rack := b.Rack
		if rack == "" {
			rack = "-"
		}
		t.add(id, b.Host, b.Port, rack, b.Leaders, b.Replicas)
	}
	t.print(a.out)
	return nil
}

// summarize counts, per broker, the partitions it leads and those it holds a replica of.
func summarize(md kadm.Metadata) clusterInfo {
	info := clusterInfo{Cluster: md.Cluster, Controller: md.Controller, Brokers: []brokerInfo{}}
	leads, holds := make(map[int32]int), make(map[int32]int)
	md.Topics.EachPartition(func(p kadm.PartitionDetail) {
		if !leaderless(p) {
			leads[p.Leader]++
		}
		for _, r := range p.Replicas {
			holds[r]++
		}
	})
	for _, b := range md.Brokers {
		bi := brokerInfo{ID: b.NodeID, Host: b.Host, Port: b.Port, Leaders: leads[b.NodeID], Replicas: holds[b.NodeID]}
		if b.Rack != nil {
			bi.Rack = *b.Rack
		}
		info.Brokers = append(info.Brokers, bi)
	}
	return info
}

func brokerOrNone(id int32) string {
	if id < 0 {
		return "none"
	}
	return fmt.Sprint(id)
}
