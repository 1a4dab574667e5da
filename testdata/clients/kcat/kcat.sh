#!/usr/bin/env bash
# kcat (Debian's, with librdkafka 2.0.2) as a program of the matrix (../README.md). It creates no topic and shows no committed offsets: the
# driver does the first with logctl, and the second by joining the group again. Its headers are the same for all records, and it takes no timestamps.
set -euo pipefail
command=$1 brokers=$2 topic=$3
case $command in
produce)
	mode=$4 count=$5 options=()
	case $mode in
	default) ;;
	idempotent) options=(-X enable.idempotence=true) ;;
	*) options=(-z "$mode") ;;
	esac
	padding=$(printf 'x%.0s' {1..100})
	for ((i = 0; i < count; i++)); do
		printf 'k%d\t%s-%d-%s\n' "$i" "$mode" "$i" "$padding"
	done | kcat -P -b "$brokers" -t "$topic" -K '\t' -H n=0 "${options[@]}"
	for ((i = 0; i < count; i++)); do # kcat ends well only if all were acknowledged
		printf '{"v":"%s-%d-%s"}\n' "$mode" "$i" "$padding"
	done
	;;
consume)
	group=$4
	kcat -b "$brokers" -G "$group" -X auto.offset.reset=earliest -X auto.commit.interval.ms=200 -X session.timeout.ms=10000 -q -u \
		-f '{"p":%p,"o":%o,"k":"%k","v":"%s","n":"%h","t":%T}\n' "$topic" &
	kcat=$!
	trap 'kill -9 "$kcat" 2>/dev/null || true' EXIT
	while read -r _; do :; done # until standard input ends
	kill -TERM "$kcat"
	wait "$kcat" || true
	trap - EXIT
	;;
*)
	echo "kcat.sh: no command $command" >&2
	exit 1
	;;
esac
