"""Serializers and deserializers of Confluent's Python client, one request a line of JSON.

{"registry": URL, "type": "AVRO" | "JSON" | "PROTOBUF", "topic": NAME} with either of
  "bytes": B64                      reads a record and writes what it read with the schema it was written with;
  "schema": TEXT, "value": JSON     registers the schema and writes the value.
  "manage": true                    does all that the client can do with a registry, and writes what came of it.
Protobuf also needs "files" (a FileDescriptorSet, B64) and "message" (a full name).
The answer is {"value": what was read, as text, "bytes": B64} or {"error": TEXT}.
Needs confluent-kafka[avro,json,protobuf].
"""

import base64
import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
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


def manage(client):
    """Every call with what it returned, or the number of the error."""
    told = []

    def call(name, *args, **options):
        try:
            out = getattr(client, name)(*args, **options)
        except Exception as e:
            out = "error %s" % getattr(e, "error_code", e)
        if hasattr(out, "schema_id"):
            out = "%s, version %s, id %s" % (out.subject, out.version, out.schema_id)
        for part in ("schema_str", "compatibility_level", "compatibility"):
            out = getattr(out, part, None) or out
        if isinstance(out, list):
            out = [str(getattr(o, "subject", "")) + " %s" % o.version if hasattr(o, "version") else o for o in out]
        told.append("%s: %s" % (name, out))

    one, two, other = (Schema(t, "AVRO") for t in ('"int"', '"long"', '"boolean"'))
    user = Schema('{"type":"array","items":"long"}', "AVRO", [SchemaReference("x", "s", 1)])
    for name, *args in (
        ("register_schema", "s", one), ("register_schema", "s", two), ("register_schema", "s", other), ("register_schema", "t", two),
        ("register_schema", "user", user), ("get_schema", 1), ("get_schema", 99), ("lookup_schema", "s", two), ("lookup_schema", "s", other),
        ("get_subjects",), ("get_subjects", "u"), ("get_versions", "s"), ("get_version", "s", 1), ("get_version", "s", 9), ("get_latest_version", "s"),
        ("get_latest_version", "none"), ("get_schema_versions", 2), ("get_subjects_by_schema_id", 2), ("get_referenced_by", "s", 1), ("get_schema_types",),
        ("get_contexts",), ("test_compatibility", "s", other), ("test_compatibility", "s", one), ("test_compatibility_all_versions", "s", two),
        ("get_compatibility",), ("get_compatibility", "s"), ("set_compatibility", "s", "NONE"), ("get_config", "s"), ("register_schema", "s", other),
        ("delete_config", "s"), ("get_config",), ("get_global_mode",),
        ("update_mode", "s", "READONLY"), ("get_mode", "s"), ("register_schema", "s", Schema('"bytes"', "AVRO")), ("delete_mode", "s"), ("get_mode", "s"),
        ("delete_version", "s", 2), ("get_versions", "s"), ("get_versions", "s", True), ("get_versions", "s", False, True), ("delete_version", "s", 2, True),
        ("delete_subject", "t"), ("get_subjects", None, True), ("get_subjects", None, False, True), ("delete_subject", "t", True), ("delete_subject", "none"),
    ):
        call(name, *args)
    return {"value": "\n".join(told), "bytes": ""}


for line in sys.stdin:
    try:
        ask = json.loads(line)
        out = manage(SchemaRegistryClient({"url": ask["registry"]})) if ask.get("manage") else answer(ask)
    except Exception as e:  # whatever it is, it is the answer
        out = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(out), flush=True)
