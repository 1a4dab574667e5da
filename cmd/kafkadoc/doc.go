// Kafkadoc writes docs/kafka.md: every API key of Kafka 4.1, what of it is served and by which tests it is tested, and what
// is left out and why. The table is the broker's own; a test holds the file against it.
//
//	go run ./cmd/kafkadoc > docs/kafka.md
package main
