package connect

// Connector describes a connector: one direction of one outside system. It is a constant in all but name.
type Connector[Task any] struct {
	// Class is the full Java class name that configurations name.
	Class string
	// Aliases are further names taken for Class, other vendors' class names included. The simple name of every class,
	// with and without the suffix Connector, is understood anyway.
	Aliases []string
	// TaskClass is the Java class name of the task, shown as task.class in task configurations.
	TaskClass string
	// Version is the version shown to users. Defaults to the runtime's.
	Version string
	// Doc says in a sentence what the connector does.
	Doc string
	// New returns a fresh task. It does nothing else.
	New func() Task
}

// SourceConnector describes a connector that reads from an outside system.
type SourceConnector = Connector[SourceTask]

// SinkConnector describes a connector that writes to an outside system.
type SinkConnector = Connector[SinkTask]
