// Package function is a small Lambda: it runs real bootstrap binaries on this machine, driven over the Lambda runtime API, so that what runs on the
// desk is what is deployed.
//
// # How it works
//
// A [Service] knows functions by name ([Service.Deploy]). Each function has a pool of processes; a process serves one invocation at a time, is used
// again while it is warm (the last used first), is ended when it was idle for long, and is stopped with SIGSTOP between invocations if asked to, as
// Lambda freezes its environments. Every process talks to a listener of its own on the loopback interface, so a request on it needs no further proof
// of who sent it.
//
// Functions reach each other, and themselves, through the Invoke API, which the service serves too ([Service.Endpoint]) and announces to every process
// as AWS_ENDPOINT_URL_LAMBDA.
//
// # What it keeps of Lambda
//
// The payload limits, the concurrency limit and its error, the time-out and its error, the limit on initialisation, the errors of a process that ends,
// asynchronous events that wait in a queue while the function is busy and grow too old, and the environment variables. It does not limit memory or
// processor time, and an asynchronous event is never tried again after it failed.
//
// # Reading order
//
// service.go, pool.go (which process serves), process.go (the life of a process), invocation.go (the life of an invocation), runtimeapi.go and
// invokeapi.go (the two HTTP interfaces), event.go (asynchronous events), signal_*.go (what differs between operating systems).
package function
