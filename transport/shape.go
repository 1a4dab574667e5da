package transport

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A shape says where a message's arrays and tagged fields are, so that [walk] can follow its bytes:
//
//	1 2 4 8 16   a field of so many bytes          s       a string        b       records, which aren't copied
//	*4 *s        an array of plain fields          [ ... ] an array of structs      o       other bytes
//	#0 4         tagged field 0 of this struct     { ... } a struct, in a tagged field or in line
//	?{ ... }     a struct in line that may be null: a byte, negative if it is
//
// and in front of any of them the versions that have it: 3+: -12: 7-12: . A test holds every shape against kmsg.
type shape struct {
	flexible int16 // the first version with compact lengths and tagged fields
	fields   []field
}

type field struct {
	from, to int16
	tag      int // noTag if it stands in line
	kind     byte
	size     int     // of kind fixed, and of the elements of kind plain; 0 there means strings
	of       []field // of kinds list and group
}

const (
	fixed byte = 'f'
	str   byte = 's'
	blob  byte = 'b'
	octet byte = 'o'
	plain byte = '*'
	list  byte = '['
	group byte = '{'
	maybe byte = '?'

	noTag = -1
)

var requestShapes = map[int16]shape{
	kmsg.Produce.Int16(): newShape(9, "3+:s 2 4 [ -12:s 13+:16 [ 4 b ] ]"),
	kmsg.Fetch.Int16(): newShape(12, "-14:4 4 4 3+:4 4+:1 7+:4 7+:4"+
		" [ -12:s 13+:16 [ 4 9+:4 8 12+:4 5+:8 4 #0 16 #1 8 ] ] 7+:[ -12:s 13+:16 *4 ] 11+:s #0 s #1 { 4 8 }"),
	kmsg.ListOffsets.Int16():             newShape(6, "4 2+:1 [ s [ 4 4+:4 8 -0:4 ] ] 10+:4"),
	kmsg.Metadata.Int16():                newShape(9, "[ 10+:16 s ] 4+:1 8-10:1 8+:1"),
	kmsg.FindCoordinator.Int16():         newShape(3, "-3:s 1+:1 4+:*s"),
	kmsg.ApiVersions.Int16():             newShape(3, "3+:s 3+:s 5+:s 5+:4"),
	kmsg.CreateTopics.Int16():            newShape(5, "[ s 4 2 [ 4 *4 ] [ s s ] ] 4 1+:1"),
	kmsg.DeleteTopics.Int16():            newShape(4, "-5:*s 6+:[ s 16 ] 4"),
	kmsg.DeleteRecords.Int16():           newShape(2, "[ s [ 4 8 ] ] 4"),
	kmsg.OffsetForLeaderEpoch.Int16():    newShape(4, "3+:4 [ s [ 4 2+:4 4 ] ]"),
	kmsg.InitProducerID.Int16():          newShape(2, "s 4 3+:8 3+:2 6+:1 6+:1"),
	kmsg.DescribeProducers.Int16():       newShape(0, "[ s *4 ]"),
	kmsg.AlterConfigs.Int16():            newShape(2, "[ 1 s [ s s ] ] 1"),
	kmsg.DescribeConfigs.Int16():         newShape(4, "[ 1 s *s ] 1+:1 3+:1"),
	kmsg.IncrementalAlterConfigs.Int16(): newShape(1, "[ 1 s [ s 1 s ] ] 1"),
	kmsg.DescribeCluster.Int16():         newShape(0, "1 1+:1 2+:1"),

	kmsg.OffsetCommit.Int16():   newShape(8, "s 1+:4 1+:s 7+:s 2-4:8 [ -9:s 10+:16 [ 4 8 1-1:8 6+:4 s ] ]"),
	kmsg.OffsetFetch.Int16():    newShape(6, "-7:s -7:[ s *4 ] 8+:[ s 9+:s 9+:4 [ -9:s 10+:16 *4 ] ] 7+:1"),
	kmsg.JoinGroup.Int16():      newShape(6, "s 4 1+:4 s 5+:s s [ s o ] 8+:s"),
	kmsg.Heartbeat.Int16():      newShape(4, "s 4 s 3+:s"),
	kmsg.LeaveGroup.Int16():     newShape(4, "s -2:s 3+:[ s s 5+:s ]"),
	kmsg.SyncGroup.Int16():      newShape(4, "s 4 s 3+:s 5+:s 5+:s [ s o ]"),
	kmsg.DescribeGroups.Int16(): newShape(5, "*s 3+:1"),
	kmsg.ListGroups.Int16():     newShape(3, "4+:*s 5+:*s"),
	kmsg.DeleteGroups.Int16():   newShape(2, "*s"),
	kmsg.OffsetDelete.Int16():   newShape(math.MaxInt16, "s [ s [ 4 ] ]"),

	kmsg.ConsumerGroupHeartbeat.Int16(): newShape(0, "s s 4 s s 4 *s 1+:s s [ 16 *4 ]"),
	kmsg.ConsumerGroupDescribe.Int16():  newShape(0, "*s 1"),
	kmsg.ListConfigResources.Int16():    newShape(0, "1+:*1"),

	kmsg.DescribeLogDirs.Int16():         newShape(2, "[ s *4 ]"),
	kmsg.DescribeTopicPartitions.Int16(): newShape(0, "[ s ] 4 ?{ s 4 }"),
}

