package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// AnyPartition as a record's partition leaves the choice to the partitioner. A record's zero value asks for partition
// 0.
const AnyPartition int32 = -1

// explicitPartitioner sends a record to the partition it names, and leaves the others to the partitioner inside.
type explicitPartitioner struct{ inner kgo.Partitioner }

func (p explicitPartitioner) ForTopic(topic string) kgo.TopicPartitioner {
	inner := p.inner.ForTopic(topic)
	if byBackup, ok := inner.(kgo.TopicBackupPartitioner); ok {
		return explicitByBackup{byBackup}
	}
	return explicit{inner}
}

type explicit struct{ kgo.TopicPartitioner }

func (p explicit) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.TopicPartitioner.RequiresConsistency(r)
}

func (p explicit) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return p.TopicPartitioner.Partition(r, n)
}

type explicitByBackup struct{ kgo.TopicBackupPartitioner }

func (p explicitByBackup) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.TopicBackupPartitioner.RequiresConsistency(r)
}

func (p explicitByBackup) PartitionByBackup(r *kgo.Record, n int, backup kgo.TopicBackupIter) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return p.TopicBackupPartitioner.PartitionByBackup(r, n, backup)
}
