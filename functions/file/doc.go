// Package file reads lines from a file and writes lines to one, as Kafka's own FileStreamSource and FileStreamSink do. A
// configuration written for those works unchanged. On a function the file lies on a file system mounted into it.
//
// # Source
//
// Every line becomes a record: no key, the line as a string, the present time. A line ends in \n, \r\n or \r; a \r at the
// very end of the file waits for the next byte, which may be its \n, and a last line without an end waits for its end.
// What is not UTF-8 becomes U+FFFD as in Java's reader. There is one task, and one source partition:
//
//	{"filename": "/data/in.txt"}    {"position": 66}
//
// The position counts the file's text in UTF-16 units, which is what Connect counts. (When Connect resumes, it takes the
// same number for a count of bytes, and goes on too early in a file that is not plain ASCII. This package goes on where
// the position says.) Beside it, and not shown to users, the place in bytes and a checksum of the bytes at both ends of
// what was read are kept: so that a long file is resumed at once, and so that another file in its place is known for one.
//
// Delivery is at least once. Where Connect would wait for ever or skip lines in silence, this source says what it does:
//
//   - a file that does not exist is waited for;
//   - a file that was truncated or overwritten, or replaced while nobody looked, is read from its start;
//   - a file that is replaced while it is read (renamed by log rotation, say) is read to its end first. Lines added to the
//     old file later, or between two invocations, are not seen: rotate by renaming rarely, or ship whole files;
//   - a line of more than 256 MiB is an error, because it would have to fit into memory.
//
// # Sink
//
// Every value becomes a line: its text as Java prints it, and \n. The batch is written at once and is on the disk when
// the invocation succeeds. Several invocations, and other programs, may append to the same file: a batch is one append,
// under an advisory lock. A batch whose invocation failed comes again, so lines may be repeated, as in Connect.
//
// A process that is killed while it writes leaves the beginning of a line. The next batch repairs that: see [Sink].
package file
