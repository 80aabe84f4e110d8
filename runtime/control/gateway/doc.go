// Package gateway is the door by which a Lambda function answers HTTP: it makes the events of HTTP APIs (payload format
// 2.0) and of function URLs requests of an http.Handler, and answers of what the handler writes. The handler is the one
// that the desk serves; it does not know which door a request came through.
//
// What the two kinds of event do to a request is undone: bodies in base64, the name of a stage in front of the path, and
// paths that an HTTP API hands over unescaped while a function URL does not. What was cut off the front of a path is told
// to the handler in the header X-Forwarded-Prefix, so that it can write addresses that clients can use.
package gateway
