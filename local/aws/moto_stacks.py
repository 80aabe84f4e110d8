"""CloudFormation in moto, closer to the real one: resources in dependency order, work that goes on after
the API call was answered, events, rollback, custom resources served by Lambda, and three more types."""

import json
import re
import threading
import traceback
import uuid
from concurrent.futures import Future, TimeoutError

from moto.awslambda.models import LambdaFunction, LambdaVersion, lambda_backends
from moto.cloudformation import parsing
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError, ValidationError
from moto.cloudformation.models import CloudFormationBackend, Event, Stack, cloudformation_backends
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import generate_stack_id
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.common_models import CloudFormationModel
from moto.core.responses import ActionResult, EmptyResult
from moto.scheduler.models import scheduler_backends

ANSWER_AFTER = 5  # seconds an API call waits for the stack before it answers ..._IN_PROGRESS
endpoint = "http://localhost:5000"  # set by the main program, as is invoke
invoke = None
answers = {}  # token in the ResponseURL: Future
worker = threading.local()


# --- custom resources -------------------------------------------------------------------------------


class HandlerFailed(Exception):
    def __init__(self, message, resource):
        super().__init__(message)
        self.resource = resource


def text(value):
    """Property values reach the handler as strings, as in CloudFormation."""
    if isinstance(value, dict):
        return {k: text(v) for k, v in value.items()}
    if isinstance(value, list):
        return [text(v) for v in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


class Custom(CustomModel):
    __module__ = "moto.cloudformation"  # moto reads the service name from here

    def __init__(self, account, region, stack, logical_id, kind):
        self.account, self.region, self.stack, self.logical_id, self.kind = account, region, stack, logical_id, kind
        self.logical_resource_id, self.cf_resource_type = logical_id, kind
        self.resource_name, self.properties, self.data, self.stale = None, {}, {}, []

    def send(self, request, properties, physical_id=None, old=None):
        answer, token, request_id = Future(), uuid.uuid4().hex, str(uuid.uuid4())
        answers[token] = answer
        event = {
            "RequestType": request,
            "ServiceToken": properties["ServiceToken"],
            "ResponseURL": f"{endpoint}/cfn-response/{token}",
            "StackId": self.stack,
            "RequestId": request_id,
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.kind,
            "ResourceProperties": properties,
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = old
        threading.Thread(target=self.run, args=(event, answer), daemon=True).start()
        try:
            body = answer.result(int(properties.get("ServiceTimeout", 3600)))
        except TimeoutError:
            raise self.failed(
                "CloudFormation did not receive a response from your custom resource. "
                f"Please check your logs for requestId [{request_id}]. If you are using the Python "
                "cfn-response module, you may need to update your Lambda function code."
            )
        finally:
            del answers[token]
        if len(body) > 4096:
            raise self.failed("Response object is too long.")
        try:
            reply = json.loads(body)
        except ValueError:
            raise self.failed("Invalid response object: not JSON")
        self.resource_name = reply.get("PhysicalResourceId") or physical_id
        if reply.get("Status") != "SUCCESS":
            raise self.failed(
                f"Received response status [FAILED] from custom resource. Message returned: {reply.get('Reason')} "
                f"(RequestId: {request_id})"
            )
        if not reply.get("PhysicalResourceId"):
            raise self.failed("Invalid PhysicalResourceId")
        self.data = reply.get("Data") or {}

    def run(self, event, answer):
        try:
            function = lambda_backends[self.account][self.region].get_function(event["ServiceToken"])
            reply, failed, _ = invoke(function, event["ServiceToken"], json.dumps(event).encode())
            if failed and not answer.done():  # the real one would wait for an hour
                reason = f"The handler failed without answering: {reply.decode(errors='replace')}"
                answer.set_result(json.dumps({"Status": "FAILED", "Reason": reason[:3000]}).encode())
        except Exception as e:
            answer.set_result(json.dumps({"Status": "FAILED", "Reason": str(e)[:3000]}).encode())

    def failed(self, message):
        return HandlerFailed(message, self)

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        resource = cls(account_id, region_name, kwargs["StackId"], kwargs["LogicalId"], kwargs["ResourceType"])
        resource.properties = text(cloudformation_json["Properties"])
        resource.send("Create", resource.properties)
        return resource

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        resource, new = original_resource, text(cloudformation_json["Properties"])
        old, old_id = resource.properties, resource.resource_name
        if new != old:
            resource.properties = new
            resource.send("Update", new, old_id, old)
            if resource.resource_name != old_id:  # replaced: the old one is deleted when the stack is done
                resource.stale.append((old_id, old))
        return resource

    def clean(self):
        stale = [s for s in self.stale if s[0] != self.resource_name]
        self.stale = []
        for physical_id, properties in stale:
            Custom(self.account, self.region, self.stack, self.logical_id, self.kind).send(
                "Delete", properties, physical_id
            )

    def delete(self, account_id, region_name):
        if self.resource_name is not None:
            self.send("Delete", self.properties, self.resource_name)

    @classmethod
    def has_cfn_attr(cls, attr):
        return True

    def is_created(self):
        return True

    def get_cfn_attribute(self, attribute_name):
        if attribute_name not in self.data:
            raise self.failed(
                f"CustomResource attribute error: Vendor response doesn't contain {attribute_name} attribute "
                f"in object {self.logical_id}"
            )
        return self.data[attribute_name]


def is_custom(resource):
    return resource["Type"].startswith("Custom::") or resource["Type"] == "AWS::CloudFormation::CustomResource"


# --- resources: order, events, update -----------------------------------------------------------------


def references(value):
    """The names that a resource refers to."""
    if isinstance(value, list):
        return {name for v in value for name in references(v)}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, v in value.items():
        if key == "Ref":
            found.add(v)
        elif key == "Fn::GetAtt":
            found.add(v[0] if isinstance(v, list) else v.split(".")[0])
        elif key == "DependsOn":
            found |= {v} if isinstance(v, str) else set(v)
        elif key == "Fn::Sub":
            found |= set(re.findall(r"\${([^!.}]+)", v if isinstance(v, str) else v[0]))
        if not isinstance(v, str):
            found |= references(v)
    return found


def ordered(resources):
    """Names of resources, each after those it refers to."""
    done = {}

    def visit(name):
        if name in resources and name not in done:
            done[name] = None
            for other in sorted(references(resources[name])):
                visit(other)
            done.pop(name)
            done[name] = None

    for name in resources:
        visit(name)
    return list(done)


def stack_of(resources):
    return cloudformation_backends[resources._account_id][resources._region_name].stacks.get(resources.stack_id)


def event(resources, name, status, reason=None, physical_id=None):
    kind = resources._resource_json_map.get(name, {}).get("Type", "")
    if stack := stack_of(resources):
        stack.events.append(Event(stack.stack_id, stack.name, name, physical_id or "", kind, status, reason, None))


def watched(resources, name, verb, work):
    """Do the work on one resource, with its events."""
    event(resources, name, verb + "_IN_PROGRESS")
    try:
        result = work()
    except Exception as e:
        if not isinstance(e, HandlerFailed):
            traceback.print_exc()
        event(resources, name, verb + "_FAILED", str(getattr(e, "message", None) or e) or repr(e))
        raise
    event(resources, name, verb + "_COMPLETE", physical_id=getattr(result, "physical_resource_id", None))
    return result


parse_and_create = parsing.parse_and_create_resource


def create_resource(logical_id, resource_json, resources_map, account_id, region_name):
    condition = resource_json.get("Condition")
    if condition and not resources_map.lazy_condition_map[condition]:
        return None
    if not is_custom(resource_json) and not parsing.resource_class_from_type(resource_json["Type"]):
        stack = stack_of(resources_map)
        told = stack and any(e.logical_resource_id == logical_id for e in stack.events)
        if resource_json["Type"] != "AWS::CDK::Metadata" and not told:
            event(resources_map, logical_id, "CREATE_COMPLETE", "moto does not know this type: nothing was created")
        return None

    def work():
        try:
            return parse_and_create(logical_id, resource_json, resources_map, account_id, region_name)
        except HandlerFailed as e:
            resources_map._parsed_resources.setdefault(e.resource.logical_id, e.resource)
            raise

    return watched(resources_map, logical_id, "CREATE", work)


def remove(self, names):
    """Delete resources, those that others refer to last; returns the failures."""
    failures, before = {}, None
    names = [n for n in reversed(ordered(self._old)) if n in names]
    while names and len(names) != before:  # another pass for what was still in use
        before = len(names)
        for name in list(names):
            resource, definition = self._parsed_resources.get(name), self._old[name]
            try:
                if isinstance(resource, CloudFormationModel) and definition.get("DeletionPolicy") != "Retain":
                    watched(self, name, "DELETE", lambda: self._delete_resource(resource, definition))
            except Exception as e:
                failures[name] = e
                if isinstance(e, HandlerFailed):
                    names.remove(name)
            else:
                names.remove(name)
                failures.pop(name, None)
                self._parsed_resources.pop(name, None)
    return failures


def create(self, template):
    self._template, self._resource_json_map = template, template["Resources"]
    for name in ordered(self._resource_json_map):
        self[name]
    return True


def delete(self):
    self._old = self._resource_json_map
    if failures := remove(self, set(self._old)):
        raise next(iter(failures.values()))


def update(self, template, parameters=None):
    changes = self.build_resource_diff(template, parameters)
    self._old = {**self._resource_json_map, **template["Resources"]}
    self._template, self._resource_json_map = template, template["Resources"]
    if parameters:
        self.input_parameters = parameters
    self.load_mapping()
    self.load_parameters()
    self.load_conditions()
    for name in ordered(self._resource_json_map):
        definition, resource = self._resource_json_map[name], self._parsed_resources.get(name)
        condition = definition.get("Condition")
        if condition and not self.lazy_condition_map[condition]:
            if isinstance(resource, CloudFormationModel):
                changes["Remove"] = [*changes["Remove"], name]
        elif resource is None:
            self[name]
        elif is_custom(definition):
            if text(parsing.clean_json(definition["Properties"], self)) != resource.properties:
                watched(self, name, "UPDATE", lambda: change(self, name, definition))
        elif name in changes["Modify"]:
            watched(self, name, "UPDATE", lambda: change(self, name, definition))


def change(self, name, definition):
    changed = parsing.parse_and_update_resource(
        name, definition, self, account_id=self._account_id, region_name=self._region_name
    )
    if changed is not None:
        self._parsed_resources[name] = changed
    return changed


def clean(self):
    """After an update: delete what the template no longer has; failures stay events, as in CloudFormation."""
    gone = {n for n, d in self._old.items() if n in self._parsed_resources and not wanted(self, n)}
    remove(self, gone)
    for name, resource in list(self._parsed_resources.items()):
        if isinstance(resource, Custom) and resource.stale:
            try:
                watched(self, name, "DELETE", resource.clean)
            except HandlerFailed:
                pass


def wanted(self, name):
    definition = self._resource_json_map.get(name)
    condition = definition and definition.get("Condition")
    return definition and (not condition or self.lazy_condition_map[condition])


diff = ResourceMap.build_resource_diff


def build_resource_diff(self, other_template, *args):
    # moto does not see a change that reaches a resource only through a condition or a Fn::Sub.
    found = diff(self, other_template, *args)
    for name, resource in other_template["Resources"].items():
        if name in {*found["Add"], *found["Remove"], *found["Modify"]}:
            continue
        if "Fn::If" in json.dumps(resource) or references(resource) & set(other_template.get("Parameters", {})):
            found["Modify"] = [*found["Modify"], name]
    return found


validate = ResourceMap.validate_outputs


def validate_outputs(self):
    try:
        validate(self)
    except AttributeError:  # an output of a type that moto does not know
        pass


# --- stacks: work in the background, rollback --------------------------------------------------------


def background(work):
    """Run work, and return when it is done, or after ANSWER_AFTER seconds."""

    def run():
        worker.inside = True
        try:
            work()
        except Exception:
            traceback.print_exc()

    if getattr(worker, "inside", False):  # a nested stack
        return work()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ANSWER_AFTER)


def status(stack, value, reason=None):
    stack._add_stack_event(value, resource_status_reason=reason)
    stack.status = value


def busy(stack):
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")


def backend_of(stack):
    return cloudformation_backends[stack.account_id][stack.region_name]


def outputs_ready(stack):
    """Work the outputs out, which may fail, and publish the exports."""
    stack.output_map = stack._create_output_map()
    list(stack.output_map.values())
    for export in stack.output_map.exports:
        backend_of(stack).exports[export.name] = export


def why(e):
    return str(getattr(e, "message", None) or e) or repr(e)


def create_resources(self):
    self.status = "CREATE_IN_PROGRESS"

    def work():
        try:
            self.resource_map.create(self.template_dict)
            outputs_ready(self)
        except Exception as e:
            status(self, "ROLLBACK_IN_PROGRESS", f"The following resource(s) failed to create: {why(e)}")
            try:
                self.resource_map.delete()
            except Exception as e2:
                status(self, "ROLLBACK_FAILED", why(e2))
            else:
                status(self, "ROLLBACK_COMPLETE")
        else:
            self.description = self.template_dict.get("Description")
            self.mark_creation_complete()

    background(work)


def create_stack(self, name, template, parameters, notification_arns=None, tags=None, role_arn=None,
                 enable_termination_protection=False, timeout_in_mins=None, stack_policy_body=None):  # fmt: skip
    if name in [stack.name for stack in self.stacks.values()]:
        raise AlreadyExistsException(f"Stack [{name}] already exists")
    stack_id = generate_stack_id(name, self.region_name, self.account_id)
    stack = self.stacks[stack_id] = Stack(
        stack_id=stack_id, name=name, template=template, parameters=parameters, account_id=self.account_id,
        region_name=self.region_name, notification_arns=notification_arns, tags=tags, role_arn=role_arn,
        cross_stack_resources=self.exports, enable_termination_protection=enable_termination_protection,
        timeout_in_mins=timeout_in_mins, stack_policy_body=stack_policy_body,
    )  # fmt: skip
    stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
    stack.create_resources()
    return stack


def update_stack(stack, template, role_arn=None, parameters=None, tags=None):
    busy(stack)
    old = stack.template, dict(stack.resource_map.input_parameters), dict(stack.parameters)
    status(stack, "UPDATE_IN_PROGRESS", "User Initiated")
    stack.template = template
    stack._parse_template()
    stack.role_arn = role_arn
    stack.tags = stack.tags if tags is None else tags
    if parameters:
        stack.parameters = parameters

    def work():
        try:
            stack.resource_map.update(stack.template_dict, parameters)
            outputs_ready(stack)
        except Exception as e:
            status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", f"The following resource(s) failed to update: {why(e)}")
            stack.template, inputs, stack.parameters = old
            stack._parse_template()
            try:
                stack.resource_map.update(stack.template_dict, inputs)
                clean(stack.resource_map)
                outputs_ready(stack)
            except Exception as e2:
                status(stack, "UPDATE_ROLLBACK_FAILED", why(e2))
            else:
                status(stack, "UPDATE_ROLLBACK_COMPLETE")
        else:
            status(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            clean(stack.resource_map)
            status(stack, "UPDATE_COMPLETE")

    background(work)


def delete_stack(self, name_or_stack_id):
    stack = next((s for i, s in self.stacks.items() if name_or_stack_id in (i, s.name)), None)
    if stack is None:
        return
    if stack.status == "DELETE_IN_PROGRESS":
        return
    busy(stack)
    exports = [e.name for e in stack.exports]
    status(stack, "DELETE_IN_PROGRESS", "User Initiated")

    def work():
        try:
            stack.resource_map.delete()
        except Exception as e:
            return status(stack, "DELETE_FAILED", f"The following resource(s) failed to delete: {why(e)}")
        status(stack, "DELETE_COMPLETE")
        for name in exports:
            self.exports.pop(name, None)
        self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)
        for arn in [a for a, c in self.change_sets.items() if c.stack_id == stack.stack_id]:
            del self.change_sets[arn]

    background(work)


def change_set_of(self):
    """The ARN of the change set that a request means: every stack of the CDK uses the same name for its own."""
    name, stack = self._get_param("ChangeSetName"), self._get_param("StackName")
    for arn, c in reversed(list(self.cloudformation_backend.change_sets.items())):
        if name == arn or (name == c.change_set_name and stack in (None, c.stack_name, c.stack_id)):
            return arn
    raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")


def execute_change_set(self, change_set_name, stack_name=None):
    change_set = self.change_sets[change_set_name]
    stack = self.stacks[change_set.stack_id]
    if change_set.execution_status == "EXECUTE_COMPLETE":  # a client that repeats its call
        return
    change_set.execution_status = "EXECUTE_COMPLETE"
    if change_set.change_set_type != "CREATE":
        return update_stack(stack, change_set.template, change_set.role_arn, change_set.parameters, change_set.tags)
    stack.template, stack.parameters, stack.cross_stack_resources = (
        change_set.template,
        change_set.parameters,
        self.exports,
    )
    stack._parse_template()
    stack.resource_map = stack._create_resource_map()
    stack.output_map = stack._create_output_map()
    stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
    stack.create_resources()


class ChangeSetNotFound(CloudFormationError):
    __module__ = "moto.cloudformation"
    code = "ChangeSetNotFound"


def describe_change_set(self):
    return ActionResult(self.cloudformation_backend.change_sets[change_set_of(self)])


def delete_change_set(self):
    try:
        del self.cloudformation_backend.change_sets[change_set_of(self)]
    except ChangeSetNotFound:
        pass
    return EmptyResult()


def run_change_set(self):
    self.cloudformation_backend.execute_change_set(change_set_of(self))
    return EmptyResult()


def resolve_update_parameters(self, instance, incoming_params):
    # moto forgets values that came from a default.
    old = instance.template_dict.get("Parameters", {})
    values = {}
    for p in incoming_params:
        key = p["ParameterKey"]
        if not p.get("UsePreviousValue"):
            values[key] = p["ParameterValue"]
        elif key in instance.parameters:
            values[key] = instance.parameters[key]
        elif "Default" in old.get(key, {}):
            values[key] = old[key]["Default"]
    return values


def settled(getter, otherwise):
    """moto creates resources while it works outputs out, so they must wait until the stack is done."""
    done = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    return property(lambda self: getter(self) if self.status in done else otherwise)


create_change = CloudFormationBackend.create_change_set


def create_change_set(self, stack_name, change_set_name, template, parameters, *args, **kwargs):
    # For a previous value of an SSM type moto passes the looked-up value instead of the parameter's name.
    for stack in self.stacks.values():
        if stack.name == stack_name:
            for name, definition in stack.template_dict.get("Parameters", {}).items():
                if definition["Type"].startswith("AWS::SSM::Parameter::") and name in parameters:
                    if parameters[name] == stack.stack_parameters.get(name):
                        parameters[name] = stack.parameters.get(name, definition.get("Default"))
    return create_change(self, stack_name, change_set_name, template, parameters, *args, **kwargs)


clean_json = parsing.clean_json


def without_no_value(value, resources_map):
    # AWS::NoValue in a list takes the entry away; moto leaves a hole.
    found = clean_json(value, resources_map)
    return [v for v in found if v is not None] if isinstance(value, list) else found


parse_condition = parsing.parse_condition


def compare_as_text(condition, resources_map, condition_map):
    # A number is a text to CloudFormation; moto finds that 0 is not "0".
    if isinstance(condition, dict) and "Fn::Equals" in condition:
        one, other = (text(parsing.clean_json(v, resources_map)) for v in condition["Fn::Equals"])
        return one == other
    return parse_condition(condition, resources_map, condition_map)


parsing.clean_json = without_no_value
parsing.parse_condition = compare_as_text
resource_class = parsing.resource_class_from_type
parsing.resource_class_from_type = lambda kind: Custom if is_custom({"Type": kind}) else resource_class(kind)
parsing.parse_and_create_resource = create_resource
ResourceMap.create, ResourceMap.update, ResourceMap.delete = create, update, delete
ResourceMap.build_resource_diff = build_resource_diff
ResourceMap.validate_outputs = validate_outputs
Stack.create_resources, Stack.update = create_resources, update_stack
Stack.outputs = settled(Stack.outputs.fget, None)
Stack.exports = settled(Stack.exports.fget, [])
Stack.stack_resources = property(
    lambda self: [r for r in list(self.resource_map._parsed_resources.values()) if isinstance(r, CloudFormationModel)]
)
CloudFormationBackend.create_stack = create_stack
CloudFormationBackend.create_change_set = create_change_set
CloudFormationBackend.delete_stack = delete_stack
CloudFormationBackend.execute_change_set = execute_change_set
CloudFormationResponse.describe_change_set = describe_change_set
CloudFormationResponse.delete_change_set = delete_change_set
CloudFormationResponse.execute_change_set = run_change_set
CloudFormationBackend._resolve_update_parameters = resolve_update_parameters
CloudTrailResponse.lookup_events = lambda self: '{"Events": []}'  # the CDK asks when a deploy failed


# --- resource types that moto lacks -----------------------------------------------------------------


class Model:
    attributes = ()

    @classmethod
    def has_cfn_attr(cls, attr):
        return attr in cls.attributes

    @staticmethod
    def cloudformation_name_type():
        return ""


class Schedule(Model, CloudFormationModel):
    __module__ = "moto.scheduler"
    attributes = ("Arn",)

    def __init__(self, schedule):
        self.schedule = schedule

    @property
    def physical_resource_id(self):
        return self.schedule.name

    def get_cfn_attribute(self, attribute_name):
        return self.schedule.arn

    @staticmethod
    def cloudformation_name_type():
        return "Name"

    @staticmethod
    def cloudformation_type():
        return "AWS::Scheduler::Schedule"

    @staticmethod
    def fields(p):
        return {
            "description": p.get("Description"),
            "end_date": p.get("EndDate"),
            "flexible_time_window": p["FlexibleTimeWindow"],
            "group_name": p.get("GroupName"),
            "kms_key_arn": p.get("KmsKeyArn"),
            "schedule_expression": p["ScheduleExpression"],
            "schedule_expression_timezone": p.get("ScheduleExpressionTimezone"),
            "start_date": p.get("StartDate"),
            "state": p.get("State") or "ENABLED",
            "target": p["Target"],
        }

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        p = cloudformation_json["Properties"]
        backend = scheduler_backends[account_id][region_name]
        return cls(backend.create_schedule(name=resource_name, action_after_completion=None, **cls.fields(p)))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        p = cloudformation_json["Properties"]
        backend = scheduler_backends[account_id][region_name]
        return cls(backend.update_schedule(name=original_resource.physical_resource_id, **cls.fields(p)))

    def delete(self, account_id, region_name):
        scheduler_backends[account_id][region_name].delete_schedule(self.schedule.group_name, self.schedule.name)


class ScheduleGroup(Model, CloudFormationModel):
    __module__ = "moto.scheduler"
    attributes = ("Arn",)

    def __init__(self, group):
        self.group = group

    @property
    def physical_resource_id(self):
        return self.group.name

    def get_cfn_attribute(self, attribute_name):
        return self.group.arn

    @staticmethod
    def cloudformation_name_type():
        return "Name"

    @staticmethod
    def cloudformation_type():
        return "AWS::Scheduler::ScheduleGroup"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        return cls(scheduler_backends[account_id][region_name].create_schedule_group(name=resource_name, tags=[]))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        return original_resource

    def delete(self, account_id, region_name):
        scheduler_backends[account_id][region_name].delete_schedule_group(self.group.name)


class Url(Model, CloudFormationModel):
    __module__ = "moto.awslambda"
    attributes = ("FunctionArn", "FunctionUrl")

    def __init__(self, function, config):
        self.function, self.config = function, config

    @property
    def physical_resource_id(self):
        return self.function.function_arn

    def get_cfn_attribute(self, attribute_name):
        return self.config.url if attribute_name == "FunctionUrl" else self.function.function_arn

    @staticmethod
    def cloudformation_type():
        return "AWS::Lambda::Url"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        p = cloudformation_json["Properties"]
        function = lambda_backends[account_id][region_name].get_function(p["TargetFunctionArn"])
        return cls(function, function.create_url_config(p))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def delete(self, account_id, region_name):
        self.function.delete_url_config()


class Alias(Model, CloudFormationModel):
    __module__ = "moto.awslambda"
    attributes = ("AliasArn",)

    def __init__(self, alias, function_name):
        self.alias, self.function_name = alias, function_name

    @property
    def physical_resource_id(self):
        return self.alias.arn

    def get_cfn_attribute(self, attribute_name):
        return self.alias.arn

    @staticmethod
    def cloudformation_type():
        return "AWS::Lambda::Alias"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        p = cloudformation_json["Properties"]
        backend = lambda_backends[account_id][region_name]
        name = backend.get_function(p["FunctionName"]).function_name
        routing = p.get("RoutingConfig", {})
        alias = backend.create_alias(p["Name"], name, str(p["FunctionVersion"]), p.get("Description", ""), routing)
        return cls(alias, name)

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        p = cloudformation_json["Properties"]
        original_resource.alias.update(p.get("Description", ""), str(p["FunctionVersion"]), p.get("RoutingConfig", {}))
        return original_resource

    def delete(self, account_id, region_name):
        lambda_backends[account_id][region_name].delete_alias(self.alias.name, self.function_name)


# A version has its ARN as Ref, a number as attribute, and disappears with its function.
LambdaVersion.has_cfn_attr = classmethod(lambda cls, attr: attr in ("FunctionArn", "Version"))
LambdaVersion.get_cfn_attribute = lambda self, name: self.arn if name == "FunctionArn" else str(self.version)
LambdaVersion.physical_resource_id = property(lambda self: self.arn)
LambdaVersion.cloudformation_name_type = staticmethod(lambda: "")


def create_version(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    name = cloudformation_json["Properties"]["FunctionName"]
    function = lambda_backends[account_id][region_name].publish_version(name)
    version = cls({"Version": function.version})
    version.arn = function.function_arn
    return version


LambdaVersion.create_from_cloudformation_json = classmethod(create_version)

update_function = LambdaFunction.update_from_cloudformation_json.__func__


def updated_function(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    p = cloudformation_json["Properties"]
    p.setdefault("Environment", {}).setdefault("Variables", {})  # moto keeps what the template no longer says
    original_resource.reserved_concurrency = p.get("ReservedConcurrentExecutions")
    return update_function(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name)


LambdaFunction.update_from_cloudformation_json = classmethod(updated_function)
