package e2e

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

var (
	kafkaAddr      = flag.String("kafka", "", "a fresh Apache Kafka broker, to take its answers down in testdata/kafka")
	askOnly        = flag.String("ask", "", "ask only the questions whose names begin so, and print the answers")
	rewriteAnswers = flag.Bool("rewrite-answers", false, "take down where logd's answers differ from Kafka's")
)

// Where the answers are. Those of Kafka are Apache Kafka 4.1.0's own; testdata/kafka/README.md has the commands.
const (
	answersOfKafka = moduleRoot + "/testdata/kafka/kafka-4.1.0.txt"
	answersOfLogd  = moduleRoot + "/testdata/kafka/differs.txt"
)

// question is a client's requests, one after the other on one connection.
type question struct {
	name string
	ask  func(k *asker)
}

// asker asks, and takes the answers down.
type asker struct {
	t      *testing.T
	addr   string
	nc     net.Conn
	client string
	corr   int32
	lines  []string
	hidden []string // members' ids and what is written down for them: no two brokers give the same
	quiet  bool
	name   string // of one that asks for another
	of     *asker // whom it tells
	asked  *asked // what isn't answered yet
}

// asked is a request whose answer is to come.
type asked struct {
	name         string
	key, version int16
}

// The same odd requests get the same answers, to the error code and the offset, as Apache Kafka 4.1.0 gave; where they don't,
// differs.txt has what is answered here, and docs/kafka.md why.
func TestAnswers(t *testing.T) {
	t.Parallel()
	addr := *kafkaAddr
	if addr == "" {
		dir := scratchDir(t)
		p := startProcess(t, filepath.Join(dir, "log"), lone(t, filepath.Join(dir, "data"), "--group-initial-rebalance-delay", "0s", "--offsets-partitions", "3")...)
		p.until(t, "broker starts")
		addr = p.arg("--kafka")
	}
	got := answersOf(t, addr)
	if *askOnly != "" {
		return
	}
	if *kafkaAddr != "" {
		writeAnswers(t, answersOfKafka, got)
		return
	}
	want, differ := readAnswers(t, answersOfKafka), readAnswers(t, answersOfLogd)
	if *rewriteAnswers {
		for name, text := range got {
			if text == want[name] {
				delete(got, name)
			}
		}
		writeAnswers(t, answersOfLogd, got)
		return
	}
	for _, q := range questions() {
		w, ok := differ[q.name]
		switch {
		case !ok:
			w = want[q.name]
		case w == want[q.name]:
			t.Errorf("%s: differs.txt has what Kafka answers", q.name)
		}
		if g := got[q.name]; g != w {
			t.Errorf("%s:\n%s\nexpected\n%s", q.name, g, w)
		}
	}
	for name := range differ {
		if _, ok := got[name]; !ok {
			t.Errorf("differs.txt has %q, which isn't asked", name)
		}
	}
}

// answersOf asks a broker everything, a few questions at a time.
func answersOf(t *testing.T, addr string) map[string]string {
	t.Helper()
	prepare(t, addr)
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[string]string{}
	room := make(chan struct{}, 8)
	for _, q := range questions() {
		if !strings.HasPrefix(q.name, *askOnly) {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			room <- struct{}{}
			defer func() { <-room }()
			k := &asker{t: t, addr: addr, client: "asker"}
			defer k.close()
			q.ask(k)
			if *askOnly != "" {
				t.Logf("%s\n%s", q.name, strings.Join(k.lines, "\n"))
			}
			mu.Lock()
			defer mu.Unlock()
			if _, twice := got[q.name]; twice {
				t.Errorf("%q is asked twice", q.name)
			}
			got[q.name] = strings.Join(k.lines, "\n")
		}()
	}
	wg.Wait()
	return got
}

func readAnswers(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, block := range strings.Split(string(text), "\n\n") {
		if name, rest, ok := strings.Cut(strings.TrimSpace(block), "\n"); ok {
			out[name] = rest
		}
	}
	return out
}

