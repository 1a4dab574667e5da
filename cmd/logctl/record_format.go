package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recordFormat is a parsed --format: a list of pieces, each of which appends itself.
type recordFormat []func(b []byte, r *kgo.Record) []byte

const formatHelp = `  %t topic      %p partition   %o offset     %e leader epoch
  %k key        %v value       %K key bytes  %V value bytes (lengths, -1 for null)
  %T timestamp in ms           %D timestamp as RFC 3339
  %h headers as key=value,...  %% a percent sign
  \n \t \r \0 \\ \xHH          escapes`

// parseFormat reads the little language above; nothing is added that the format doesn't ask for.
func parseFormat(s string) (recordFormat, error) {
	var f recordFormat
	var lit []byte
	flush := func() {
		if len(lit) > 0 {
			text := lit
			lit = nil
			f = append(f, func(b []byte, _ *kgo.Record) []byte { return append(b, text...) })
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '%':
			i++
			if i == len(s) {
				return nil, usagef("--format ends in a lone %%; write %%%% for a percent sign")
			}
			if s[i] == '%' {
				lit = append(lit, '%')
				continue
			}
			verb := formatVerb(s[i])
			if verb == nil {
				return nil, usagef("--format has %%%c, which means nothing; there are %%t %%p %%o %%e %%k %%v %%K %%V %%T %%D %%h", s[i])
			}
			flush()
			f = append(f, verb)
		case '\\':
			c, n, err := escape(s[i+1:])
			if err != nil {
				return nil, err
			}
			lit = append(lit, c)
			i += n
		default:
			lit = append(lit, s[i])
		}
	}
	flush()
	return f, nil
}

// escape decodes what follows a backslash and says how many bytes it took.
func escape(s string) (c byte, n int, err error) {
	if s == "" {
		return 0, 0, usagef(`a lone backslash ends the text; write \\ for one`)
	}
	switch s[0] {
	case 'n':
		return '\n', 1, nil
	case 't':
		return '\t', 1, nil
	case 'r':
		return '\r', 1, nil
	case '0':
		return 0, 1, nil
	case '\\':
		return '\\', 1, nil
	case 'x':
		if len(s) >= 3 {
			if v, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				return byte(v), 3, nil
			}
		}
		return 0, 0, usagef(`\x needs two hexadecimal digits, such as \x1f`)
	}
	return 0, 0, usagef(`\%c means nothing; there are \n \t \r \0 \\ \xHH`, s[0])
}

// unescape decodes all of a text's escapes, for delimiters.
func unescape(s string) (string, error) {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		c, n, err := escape(s[i+1:])
		if err != nil {
			return "", err
		}
		out = append(out, c)
		i += n
	}
	return string(out), nil
}

func formatVerb(v byte) func(b []byte, r *kgo.Record) []byte {
	switch v {
	case 't':
		return func(b []byte, r *kgo.Record) []byte { return append(b, r.Topic...) }
	case 'p':
		return func(b []byte, r *kgo.Record) []byte { return strconv.AppendInt(b, int64(r.Partition), 10) }
	case 'o':
		return func(b []byte, r *kgo.Record) []byte { return strconv.AppendInt(b, r.Offset, 10) }
	case 'e':
		return func(b []byte, r *kgo.Record) []byte { return strconv.AppendInt(b, int64(r.LeaderEpoch), 10) }
	case 'k':
		return func(b []byte, r *kgo.Record) []byte { return append(b, r.Key...) }
	case 'v':
		return func(b []byte, r *kgo.Record) []byte { return append(b, r.Value...) }
	case 'K':
		return func(b []byte, r *kgo.Record) []byte { return appendLen(b, r.Key) }
	case 'V':
		return func(b []byte, r *kgo.Record) []byte { return appendLen(b, r.Value) }
	case 'T':
		return func(b []byte, r *kgo.Record) []byte { return strconv.AppendInt(b, r.Timestamp.UnixMilli(), 10) }
	case 'D':
		return func(b []byte, r *kgo.Record) []byte {
			return r.Timestamp.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
		}
	case 'h':
		return appendHeaders
	}
	return nil
}

func appendLen(b, field []byte) []byte {
	if field == nil {
		return append(b, "-1"...)
	}
	return strconv.AppendInt(b, int64(len(field)), 10)
}

func appendHeaders(b []byte, r *kgo.Record) []byte {
	for i, h := range r.Headers {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%s=%s", h.Key, h.Value)
	}
	return b
}

// stamp is the time of a record as JSON shows it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
