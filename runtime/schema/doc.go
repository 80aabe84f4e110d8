// Package schema holds the types of data that travel through Kafka Connect: schemas, structs, maps, logical types, and
// the way Java writes values as text, because users' data depends on it.
//
// A value is one of these Go types. Converters, transforms and connectors accept and produce no others:
//
//	Connect type        Go type                     Java class
//	INT8                int8                        java.lang.Byte
//	INT16               int16                       java.lang.Short
//	INT32               int32                       java.lang.Integer
//	INT64               int64                       java.lang.Long
//	FLOAT32             float32                     java.lang.Float
//	FLOAT64             float64                     java.lang.Double
//	BOOLEAN             bool                        java.lang.Boolean
//	STRING              string                      java.lang.String
//	BYTES               []byte                      [B
//	ARRAY               []any                       java.util.ArrayList
//	MAP                 *Map                        java.util.Map
//	STRUCT              *Struct                     org.apache.kafka.connect.data.Struct
//	Decimal             Decimal                     java.math.BigDecimal
//	Date Time Timestamp time.Time                   java.util.Date
//	(schemaless only)   *big.Int                    java.math.BigInteger
//
// nil is Java's null. A time.Time counts in milliseconds, as java.util.Date does; finer parts are cut off when a value is
// converted. Byte slices, maps and structs are immutable once they are part of a record: whoever wants another value
// makes another one.
package schema
