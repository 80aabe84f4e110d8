// Package hdfs writes records into files of HDFS, and reads them, over WebHDFS or HttpFS.
//
// # Sink
//
// The sink takes the settings of Confluent's HDFS sinks (io.confluent.connect.hdfs.HdfsSinkConnector and
// io.confluent.connect.hdfs3.Hdfs3SinkConnector). Files have their names, topic+partition+start+end.ext, and contents. How
// every record gets into exactly one file is described by package storage: a file is written below topics.dir/+tmp and
// renamed, which never replaces a file. Records of files that are not complete are staged below topics.dir/+tmp, too.
// The write-ahead log of the original is not needed; logs.dir is ignored.
//
// Where the table knows nothing of a topic partition, because the connector is new or its offsets were reset, the sink
// goes on behind the last offset in the names of the files that are there, as the original does.
//
// # Source
//
// The source takes the settings of Confluent's HDFS sources (io.confluent.connect.hdfs2.Hdfs2SourceConnector and
// io.confluent.connect.hdfs3.Hdfs3SourceConnector) and has their offsets; how files are found, read and remembered is
// described by package storage. Trees of folders are read whatever their depth, but for what begins with +, . or _, which others have
// not completed. Folders are listed every hdfs.poll.interval.ms. Delivery is at least once.
//
//   - A file that grows is read on where it ended: behind the last whole record, and behind one without an end when the
//     file has not changed for sluice.hdfs.settle.ms.
//   - A file that is renamed within its folder is not read again: it is known by its number.
//   - A file that is replaced is read from its start, also while it is read. HttpFS says no numbers, so that through it a renamed file is
//     another one, and a replaced one is noticed when it is shorter than what was read.
//
// # Both
//
// hdfs.url (or store.url) may be http://host:port or https://host:port, webhdfs:// or swebhdfs://, or hdfs://host, which
// stands for the name node's own port of WebHDFS, 9870; several, separated by commas, are tried until one is active. Functions know no
// Hadoop configuration: hadoop.conf.dir is ignored. hive.integration=true is refused. The user is connect.hdfs.principal,
// HADOOP_USER_NAME, or that of the process; with hdfs.authentication.kerberos it is proved by SPNEGO, with a keytab, or by
// sluice.hdfs.delegation.token.
package hdfs
