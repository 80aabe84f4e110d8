// Package migrate reads what a cluster of Kafka Connect keeps in its internal topics: connectors with their configurations
// and target states, and the offsets of its sources. It only reads.
package migrate
