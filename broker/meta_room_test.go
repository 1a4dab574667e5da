package broker

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// alterIn asks for changes of one resource's settings, and returns the code.
func (l *lone) alterIn(kind kmsg.ConfigResourceType, name string, configs ...kmsg.IncrementalAlterConfigsRequestResourceConfig) int16 {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.Configs = kind, name, configs
	req.Resources = append(req.Resources, r)
	return ask[*kmsg.IncrementalAlterConfigsResponse](l, req).Resources[0].ErrorCode
}

// The metadata are written twice in each mark, at each WAL file's head: what would fill that is refused, so that something can be written still,
// and what makes them smaller is not.
func TestMetadataHaveBoundedRoom(t *testing.T) {
	l := startLone(t)
	l.create("a")
	session := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	session.Name, session.Op, session.Value = configGroupSession, kmsg.IncrementalAlterConfigOpSet, kmsg.StringPtr("50000")
	group := func(i int) string { return strings.Repeat("g", 10_000) + string(rune('a'+i)) }
	taken := 0
	for ; taken < 20; taken++ {
		if code := l.alterIn(kmsg.ConfigResourceTypeGroupConfig, group(taken), session); code == errPolicy {
			break
		} else if code != errNone {
			t.Fatalf("group %d: code %d", taken, code)
		}
	}
	if z := l.s.store.Sizes(); taken == 0 || taken == 20 || z.State > z.StateLimit || l.s.store.Blocked() {
		t.Fatalf("%d groups were taken: state %d of %d, blocked %t", taken, z.State, z.StateLimit, l.s.store.Blocked())
	}
	l.s.metaRoom = metaRoom{term: l.s.metaRoom.term - 1, index: 1} // as measured when it led before, and others have since
	if code := l.alterIn(kmsg.ConfigResourceTypeGroupConfig, group(taken), session); code != errPolicy {
		t.Fatalf("code %d, by what was measured in another term", code)
	}
	session.Op, session.Value = kmsg.IncrementalAlterConfigOpDelete, nil
	for i := range 2 {
		if code := l.alterIn(kmsg.ConfigResourceTypeGroupConfig, group(i), session); code != errNone {
			t.Fatalf("settings can't be deleted: code %d", code)
		}
	}
	session.Op, session.Value = kmsg.IncrementalAlterConfigOpSet, kmsg.StringPtr("50000")
	if code := l.alterIn(kmsg.ConfigResourceTypeGroupConfig, group(20), session); code != errNone {
		t.Errorf("code %d, though others were deleted", code)
	}
}

// A command is JSON, in which a byte of a name can take six: one that is longer than any sound one is refused, and not given to the log.
func TestCommandTooLong(t *testing.T) {
	l := startLone(t)
	l.create("a")
	var deletes []kmsg.IncrementalAlterConfigsRequestResourceConfig
	for i := range 120 {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op = strings.Repeat("\x01", 32_000)+string([]byte{byte('a' + i%26), byte('a' + i/26)}), kmsg.IncrementalAlterConfigOpDelete
		deletes = append(deletes, c)
	}
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("it was proposed: %.80v", r)
		}
	}()
	if code := l.alterIn(kmsg.ConfigResourceTypeTopic, "a", deletes...); code != errPolicy {
		t.Errorf("code %d, expected POLICY_VIOLATION", code)
	}
	if code := l.alterIn(kmsg.ConfigResourceTypeTopic, "a", deletes[:1]...); code != errPolicy && code != errNone {
		t.Errorf("code %d of a shorter one", code)
	}
}