var responseShapes = map[int16]shape{
	kmsg.Produce.Int16(): newShape(9, "[ -12:s 13+:16 [ 4 2 8 2+:8 5+:8 8+:[ 4 s ] 8+:s #0 { 4 4 } ] ] 1+:4 #0 [ 4 s 4 s ]"),
	kmsg.Fetch.Int16(): newShape(12, "1+:4 7+:2 7+:4"+
		" [ -12:s 13+:16 [ 4 2 8 4+:8 5+:8 4+:[ 8 8 ] 11+:4 b #0 { 4 8 } #1 { 4 4 } #2 { 8 4 } ] ] #0 [ 4 s 4 s ]"),
	kmsg.ListOffsets.Int16():             newShape(6, "2+:4 [ s [ 4 2 -0:*8 1+:8 1+:8 4+:4 ] ]"),
	kmsg.Metadata.Int16():                newShape(9, "3+:4 [ 4 s 4 1+:s ] 2+:s 1+:4 [ 2 s 10+:16 1+:1 [ 2 4 4 7+:4 *4 *4 5+:*4 ] 8+:4 ] 8-10:4 13+:2"),
	kmsg.FindCoordinator.Int16():         newShape(3, "1+:4 -3:2 1-3:s -3:4 -3:s -3:4 4+:[ s 4 s 4 2 s ]"),
	kmsg.ApiVersions.Int16():             newShape(3, "2 [ 2 2 2 ] 1+:4 #0 [ s 2 2 ] #1 8 #2 [ s 2 2 ] #3 1"),
	kmsg.CreateTopics.Int16():            newShape(5, "2+:4 [ s 7+:16 2 1+:s 5+:4 5+:2 5+:[ s s 1 1 1 ] #0 2 ]"),
	kmsg.DeleteTopics.Int16():            newShape(4, "1+:4 [ s 6+:16 2 5+:s ]"),
	kmsg.DeleteRecords.Int16():           newShape(2, "4 [ s [ 4 8 2 ] ]"),
	kmsg.OffsetForLeaderEpoch.Int16():    newShape(4, "2+:4 [ s [ 2 4 1+:4 8 ] ]"),
	kmsg.InitProducerID.Int16():          newShape(2, "4 2 8 2 6+:8 6+:2"),
	kmsg.DescribeProducers.Int16():       newShape(0, "4 [ s [ 4 2 s [ 8 4 4 8 4 8 ] ] ]"),
	kmsg.AlterConfigs.Int16():            newShape(2, "4 [ 2 s 1 s ]"),
	kmsg.DescribeConfigs.Int16():         newShape(4, "4 [ 2 s 1 s [ s s 1 -0:1 1+:1 1 1+:[ s s 1 ] 3+:1 3+:s ] ]"),
	kmsg.IncrementalAlterConfigs.Int16(): newShape(1, "4 [ 2 s 1 s ]"),
	kmsg.ListConfigResources.Int16():     newShape(0, "4 2 [ s 1+:1 ]"),
	kmsg.DescribeLogDirs.Int16():         newShape(2, "4 3+:2 [ 2 s [ s [ 4 8 8 1 ] ] 4+:8 4+:8 5+:1 ]"),
	kmsg.DescribeTopicPartitions.Int16(): newShape(0, "4 [ 2 s 16 1 [ 2 4 4 4 *4 *4 *4 *4 *4 ] 4 ] ?{ s 4 }"),
	kmsg.DescribeCluster.Int16():         newShape(0, "4 2 s 1+:1 s 4 [ 4 s 4 s 2+:1 ] 4"),

	kmsg.OffsetCommit.Int16():   newShape(8, "3+:4 [ -9:s 10+:16 [ 4 2 ] ]"),
	kmsg.OffsetFetch.Int16():    newShape(6, "3+:4 -7:[ s [ 4 8 5+:4 s 2 ] ] 2-7:2 8+:[ s [ -9:s 10+:16 [ 4 8 4 s 2 ] ] 2 ]"),
	kmsg.JoinGroup.Int16():      newShape(6, "2+:4 2 4 7+:s s s 9+:1 s [ s 5+:s o ]"),
	kmsg.Heartbeat.Int16():      newShape(4, "1+:4 2"),
	kmsg.LeaveGroup.Int16():     newShape(4, "1+:4 2 3+:[ s s 2 ]"),
	kmsg.SyncGroup.Int16():      newShape(4, "1+:4 2 5+:s 5+:s o"),
	kmsg.DescribeGroups.Int16(): newShape(5, "1+:4 [ 2 6+:s s s s s [ s 4+:s s s o o ] 3+:4 ]"),
	kmsg.ListGroups.Int16():     newShape(3, "1+:4 2 [ s s 4+:s 5+:s ]"),
	kmsg.DeleteGroups.Int16():   newShape(2, "4 [ s 2 3+:s ]"),
	kmsg.OffsetDelete.Int16():   newShape(math.MaxInt16, "2 4 [ s [ 4 2 ] ]"),

	kmsg.ConsumerGroupHeartbeat.Int16(): newShape(0, "4 2 s s 4 4 ?{ [ 16 *4 ] }"),
	kmsg.ConsumerGroupDescribe.Int16(): newShape(0, "4 [ 2 s s s 4 4 s"+
		" [ s s s 4 s s *s s { [ 16 s *4 ] } { [ 16 s *4 ] } 1+:1 ] 4 ]"),
}

