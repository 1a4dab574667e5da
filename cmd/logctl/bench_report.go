package main

import (
	"fmt"
	"time"
)

// benchReport is the result of bench produce and bench consume.
type benchReport struct {
	Bench        string      `json:"bench"`
	Mode         string      `json:"mode"`
	Topic        string      `json:"topic"`
	Partitions   int         `json:"partitions"`
	Replication  int         `json:"replication"`
	RecordBytes  int         `json:"record_bytes,omitempty"`
	BatchBytes   int32       `json:"batch_bytes,omitempty"`
	LingerMS     float64     `json:"linger_ms"`
	Clients      int         `json:"clients"`
	InFlight     int         `json:"in_flight_requests,omitempty"`
	Acks         string      `json:"acks,omitempty"`
	Compression  string      `json:"compression,omitempty"`
	WarmupS      float64     `json:"warmup_s"`
	Seconds      float64     `json:"seconds"`
	Records      int64       `json:"records"`
	Bytes        int64       `json:"bytes"`
	Errors       int64       `json:"errors"`
	FirstError   string      `json:"first_error,omitempty"`
	RecordsPerS  float64     `json:"records_per_s"`
	MBPerS       float64     `json:"mb_per_s"`
	LatencyOf    string      `json:"latency_of"`
	Latency      latencyJSON `json:"latency"`
	ClientCPUS   float64     `json:"client_cpu_s"`
	ClientPerGB  float64     `json:"client_cpu_s_per_gb"`
	Brokers      []procJSON  `json:"brokers,omitempty"`
	BrokersCPUS  float64     `json:"brokers_cpu_s,omitempty"`
	BrokersPerGB float64     `json:"brokers_cpu_s_per_gb,omitempty"`
}

type procJSON struct {
	PID     int     `json:"pid"`
	CPUS    float64 `json:"cpu_s"`
	PerGB   float64 `json:"cpu_s_per_gb"`
	PeakRSS int64   `json:"peak_rss_bytes"`
}

// fill puts in what was counted and measured; a report of nothing has rates of 0.
func (r *benchReport) fill(w *window, m measured, l *latencies) {
	r.Records, r.Bytes, r.Errors = w.records.Load(), w.bytes.Load(), w.errors.Load()
	if f := w.failure.Load(); f != nil {
		r.FirstError = *f
	}
	r.Seconds = m.elapsed.Seconds()
	if r.Seconds > 0 {
		r.RecordsPerS = float64(r.Records) / r.Seconds
		r.MBPerS = float64(r.Bytes) / 1e6 / r.Seconds
	}
	r.Latency = l.summary()
	perGB := func(d time.Duration) float64 {
		if r.Bytes == 0 {
			return 0
		}
		return d.Seconds() / (float64(r.Bytes) / 1e9)
	}
	r.ClientCPUS, r.ClientPerGB = m.client.Seconds(), perGB(m.client)
	for _, p := range m.brokers {
		r.Brokers = append(r.Brokers, procJSON{PID: p.pid, CPUS: p.cpu.Seconds(), PerGB: perGB(p.cpu), PeakRSS: p.rss})
		r.BrokersCPUS += p.cpu.Seconds()
		r.BrokersPerGB += perGB(p.cpu)
	}
}

func (r *benchReport) print(a *app) error {
	if a.json {
		return a.printJSON(r)
	}
	head := newTable()
	head.add("MODE", r.Mode)
	head.add("TOPIC", fmt.Sprintf("%s: %s, replication %d", r.Topic, plural(int64(r.Partitions), "partition"), r.Replication))
	if r.RecordBytes > 0 {
		head.add("RECORD", fmt.Sprintf("%d B random, batches to %d B, linger %gms, compression %s, acks %s",
			r.RecordBytes, r.BatchBytes, r.LingerMS, r.Compression, r.Acks))
	}
	head.add("WINDOW", fmt.Sprintf("%.2fs after a warm-up of %gs", r.Seconds, r.WarmupS))
	head.add("LATENCY OF", r.LatencyOf)
	head.print(a.out)
	fmt.Fprintln(a.out)
	t := newTable("RECORDS", "RECORDS/S", "MB/S", "P50", "P99", "P99.9", "MAX", "ERRORS")
	l := r.Latency
	t.add(r.Records, fmt.Sprintf("%.0f", r.RecordsPerS), fmt.Sprintf("%.1f", r.MBPerS),
		micros(l.P50), micros(l.P99), micros(l.P999), micros(l.Max), r.Errors)
	t.print(a.out)
	fmt.Fprintln(a.out)
	c := newTable("PROCESS", "PID", "CPU-S", "CPU-S/GB", "PEAK-RSS")
	for _, b := range r.Brokers {
		c.add("broker", b.PID, fmt.Sprintf("%.2f", b.CPUS), fmt.Sprintf("%.2f", b.PerGB), fmt.Sprintf("%.1f MB", float64(b.PeakRSS)/1e6))
	}
	if len(r.Brokers) > 1 {
		c.add("brokers", "all", fmt.Sprintf("%.2f", r.BrokersCPUS), fmt.Sprintf("%.2f", r.BrokersPerGB), "-")
	}
	c.add("client", "-", fmt.Sprintf("%.2f", r.ClientCPUS), fmt.Sprintf("%.2f", r.ClientPerGB), "-")
	c.print(a.out)
	return nil
}

// verdict fails a bench that measured nothing or saw errors: its numbers would be quoted otherwise.
func (r *benchReport) verdict() error {
	switch {
	case r.Errors > 0:
		return fmt.Errorf("%s; the first: %s", plural(r.Errors, "failed record"), r.FirstError)
	case r.Records == 0:
		return fmt.Errorf("nothing was measured in %.1fs; see: logctl cluster health", r.Seconds)
	}
	return nil
}
