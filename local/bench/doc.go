// Package bench measures what Sluice promises to be quick at, side by side with what it is compared to, in one run on one
// broker. Everything runs as it is deployed: the function binaries, over the Lambda runtime API.
//
//	make bench BENCH=. PACKAGES=./local/bench
//
// With SLUICE_TEST_KAFKA the broker is that one, and with SLUICE_TEST_CONNECT that Kafka Connect worker runs beside;
// local/reference/servers starts both. Without them the embedded broker serves and Connect is left out.
package bench
