package transform

import "github.com/sluice-connect/sluice/runtime/connect"

// Transforms are the transforms, by class. Those that work on keys and on values have a class for each.
func Transforms() []connect.Plugin[connect.Transform] {
	type plugin = connect.Plugin[connect.Transform]
	return []plugin{
		{Class: pkg + "Cast$Key", Doc: castDoc, New: func() connect.Transform { return &cast{side: key} }},
		{Class: pkg + "Cast$Value", Doc: castDoc, New: func() connect.Transform { return &cast{side: value} }},
		{Class: pkg + "DropHeaders", Doc: dropHeadersDoc, New: func() connect.Transform { return &dropHeaders{} }},
		{Class: pkg + "ExtractField$Key", Doc: extractDoc, New: func() connect.Transform { return &extractField{side: key} }},
		{Class: pkg + "ExtractField$Value", Doc: extractDoc, New: func() connect.Transform { return &extractField{side: value} }},
		{Class: pkg + "Filter", Doc: filterDoc, New: func() connect.Transform { return filter{} }},
		{Class: pkg + "Flatten$Key", Doc: flattenDoc, New: func() connect.Transform { return &flatten{side: key} }},
		{Class: pkg + "Flatten$Value", Doc: flattenDoc, New: func() connect.Transform { return &flatten{side: value} }},
		{Class: pkg + "HeaderFrom$Key", Doc: headerFromDoc, New: func() connect.Transform { return &headerFrom{side: key} }},
		{Class: pkg + "HeaderFrom$Value", Doc: headerFromDoc, New: func() connect.Transform { return &headerFrom{side: value} }},
		{Class: pkg + "HoistField$Key", Doc: hoistDoc, New: func() connect.Transform { return &hoistField{side: key} }},
		{Class: pkg + "HoistField$Value", Doc: hoistDoc, New: func() connect.Transform { return &hoistField{side: value} }},
		{Class: pkg + "InsertField$Key", Doc: insertDoc, New: func() connect.Transform { return &insertField{side: key} }},
		{Class: pkg + "InsertField$Value", Doc: insertDoc, New: func() connect.Transform { return &insertField{side: value} }},
		{Class: pkg + "InsertHeader", Doc: insertHeaderDoc, New: func() connect.Transform { return &insertHeader{} }},
		{Class: pkg + "MaskField$Key", Doc: maskDoc, New: func() connect.Transform { return &maskField{side: key} }},
		{Class: pkg + "MaskField$Value", Doc: maskDoc, New: func() connect.Transform { return &maskField{side: value} }},
		{Class: pkg + "RegexRouter", Doc: regexRouterDoc, New: func() connect.Transform { return &regexRouter{} }},
		{Class: pkg + "ReplaceField$Key", Doc: replaceDoc, New: func() connect.Transform { return &replaceField{side: key} }},
		{Class: pkg + "ReplaceField$Value", Doc: replaceDoc, New: func() connect.Transform { return &replaceField{side: value} }},
		{Class: pkg + "SetSchemaMetadata$Key", Doc: metadataDoc, New: func() connect.Transform { return &setMetadata{side: key} }},
		{Class: pkg + "SetSchemaMetadata$Value", Doc: metadataDoc, New: func() connect.Transform { return &setMetadata{side: value} }},
		{Class: pkg + "TimestampConverter$Key", Doc: timestampDoc, New: func() connect.Transform { return &timestampConverter{side: key} }},
		{Class: pkg + "TimestampConverter$Value", Doc: timestampDoc, New: func() connect.Transform { return &timestampConverter{side: value} }},
		{Class: pkg + "TimestampRouter", Doc: timestampRouterDoc, New: func() connect.Transform { return &timestampRouter{} }},
		{Class: pkg + "ValueToKey", Doc: valueToKeyDoc, New: func() connect.Transform { return &valueToKey{} }},
	}
}

// Predicates are the predicates, by class.
func Predicates() []connect.Plugin[connect.Predicate] {
	type plugin = connect.Plugin[connect.Predicate]
	return []plugin{
		{Class: pkg + "predicates.HasHeaderKey", Doc: hasHeaderDoc, New: func() connect.Predicate { return &hasHeader{} }},
		{Class: pkg + "predicates.RecordIsTombstone", Doc: tombstoneDoc, New: func() connect.Predicate { return tombstone{} }},
		{Class: pkg + "predicates.TopicNameMatches", Doc: topicMatchesDoc, New: func() connect.Predicate { return &topicMatches{} }},
	}
}

// pkg is the Java package of the transforms.
const pkg = "org.apache.kafka.connect.transforms."
