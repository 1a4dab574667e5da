package broker

import (
	"bufio"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
)

// What a topic's settings ask of each record: Kafka's LogValidator.validateRecord. All records of a batch are looked at, and
// if any is refused then the batch is.

// recordError says what is wrong with one record of a batch that is refused (KIP-467).
type recordError struct {
	index int32 // of the record in its batch
	text  string
}

// maxRecordErrors bounds the rejected records that a response names; Kafka names all.
const maxRecordErrors = 100

// rejection gathers the records of a batch that are refused.
type rejection struct {
	count int
	time  bool // one of them for its timestamp
	rows  []recordError
}

func (r *rejection) add(index int32, time bool, format string, args ...any) {
	r.count++
	r.time = r.time || time
	if len(r.rows) < maxRecordErrors {
		r.rows = append(r.rows, recordError{index, fmt.Sprintf(format, args...)})
	}
}

// refusal is LogValidator.processRecordErrors.
func (r *rejection) refusal() refusal {
	switch {
	case r.count == 0:
		return refusal{}
	case r.time:
		return refuse(errBadTimestamp, "One or more records have been rejected due to invalid timestamp")
	}
	return refuse(errBadRecord, "One or more records have been rejected due to %d record errors in total, the first of which is: record %d: %s", r.count, r.rows[0].index, r.rows[0].text)
}

// look validates one record. A record without a timestamp, -1, has none that could be out of range.
func (rules batchRules) look(r *rejection, i int32, timestamp int64, keyed bool) {
	if rules.compacted && !keyed {
		r.add(i, false, "Compacted topic cannot accept message without key.")
		return
	}
	if from, to := rules.timeRange(); !rules.logAppendTime && timestamp != noTimestamp && (timestamp < from || timestamp > to) {
		r.add(i, true, "Timestamp %d of message with offset %d is out of range. The timestamp should be within [%d, %d]", timestamp, i, from, to)
	}
}

// timeRange is what a record's timestamp may be, in ms, ends included.
func (rules batchRules) timeRange() (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if rules.wall >= math.MinInt64+rules.beforeMax {
		from = rules.wall - rules.beforeMax
	}
	if rules.wall <= math.MaxInt64-rules.afterMax {
		to = rules.wall + rules.afterMax
	}
	return from, to
}

// lookCompressed validates the records of a compressed batch. It inflates them only if the topic asks for what a header can't
// say: each record's key, or how old the oldest is. The newest timestamp is in the header, where its producer put it.
func (rules batchRules) lookCompressed(batch []byte, h log.Batch) (rejection, refusal) {
	var r rejection
	if !rules.compacted && (rules.beforeMax == math.MaxInt64 || rules.logAppendTime) {
		rules.look(&r, 0, h.FirstTimestamp, true)
		if r.count == 0 {
			rules.look(&r, h.LastOffsetDelta, h.MaxTimestamp, true)
		}
		return r, refusal{}
	}
	in, err := inflate(int(h.Attributes&attrCodec), batch[log.BatchHeader:])
	if err != nil {
		return r, refuse(errBadRecord, "Records can't be inflated: %v", err)
	}
	records := recordReader{r: bufio.NewReader(&limitedReader{r: in, left: maxInflated})}
	for i := range h.NumRecords {
		rec, err := records.next()
		if err == nil && rec.offsetDelta != i {
			err = fmt.Errorf("%w: offset delta %d", errBadRecordBytes, rec.offsetDelta)
		}
		if err != nil {
			return r, refuse(errBadRecord, "Record %d of %d: %v", i, h.NumRecords, err)
		}
		rules.look(&r, i, h.FirstTimestamp+rec.timestampDelta, rec.keyed)
	}
	return r, refusal{}
}

// errorRecords are the rejected records as they go into a response.
func errorRecords(rows []recordError) []kmsg.ProduceResponseTopicPartitionErrorRecord {
	out := make([]kmsg.ProduceResponseTopicPartitionErrorRecord, len(rows)) // never null: Java's client fails on that
	for i := range rows {
		out[i] = kmsg.ProduceResponseTopicPartitionErrorRecord{RelativeOffset: rows[i].index, ErrorMessage: &rows[i].text}
	}
	return out
}
