package kafka

import "context"

// ClusterID returns the identity of the cluster, which also shows that it is in reach.
func (a *Admin) ClusterID(ctx context.Context) (string, error) {
	metadata, err := a.admin.BrokerMetadata(ctx)
	if err != nil {
		return "", a.failed("asking for the cluster's identity", err)
	}
	return metadata.Cluster, nil
}
