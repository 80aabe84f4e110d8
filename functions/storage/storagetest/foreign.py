"""Writes Parquet and Avro files into the folder that is named, as other programs write them, and beside each what is in it.

NAME.parquet or NAME.avro is a file, NAME.parquet.json its records: {"@decimal": "1.50"}, {"@bytes": hex}, {"@millis": n} for
a date, a time or an instant, everything else as it is.
"""
import datetime as dt
import decimal
import json
import os
import sys
import uuid

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
D = decimal.Decimal
decimal.getcontext().prec = 80


def plain(v):
    if isinstance(v, D):
        return {"@decimal": format(v, "f")}
    if isinstance(v, bytes):
        return {"@bytes": v.hex()}
    if isinstance(v, dt.datetime):
        v = v if v.tzinfo else v.replace(tzinfo=UTC)
        return {"@millis": (v - EPOCH) // dt.timedelta(milliseconds=1)}
    if isinstance(v, dt.date):
        return {"@millis": (v - EPOCH.date()).days * 86_400_000}
    if isinstance(v, dt.time):
        return {"@millis": ((v.hour * 60 + v.minute) * 60 + v.second) * 1000 + v.microsecond // 1000}
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return v


def put(name, records):
    with open(name + ".json", "w") as f:
        for r in records:
            f.write(json.dumps(plain(r), sort_keys=True) + "\n")


def parquet(folder, name, schema, records, expected=None, **options):
    name = os.path.join(folder, name + ".parquet")
    pq.write_table(pa.Table.from_pylist(records, schema=schema), name, **options)
    put(name, records if expected is None else expected)


def scalars():
    schema = pa.schema([
        pa.field("i8", pa.int8()), pa.field("i16", pa.int16()), pa.field("i32", pa.int32(), nullable=False), pa.field("i64", pa.int64()),
        pa.field("u8", pa.uint8()), pa.field("u16", pa.uint16()), pa.field("u32", pa.uint32()), pa.field("u64", pa.uint64()),
        pa.field("f32", pa.float32()), pa.field("f64", pa.float64()), pa.field("flag", pa.bool_()),
        pa.field("text", pa.string()), pa.field("large", pa.large_string()), pa.field("word", pa.dictionary(pa.int32(), pa.string())),
        pa.field("raw", pa.binary()), pa.field("fixed", pa.binary(3)), pa.field("nothing", pa.null()),
        pa.field("day", pa.date32()), pa.field("ms", pa.timestamp("ms", tz="UTC")), pa.field("local", pa.timestamp("ms")),
        pa.field("clock", pa.time32("ms")), pa.field("a b.c-ü", pa.int32()),
    ])
    rows = []
    for i in range(40):
        rows.append({
            "i8": -i, "i16": i * 300, "i32": i - 2**31, "i64": 2**63 - 1 - i, "u8": 255 - i, "u16": 65535 - i, "u32": 2**32 - 1 - i, "u64": 2**63 - 1 - i,
            "f32": i / 4, "f64": i / 3, "flag": i % 2 == 0, "text": "é" * i, "large": "x" * (i % 3), "word": ["red", "green", "blue"][i % 3],
            "raw": bytes([i, 255 - i]), "fixed": bytes([i, i, i]), "nothing": None, "day": dt.date(1969, 12, 1) + dt.timedelta(days=i),
            "ms": EPOCH + dt.timedelta(milliseconds=i * 1234567 - 5_000_000), "local": dt.datetime(2024, 2, 29, 12, 0, 0, i * 1000),
            "clock": dt.time(23, 59, i, 999000), "a b.c-ü": i,
        })
        if i % 4 == 3:
            rows[-1] = {f.name: rows[-1][f.name] if not f.nullable else None for f in schema}
    return schema, rows


def fine_times():
    """Times of less than a millisecond have no type in Connect, and are numbers."""
    schema = pa.schema([pa.field("us", pa.timestamp("us", tz="UTC")), pa.field("ns", pa.timestamp("ns")), pa.field("t_us", pa.time64("us")), pa.field("t_ns", pa.time64("ns"))])
    rows = [{"us": 1700000000000001 + i, "ns": 1700000000000000001 + i, "t_us": 1000001 + i, "t_ns": 1000000001 + i} for i in range(5)] + [dict.fromkeys(schema.names)]
    return schema, rows


def decimals():
    schema = pa.schema([pa.field("small", pa.decimal128(7, 2)), pa.field("medium", pa.decimal128(17, 3)), pa.field("large", pa.decimal128(38, 10)), pa.field("huge", pa.decimal256(60, 4))])
    rows = []
    for i in range(-3, 4):
        rows.append({"small": D(i * 11111).scaleb(-2), "medium": D(i * 1111111111111).scaleb(-3), "large": D(i * 10**30 + 7).scaleb(-10), "huge": D(i * 10**50 - 1).scaleb(-4)})
    rows.append(dict.fromkeys(schema.names))
    return schema, rows


def nested():
    item = pa.struct([pa.field("sku", pa.string()), pa.field("tags", pa.list_(pa.string()))])
    schema = pa.schema([
        pa.field("id", pa.int32(), nullable=False), pa.field("numbers", pa.list_(pa.int32())), pa.field("grid", pa.list_(pa.list_(pa.int64()))),
        pa.field("items", pa.list_(item)), pa.field("inner", pa.struct([pa.field("deep", pa.struct([pa.field("x", pa.float64())]))])),
        pa.field("attributes", pa.map_(pa.string(), pa.int32())), pa.field("lists", pa.map_(pa.string(), pa.list_(pa.decimal128(9, 2)))),
        pa.field("sizes", pa.map_(pa.int32(), pa.string())),
    ])
    rows = [
        {"id": 1, "numbers": [1, None, 3], "grid": [[1, 2], [], None, [3]], "items": [{"sku": "a", "tags": ["x", None]}, None, {"sku": None, "tags": None}],
         "inner": {"deep": {"x": 1.5}}, "attributes": [("a", 1), ("b", None)], "lists": [("l", [D("1.50"), None]), ("m", None), ("n", [])], "sizes": [(1, "one"), (2, None)]},
        {"id": 2, "numbers": [], "grid": [], "items": [], "inner": {"deep": None}, "attributes": [], "lists": [], "sizes": []},
        {"id": 3, "numbers": None, "grid": None, "items": None, "inner": None, "attributes": None, "lists": None, "sizes": None},
        {"id": 4, "numbers": [None], "grid": [[None]], "items": [{"sku": "z", "tags": []}], "inner": {"deep": {"x": None}}, "attributes": [("", 0)], "lists": [("", [D("-0.01")])], "sizes": [(-1, "")]},
    ]
    expected = [dict(r, attributes=None if r["attributes"] is None else dict(r["attributes"]), lists=None if r["lists"] is None else dict(r["lists"]),
                     sizes=None if r["sizes"] is None else [{"key": k, "value": v} for k, v in r["sizes"]]) for r in rows]
    return schema, rows, expected


def parquets(folder):
    schema, rows = scalars()
    for codec in "none", "snappy", "gzip", "zstd", "lz4", "brotli":
        parquet(folder, "scalars-" + codec, schema, rows, compression=codec)
    parquet(folder, "scalars-pages2", schema, rows, compression="snappy", data_page_version="2.0", data_page_size=64, row_group_size=17)
    parquet(folder, "scalars-plain", schema, rows, use_dictionary=False, data_page_size=64, write_statistics=False, store_schema=False)
    old = pa.schema([f for f in schema if f.name not in ("u32",)])
    parquet(folder, "scalars-v1", old, rows, [{k: v for k, v in r.items() if k != "u32"} for r in rows], version="1.0")
    deltas = pa.schema([schema.field(n) for n in ("i32", "i64", "text", "raw", "fixed", "f64")])
    parquet(folder, "deltas", deltas, rows, [{k: r[k] for k in deltas.names} for r in rows], use_dictionary=False, column_encoding={
        "i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "raw": "DELTA_LENGTH_BYTE_ARRAY", "fixed": "DELTA_BYTE_ARRAY", "f64": "BYTE_STREAM_SPLIT"})
    schema, rows = fine_times()
    parquet(folder, "fine-times", schema, rows)
    instants = pa.schema([pa.field("at", pa.timestamp("ns"))])
    ns = [0, -1, 1_700_000_000_123_456_789, -86_400_000_000_001, None]
    parquet(folder, "int96", instants, [{"at": n} for n in ns], [{"at": None if n is None else {"@millis": n // 1_000_000}} for n in ns], use_deprecated_int96_timestamps=True)
    schema, rows = decimals()
    parquet(folder, "decimals-fixed", schema, rows)
    parquet(folder, "decimals-integer", schema, rows, store_decimal_as_integer=True)
    schema, rows, expected = nested()
    parquet(folder, "nested", schema, rows, expected)
    parquet(folder, "nested-items", schema, rows, expected, use_compliant_nested_type=False)  # Arrow's name of elements
    parquet(folder, "nested-pages2", schema, rows * 50, expected * 50, data_page_version="2.0", data_page_size=32, row_group_size=33, compression="zstd")
    parquet(folder, "empty", schema, [])


def avros(folder):
    schema = {"type": "record", "name": "shop.Order", "fields": [
        {"name": "id", "type": "long"}, {"name": "either", "type": ["null", "int", "string", {"type": "array", "items": "double"}]},
        {"name": "maybe", "type": ["string", "null"], "default": "x"}, {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
        {"name": "sum", "type": {"type": "fixed", "name": "Sum", "size": 4}}, {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 3}},
        {"name": "cost", "type": {"type": "fixed", "name": "Cost", "size": 6, "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}}, {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "counts", "type": {"type": "map", "values": ["null", "long"]}}, {"name": "again", "type": "shop.State"},
        {"name": "flags", "type": {"type": "array", "items": "boolean"}}, {"name": "ratio", "type": "float"}, {"name": "raw", "type": "bytes"},
    ]}
    rows, expected = [], []
    for i in range(30):
        either = [None, i, "text", [i / 2]][i % 4]
        row = {
            "id": i * 2**40 - 5, "either": either, "maybe": None if i % 2 else "m", "state": "PAID" if i % 3 else "NEW", "sum": bytes([i] * 4), "price": D(i * 1001 - 7).scaleb(-3),
            "cost": D(i * 7 - 20).scaleb(-2), "day": dt.date(1969, 12, 20) + dt.timedelta(days=i), "clock": dt.time(0, 1, 2, 3000 * (i % 3)),
            "at": EPOCH + dt.timedelta(milliseconds=i - 3), "key": "123e4567-e89b-12d3-a456-4266141740%02d" % i, "counts": {"a": i, "b": None}, "again": "NEW",
            "flags": [True] * (i % 3), "ratio": i / 8, "raw": bytes(range(i)),
        }
        rows.append(row)
        kinds = {"int": None, "string": None, "array": None}
        if either is not None:
            kinds[["", "int", "string", "array"][i % 4]] = either
        expected.append(dict(row, either=None if either is None else kinds))
    for codec in "null", "deflate", "snappy", "zstandard", "bzip2", "xz":
        name = os.path.join(folder, "order-%s.avro" % codec)
        with open(name, "wb") as f:
            fastavro.writer(f, schema, [dict(r, key=uuid.UUID(r["key"])) for r in rows], codec=codec, sync_interval=200)
        put(name, expected)
    node = {"type": "record", "name": "Node", "fields": [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]}
    rows = [{"v": 1, "next": {"v": 2, "next": {"v": 3, "next": None}}}, {"v": 9, "next": None}]
    name = os.path.join(folder, "recursive.avro")
    with open(name, "wb") as f:
        fastavro.writer(f, node, rows)
    put(name, rows)
    for name, schema, rows in ("texts", "string", ["a", "", "é"]), ("numbers", {"type": "array", "items": "int"}, [[1, -2], []]):
        name = os.path.join(folder, name + ".avro")
        with open(name, "wb") as f:
            fastavro.writer(f, schema, rows)
        put(name, rows)


if __name__ == "__main__":
    parquets(sys.argv[1])
    avros(sys.argv[1])
