// Package connector knows the settings that every connector has, whatever its class: name, tasks, converters, transforms,
// error handling, topics, and Sluice's own. It parses them into what a worker needs (ParseSource, ParseSink), describes
// them (Keys) and judges a whole configuration as Connect's REST API does (Validate).
//
// It knows no plugin by name: which converters, transforms and predicates there are is told by a Plugins value.
package connector
