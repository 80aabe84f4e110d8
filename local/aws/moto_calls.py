"""Notes what functions, and schedules in the name of their roles, ask of the emulator, and of which things: their
roles must allow that on AWS, and the emulator lets everybody do everything."""

import io
import json
import re
import threading
from urllib.parse import parse_qsl

from moto.awslambda.models import lambda_backends
from moto.secretsmanager.models import secretsmanager_backends

CALLER = "function-"  # begins the access key of a function, which its name ends
ACCOUNT = "123456789012"
SIGNED = re.compile(f"Credential={CALLER}([^/]+)/[^/]*/([^/]*)/([^/]+)/")

path = None  # of the file, which has a call a line, each once
seen, lock = set(), threading.Lock()


def write(**call):
    text = json.dumps(call, sort_keys=True)
    with lock:
        if text not in seen:
            seen.add(text)
            with open(path, "a") as f:
                f.write(text + "\n")


def note(environ):
    """Notes a request of a function."""
    found = SIGNED.search(environ.get("HTTP_AUTHORIZATION", ""))
    if not found:
        return
    function, region, service = found.groups()
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    operation, where = target.rpartition(".")[2], environ.get("PATH_INFO", "")
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    body = {}
    if service == "s3" and "delete" in query:
        body = {"keys": sorted(re.findall("<Key>([^<]*)</Key>", read(environ).decode()))}
    elif service != "s3" and not where.endswith("/invocations"):
        body = json.loads(read(environ) or "{}")
    if service != "s3":
        where = re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", where)
    write(
        function=function,
        service=service,
        method=environ["REQUEST_METHOD"],
        path=where,
        query={} if service == "s3" else query,
        parts=sorted(query),
        operation=operation,
        about=about(service, region, operation, environ.get("PATH_INFO", ""), body),
    )


def read(environ):
    """Reads the body and puts it back."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def about(service, region, operation, where, body):
    """What policies may narrow a request to, beside its path."""
    if service == "dynamodb":
        return {"items": sorted({(action, table, key) for action, table, key in items(operation, body)})}
    if service == "secretsmanager":
        secret = secretsmanager_backends[ACCOUNT][region].secrets.get(body["SecretId"])
        return {"arn": secret.arn if secret else body["SecretId"]}
    if service == "s3":
        return body
    if service == "ssm":
        return {"name": body.get("Name", "")}
    if service == "scheduler" and body:
        return {"role": body["Target"]["RoleArn"], "group": body.get("GroupName", "")}
    if "/event-source-mappings" in where:
        if body.get("FunctionName"):
            name = body["FunctionName"]
            return {"function": name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"}
        mapping = lambda_backends[ACCOUNT][region]._event_source_mappings.get(where.strip("/").split("/")[-1])
        return {"function": mapping.function_arn if mapping else ""}
    return {}


def items(operation, body):
    """The actions of a request to DynamoDB, with the table and the partition key of each."""
    table = body.get("TableName", "")
    if operation == "TransactWriteItems":
        names = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
        for entry in body["TransactItems"]:
            for name, request in entry.items():
                yield names[name], request["TableName"], (request.get("Key") or request["Item"])["pk"]["S"]
    elif operation == "BatchGetItem":
        for name, request in body["RequestItems"].items():
            for key in request["Keys"]:
                yield operation, name, key["pk"]["S"]
    elif operation == "Query":
        value = re.match(r"pk = (:\w+)", body["KeyConditionExpression"]).group(1)
        yield operation, table, body["ExpressionAttributeValues"][value]["S"]
    elif "Key" in body or "Item" in body:
        yield operation, table, (body.get("Key") or body["Item"])["pk"]["S"]
    else:
        yield operation, table, ""


def fired(schedule):
    """Notes that a schedule invokes a function."""
    write(
        function=schedule.target["RoleArn"],
        service="lambda",
        method="POST",
        path=f"/2015-03-31/functions/{schedule.target['Arn']}/invocations",
        query={},
        parts=[],
        operation="",
        about={},
    )
