package connector

import (
	"slices"
	"strings"
)

// interfacesOfJava are interfaces of Connect and of Java itself: they can be named, and are never the right class.
func interfacesOfJava() []string {
	return []string{
		"org.apache.kafka.connect.storage.Converter", "org.apache.kafka.connect.storage.HeaderConverter",
		"org.apache.kafka.connect.transforms.Transformation", "org.apache.kafka.connect.transforms.predicates.Predicate",
		"java.util.List", "java.util.Map", "java.util.Set", "java.lang.Runnable", "java.lang.CharSequence",
	}
}

// OfJava tells whether a class is one that every worker of Connect has and that is no plugin: it can be named, and is never
// the right one.
func OfJava(class string) bool {
	if simple, found := strings.CutPrefix(class, "java.lang."); found &&
		slices.Contains([]string{"Object", "String", "Boolean", "Integer", "Long", "Double", "Class"}, simple) {
		return true
	}
	others := []string{
		"org.apache.kafka.connect.connector.Connector", "org.apache.kafka.connect.source.SourceConnector", "org.apache.kafka.connect.sink.SinkConnector",
	}
	return slices.Contains(others, class) || slices.Contains(interfacesOfJava(), class)
}

// OtherPlugin returns the class of a plugin of Connect that has no place in a connector's configuration, which is named as
// all plugins are: by its class, its simple name, or that without its kind.
func OtherPlugin(name string) (class string, found bool) {
	for kind, classes := range map[string][]string{
		"ConfigProvider": {
			"org.apache.kafka.common.config.provider.DirectoryConfigProvider", "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
			"org.apache.kafka.common.config.provider.FileConfigProvider",
		},
		"ConnectorClientConfigOverridePolicy": {
			"org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy",
			"org.apache.kafka.connect.connector.policy.AllowlistConnectorClientConfigOverridePolicy",
			"org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy",
			"org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy",
		},
		"ConnectRestExtension": {"org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"},
	} {
		for _, class := range classes {
			simple := class[strings.LastIndexByte(class, '.')+1:]
			if name == class || name == simple || name == strings.TrimSuffix(simple, kind) {
				return class, true
			}
		}
	}
	return "", false
}