func newShape(flexible int16, text string) shape {
	tokens := strings.Fields(text)
	fields, rest := parseFields(tokens, "")
	if len(rest) > 0 {
		panic(fmt.Sprintf("transport: shape %q: %q is left over", text, rest))
	}
	return shape{flexible, fields}
}

// parseFields reads up to the closing token and returns what follows it.
func parseFields(tokens []string, end string) (fields []field, rest []string) {
	tag := noTag
	for len(tokens) > 0 {
		token := tokens[0]
		tokens = tokens[1:]
		if token == end {
			return fields, tokens
		}
		if token[0] == '#' {
			tag = number(token[1:])
			continue
		}
		f := field{to: math.MaxInt16, tag: tag}
		tag = noTag
		if versions, kind, ok := strings.Cut(token, ":"); ok {
			f.from, f.to = parseVersions(versions)
			token = kind
		}
		switch f.kind = token[0]; f.kind {
		case str, blob, octet:
		case plain:
			if token != "*s" {
				f.size = number(token[1:])
			}
		case list:
			f.of, tokens = parseFields(tokens, "]")
		case group, maybe:
			f.of, tokens = parseFields(tokens, "}")
		default:
			f.kind, f.size = fixed, number(token)
		}
		fields = append(fields, f)
	}
	if end != "" {
		panic(fmt.Sprintf("transport: shape without its %q", end))
	}
	return fields, nil
}

func parseVersions(text string) (from, to int16) {
	if first, ok := strings.CutSuffix(text, "+"); ok {
		return int16(number(first)), math.MaxInt16
	}
	first, last, _ := strings.Cut(text, "-")
	if first == "" {
		first = "0"
	}
	return int16(number(first)), int16(number(last))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("transport: shape: %v", err))
	}
	return n
}