func writeAnswers(t *testing.T, file string, answers map[string]string) {
	t.Helper()
	var b strings.Builder
	for _, q := range questions() {
		if text, ok := answers[q.name]; ok {
			fmt.Fprintf(&b, "%s\n%s\n\n", q.name, text)
		}
	}
	if err := os.WriteFile(file, []byte(strings.TrimSuffix(b.String(), "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (k *asker) close() {
	if k.nc != nil {
		k.nc.Close()
		k.nc = nil
	}
}

// ask sends a request in a version and takes its answer down; nil if the connection is closed instead.
func (k *asker) ask(version int16, req kmsg.Request) kmsg.Response {
	k.begin(version, req)
	return k.end()
}

// begin sends a request in a version, and doesn't wait for the answer.
func (k *asker) begin(version int16, req kmsg.Request) {
	req.SetVersion(version)
	k.corr++
	name := fmt.Sprintf("%s %d", kmsg.NameForKey(req.Key()), version)
	k.write(name, req.Key(), version, transport.AppendRequest(k.client, k.corr, req))
}

// send sends bytes and takes the answer down.
func (k *asker) send(name string, key, version int16, frame []byte) kmsg.Response {
	k.write(name, key, version, frame)
	return k.end()
}

func (k *asker) write(name string, key, version int16, frame []byte) {
	if k.nc == nil {
		nc, err := net.Dial("tcp", k.addr)
		if err != nil {
			k.t.Error(err)
			return
		}
		k.nc = nc
	}
	k.nc.SetDeadline(time.Now().Add(patience / 4))
	k.nc.Write(frame) // what goes wrong shows in the answer
	k.asked = &asked{name, key, version}
}

// end waits for the answer to what was begun, and takes it down.
func (k *asker) end() kmsg.Response {
	a := k.asked
	if k.asked = nil; a == nil {
		return nil
	}
	answer, err := readAnswer(k.nc)
	if err != nil {
		k.close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			k.say(a.name + " → no answer")
			return nil
		}
		k.say(a.name + " → closed")
		return nil
	}
	_, resp, err := transport.ParseResponse(answer, a.key, a.version)
	if err != nil {
		k.t.Errorf("%s: %v", a.name, err)
		return nil
	}
	switch r := resp.(type) {
	case *kmsg.JoinGroupResponse:
		k.hide(r.MemberID)
	case *kmsg.ConsumerGroupHeartbeatResponse:
		if r.MemberID != nil {
			k.hide(*r.MemberID)
		}
	}
	k.say(a.name + " → " + render(reflect.ValueOf(resp).Elem(), "", k.replacer()))
	return resp
}

// hide has a member's id written down as M1 and so on, if it is one that a broker made.
func (k *asker) hide(id string) {
	if k.of != nil {
		k = k.of
	}
	if len(id) > 20 && !slices.Contains(k.hidden, id) {
		k.hidden = append(k.hidden, id, fmt.Sprintf("M%d", len(k.hidden)/2+1))
	}
}

// askQuietly sends an ApiVersions whose answer is of version 0.
func (k *asker) askQuietly(frame []byte) (*kmsg.ApiVersionsResponse, bool) {
	was := k.quiet
	k.quiet = true
	r, ok := k.send("ApiVersions", kmsg.ApiVersions.Int16(), 0, frame).(*kmsg.ApiVersionsResponse)
	k.quiet = was
	return r, ok
}

func readAnswer(nc net.Conn) ([]byte, error) {
	if nc == nil {
		return nil, net.ErrClosed
	}
	var head [4]byte
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(nc, answer)
	return answer, err
}

// settle has what was answered take effect: brokers of Kafka hear of it from their controller, some time.
func (k *asker) settle() {
	if *kafkaAddr != "" {
		time.Sleep(2 * time.Second)
	}
}

func (k *asker) say(line string) {
	if k.quiet || k.of != nil && k.of.quiet {
		return
	}
	if k.of != nil {
		k.of.say(k.name + ": " + line)
		return
	}
	k.lines = append(k.lines, line)
}

// Fields that are not compared: two brokers have their own, or words of their own.
var unlike = []string{"Version", "UnknownTags", "ThrottleMillis", "ErrorMessage", "Host", "Port", "Rack", "ClusterID", "Brokers", "NodeID",
	"Documentation", "Leader", "ControllerID", "CurrentLeader", "ISR", "Replicas", "OfflineReplicas", "Features", "AuthorizedOperations", "PreferredReadReplica", "Dir",
	"HeartbeatIntervalMillis"}

// Fields of which only the sign is compared.
var signs = []string{"LeaderEpoch", "Epoch", "ProducerID", "Timestamp", "LogAppendTime", "Size", "TotalBytes", "UsableBytes"}

// replacer has members' ids told by what is written down for them.
func (k *asker) replacer() *strings.Replacer {
	if k.of != nil {
		k = k.of
	}
	return strings.NewReplacer(k.hidden...)
}

// render writes a response down, with known ids as hide has them.
func render(v reflect.Value, name string, hide *strings.Replacer) string {
	switch x := v.Interface().(type) {
	case [16]byte:
		return map[bool]string{true: "none", false: "some"}[x == [16]byte{}]
	case []byte:
		if name == "RecordBatches" {
			return batchesIn(x)
		}
		return hide.Replace(fmt.Sprintf("%q", x))
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "null"
		}
		return render(v.Elem(), name, hide)
	case reflect.String:
		return hide.Replace(fmt.Sprintf("%q", v.String()))
	case reflect.Slice:
		if v.IsNil() {
			return "null"
		}
		var rows []string
		for i := range v.Len() {
			rows = append(rows, render(v.Index(i), name, hide))
		}
		if name == "Groups" || name == "Configs" || name == "Topics" || name == "Members" || name == "Partitions" || name == "TopicPartitions" { // in no order
			slices.Sort(rows)
		}
		return "[" + strings.Join(rows, " ") + "]"
	case reflect.Struct:
		var fields []string
		for i := range v.NumField() {
			f := v.Type().Field(i).Name
			switch {
			case slices.Contains(unlike, f) || f == "Configs" && v.Type() == reflect.TypeFor[kmsg.CreateTopicsResponseTopic](): // Kafka has many more
			case f == "SessionID":
				fields = append(fields, f+":"+map[bool]string{true: "none", false: "some"}[v.Field(i).Int() == 0])
			case f == "LeaderID" && v.Type() != reflect.TypeFor[kmsg.JoinGroupResponse](): // a broker's
			case f == "ErrorCode":
				fields = append(fields, codeName(int16(v.Field(i).Int())))
			case slices.Contains(signs, f) && v.Type() != reflect.TypeFor[kmsg.ConsumerGroupDescribeResponseGroup]():
				fields = append(fields, f+":"+map[bool]string{true: "none", false: "some"}[v.Field(i).Int() < 0])
			default:
				fields = append(fields, f+":"+render(v.Field(i), f, hide))
			}
		}
		return "{" + strings.Join(fields, " ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

func render2(v any) string { return render(reflect.ValueOf(v), "", strings.NewReplacer()) }

func codeName(code int16) string {
	if code == 0 {
		return "OK"
	}
	if e := kerr.TypedErrorForCode(code); e != nil {
		return e.Message
	}
	return fmt.Sprintf("code %d", code)
}

// batchesIn lists the offsets of the batches that were fetched.
func batchesIn(b []byte) string {
	var out []string
	for len(b) >= 61 {
		n := 12 + int(binary.BigEndian.Uint32(b[8:]))
		base := int64(binary.BigEndian.Uint64(b))
		out = append(out, fmt.Sprintf("%d-%d", base, base+int64(binary.BigEndian.Uint32(b[23:]))))
		b = b[min(n, len(b)):]
	}
	if len(b) > 0 {
		out = append(out, "part of one")
	}
	return "<" + strings.Join(out, ",") + ">"
}
