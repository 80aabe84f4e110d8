package runtime

import (
	"fmt"
	"maps"
	"strings"

	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// CheckWorker tells what is wrong with the properties of a Connect worker, as every function would find when it starts:
// its converters, intervals and policies, and the settings of Kafka clients. What concerns no connector is ignored, and so
// are values with placeholders, which only a function resolves.
func CheckWorker(properties map[string]string) error {
	plain := make(map[string]string, len(properties))
	for name, value := range properties {
		if !strings.Contains(value, "${") {
			plain[name] = value
		}
	}
	e, err := worker.NewEnv(plain, Plugins())
	if err != nil {
		return err
	}
	if len(plain) < len(properties) {
		return nil // what is left of the settings of clients may not fit together
	}
	settings := map[string]string{"bootstrap.servers": "localhost:9092"}
	maps.Copy(settings, e.Client)
	maps.Copy(settings, e.Producer)
	producer, err := kafka.NewProducer(kafka.ProducerConfig{Properties: settings})
	if err != nil {
		return fmt.Errorf("reading the settings of producers: %w", err)
	}
	producer.Close()
	return nil
}
