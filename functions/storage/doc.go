// Package storage is what sinks that write files have in common, and sources that read them. Of sinks it is which file a record belongs to, what the file is
// called, when it is complete, the formats, and above all how every record gets into exactly one file although functions
// are short. A system such as S3 or HDFS adds a [Store] of a few verbs, a [Shelf] for sources, and its settings.
//
// # What is promised
//
// A file that can be seen never changes. Whoever lists and reads files at any moment sees every record at most once, and
// once the events were acknowledged and the files are complete, exactly once. That holds although events are delivered
// again, cut at other places, in other processes, while an earlier attempt may still be running somewhere (a zombie), and
// although any of them may be killed between any two steps.
//
// # Three kinds of things
//
//   - The ledger: one value for each topic partition in the connector's state (connect.State), changed by compare-and-swap
//     only. It says up to which offset records are taken (Next), which files are open and in which staged pieces their
//     bytes are (Open), which sealed drafts are to be published under which names (Closing), and which pieces are of no
//     more use (Drop). It alone is the truth.
//   - Pieces: staged objects that nobody but the sink looks at. A piece has a fresh name and is never changed. One piece holds what
//     one event brought for all open files of a topic partition, so that a thousand open files cost one request.
//   - Drafts: complete files that nobody sees yet. On S3 a draft is a multipart upload before its completion, on HDFS a
//     temporary file before its rename. A sealed draft has a handle, which is what the ledger keeps.
//
// # The protocol
//
// An event's records of one topic partition are taken like this:
//
//	1  read the ledger (a warm process remembers it: a stale memory fails in step 5)
//	2  finish what it says is closing, as in steps 6 to 8
//	3  leave out the records below Next: they are in a file, in a piece or in a draft already
//	4  deal the others out to files, in order. Whenever rotation says that the open files are complete, write each of them
//	   to a draft (bytes staged before, then the bytes at hand) and seal it. Write what is left open at the end to one
//	   new piece
//	5  swap the ledger: Next behind the last record, the new piece among the open ones, the drafts in Closing
//	6  publish every draft in Closing: completion with If-None-Match on S3, rename without overwrite on HDFS
//	7  swap the ledger: nothing is closing
//	8  remove the pieces whose bytes are in published files, and those that were merged
//
// The event is acknowledged after step 7 for all of its topic partitions, which go through these steps side by side. A
// tick (see [Sink.Tick]) does steps 1, 2 and 4 to 8 without records, for files that are due by the clock.
//
// # A crash after each step
//
//   - Before step 5 took place, nothing has happened: pieces and drafts have fresh names that no ledger mentions. The event
//     comes again and is taken anew. What was written is garbage: a piece or a temporary file, which a tick removes a day
//     later, or an upload, which S3 aborts when the bucket has a rule for that.
//   - After step 5, the records are the ledger's: they stand in pieces and drafts that exist and do not change, and whoever
//     reads the ledger next leaves them out by Next, however the event is cut this time. The boundaries of every draft are
//     fixed; no later attempt can make them differently.
//   - During step 6, some drafts are published and some are not. Publishing is repeated for all of them; a draft
//     that is published already says so and is passed over. If its name is taken by a file that is not this draft,
//     nothing is overwritten: the task fails and says what is in the way.
//   - After step 7 a crash leaves pieces behind that Drop names; the next one who swaps the ledger removes them.
//
// # Why a reader sees each record at most once, and in the end exactly once
//
// A record becomes visible only by publishing a draft named in Closing. It is in that draft because of the one swap that moved Next
// past it, and Next only grows; so it is in one draft or piece of the ledger, never in two. Publishing makes a file appear whole or not at all,
// under a name that was free. And it is not lost: an event is acknowledged only after the swap, and from then on the
// ledger names the bytes until the file is there.
//
// A zombie cannot change this. If it is slower than the attempt that replaced it, its swap meets another version and
// fails, and what it staged stays unnamed. If its swap came first, the other attempt works on from its ledger, and both
// publish the same drafts. Pieces and drafts are never written twice, so a zombie has nothing to overwrite. A swap whose answer was
// lost is settled by reading the ledger: it carries the name of the attempt that wrote it. Only an attempt that knows that its
// swap failed discards its drafts.
//
// Altering or resetting offsets empties the ledger first: staged records are dropped, and records come again or not as
// the user said. Files that are visible stay. A file that would get the name of one of them is compared with it: if it has the same
// bytes, it counts as published, so that a replay with the same boundaries changes nothing; if not, the task fails,
// unless the connector was told to overwrite.
//
// # Records that cannot be written
//
// A record that no file can take is reported and does not stop the others. Its offset is below Next then; the ledger
// keeps it in Refused, so that it is not passed over if the event comes again.
//
// # Files larger than an event
//
// Which bytes can be continued is a matter of the format:
//
//   - JSON lines, CSV and bytes: records follow each other. Compressed, every piece is a gzip member, a zstd frame or a snappy
//     stream of its own, which readers take for one.
//   - JSON array: the brackets are the first and the last bytes of the file.
//   - Avro: every piece holds blocks; the marker between them follows from the file's identity, so that later pieces know it.
//   - Parquet: nothing can be continued behind its footer. Pieces hold the records as Avro, and the file is made
//     of them when it is complete.
//
// Pieces are merged when there are many small ones, and whenever they make 5 MiB together, so that no byte is written more than a few times.
// On S3 a stretch of 5 MiB or more of one piece is copied into the draft by the server, several at a time; shorter ones are read
// back, but for those that the process staged itself and still remembers: as pieces never change, what it remembers of a name that a ledger
// has is what is there. Memory holds an event, one merged piece and one part of a draft at a time, and some megabytes
// on their way to the store, whatever the number of open files.
//
// # Sources
//
// A [Source] walks over the files below a folder again and again, and reads what it has not read, one file after the other,
// record by record: no file is held in memory. Its offsets have the form of Confluent's connectors, one for each folder:
//
//	{"folder": "topics/t/partition=0/"}    {"lastFileRead": "topics/t/partition=0/t+0+0000000020.json", "fileOffset": "60", "eof": "false"}
//
// fileOffset counts bytes of formats of text, uncompressed, and records of Avro and Parquet. One from elsewhere means that every
// file with a lesser name was read. Beside it, and not shown, is kept for each series of names in the folder (the files of
// one topic partition) a name up to which all files were read and, as exceptions, hashes of those read behind it, a thousand
// in all. So a million files are as many offsets as they have folders, a file that comes late is seen, and seen once, as long as its name
// is behind all but the last thousand, and a walk over a bucket skips the rest. Resuming goes into the middle of a file; compressed text is
// decompressed up to there, Avro skips whole blocks, and Parquet whole row groups.
//
// Parquet and Avro are read as parquet-avro and Confluent's AvroData read them: times finer than a millisecond are numbers. Beyond these,
// an INT96 is a timestamp, a number of 32 bits without a sign is a long, and a map whose keys are no texts a list of pairs.
//
// Files may grow where the system has files that do (HDFS): what was added to one of the exceptions is read, once it ends with a whole
// record. Files are known by what does not change when they are renamed.
package storage
