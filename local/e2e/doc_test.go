// Package e2e_test runs connectors as a user does: the built command starts the built functions, over a broker and a
// table. What they leave in topics, files, offsets and states is compared with what Apache Kafka Connect left.
//
// A case is a folder of testdata. case.json says what is given: files, records ("input"), connectors, and what is appended
// to files once the first part is done. expected.jsonl has a line for each record, file and connector afterwards. Byte
// strings are in base64, long ones by their SHA-256 and length; "{{dir}}" is the folder of the case's files and "{{any}}"
// stands for any value.
package e2e_test
