"""Serializers and deserializers of Confluent's Python client, one request a line of JSON.

{"registry": URL, "type": "AVRO" | "JSON" | "PROTOBUF", "topic": NAME} with either of
  "bytes": B64                      reads a record and writes what it read with the schema it was written with;
  "schema": TEXT, "value": JSON     registers the schema and writes the value.
Protobuf also needs "files" (a FileDescriptorSet, B64) and "message" (a full name).
The answer is {"value": what was read, as text, "bytes": B64} or {"error": TEXT}.
Needs confluent-kafka[avro,json,protobuf].
"""

import base64
import json
import sys

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

KNOWN = {"auto.register.schemas": False, "use.latest.version": True}


def message_class(ask):
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(ask["files"])).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(ask["message"])), json_format


def answer(ask):
    client = SchemaRegistryClient({"url": ask["registry"]})
    context = SerializationContext(ask["topic"], MessageField.VALUE)
    data = base64.b64decode(ask["bytes"]) if "bytes" in ask else None
    kind, schema = ask["type"], ask.get("schema")
    if data is not None:
        schema = client.get_schema(int.from_bytes(data[1:5], "big")).schema_str
    if kind == "AVRO":
        read, write = AvroDeserializer(client), AvroSerializer(client, schema, conf=KNOWN if data else None)
    elif kind == "JSON":
        read, write = JSONDeserializer(schema), JSONSerializer(schema, client, conf=KNOWN if data else None)
    else:
        made, json_format = message_class(ask)
        read = ProtobufDeserializer(made, {"use.deprecated.format": False})
        write = ProtobufSerializer(made, client, conf={"use.deprecated.format": False, **(KNOWN if data else {})})
    if data is not None:
        value = read(data, context)
    elif kind == "PROTOBUF":
        value = json_format.ParseDict(ask["value"], made())
    else:
        value = ask["value"]
    return {"value": str(value), "bytes": base64.b64encode(write(value, context)).decode()}


for line in sys.stdin:
    try:
        out = answer(json.loads(line))
    except Exception as e:  # whatever it is, it is the answer
        out = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(out), flush=True)
