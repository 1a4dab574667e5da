package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Exit codes (C2).
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 2 // of scrub
	exitUnhealthy   = 10
)

// exitError carries the exit code; a nil err means everything was already said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// failed ends a command whose failures were already reported one by one.
func failed() error { return &exitError{code: exitFailed} }

// unhealthy ends a command whose output already says what is wrong with the cluster.
func unhealthy() error { return &exitError{code: exitUnhealthy} }

type usageError struct{ err error }

func (u usageError) asExit() error { return &exitError{code: exitUsage, err: u.err} }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}.asExit()
}

// reason is the shortest true sentence about why a broker couldn't be talked to.
func reason(err error) string {
	var dns *net.DNSError
	var ke *kerr.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it"
	case errors.As(err, &dns):
		return "no such host"
	case errors.As(err, &ke):
		return ke.Message
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "connection closed"
	}
	return err.Error()
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// dialFailed says that err arose before a single byte of the request could be sent.
func dialFailed(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// codeText renders a Kafka error with the broker's own words where it sent any, and what to do about it.
func codeText(err error, said string) string {
	var ke *kerr.Error
	if !errors.As(err, &ke) {
		return reason(err)
	}
	text := ke.Message
	if said != "" && said != ke.Message {
		text += ": " + said
	}
	if next := advice(ke); next != "" {
		text += "; " + next
	}
	return text
}

// advice is the next thing to try after a Kafka error; empty where there is nothing better than the error itself.
func advice(ke *kerr.Error) string {
	switch ke.Code {
	case kerr.TopicAlreadyExists.Code:
		return "--if-not-exists accepts that"
	case kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code:
		return "see what there is with: logctl topic list"
	case kerr.InvalidReplicationFactor.Code:
		return "count the brokers with: logctl cluster info"
	case kerr.InvalidPartitions.Code:
		return "give -p 1 or more"
	case kerr.MessageTooLarge.Code, kerr.RecordListTooLarge.Code:
		return "send smaller records"
	case kerr.LeaderNotAvailable.Code, kerr.NotLeaderForPartition.Code, kerr.NotEnoughReplicas.Code,
		kerr.NotController.Code, kerr.BrokerNotAvailable.Code, kerr.KafkaStorageError.Code, kerr.OffsetNotAvailable.Code:
		return "see which brokers are up with: logctl cluster health"
	case kerr.RequestTimedOut.Code, kerr.NotEnoughReplicasAfterAppend.Code:
		return "it may or may not have happened; see: logctl cluster health"
	case kerr.OffsetOutOfRange.Code:
		return "see which offsets there are with: logctl topic describe"
	}
	return ""
}
