"""Asks doorward over gRPC, knowing nothing but its address: services and messages come from reflection."""

import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

# What this client says of a Unix socket by itself, its path, is no authority, and HTTP/2 servers in Rust reset the call.
channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.default_authority", "localhost")])
database = ProtoReflectionDescriptorDatabase(channel)
pool = descriptor_pool.DescriptorPool(database)


def method(service, name):
    return pool.FindServiceByName(service).FindMethodByName(name)


def call(service, name, request):
    """Sends what `request` says and gives the answer as a dictionary."""
    described = method(service, name)
    asked = message_factory.GetMessageClass(described.input_type)
    answered = message_factory.GetMessageClass(described.output_type)
    send = channel.unary_unary(
        f"/{service}/{name}", request_serializer=asked.SerializeToString, response_deserializer=answered.FromString
    )
    answer = send(json_format.ParseDict(request, asked()), timeout=10)
    return json_format.MessageToDict(answer)


def request(who, action):
    return {
        "identity": {"type": "IDENTITY_TYPE_USER", "id": who},
        "resource": {"target": {"type": "record", "id": "record-1"}},
        "attributes": {"resource.status": "active"},
        "action": action,
        "requestId": f"{who}-{action}",
    }


def told(answer):
    names = [policy["id"] for policy in answer.get("policies", [])]
    return f"{answer['requestId']}: {answer['decision']} {answer['reason']} {names}"


print("services:", *sorted(database.get_services()))
print("health:", call("grpc.health.v1.Health", "Check", {"service": "doorward.v1.Decisions"})["status"])
decisions = "doorward.v1.Decisions"
print(told(call(decisions, "Decide", request("alice", "read"))))
batch = call(decisions, "DecideBatch", {"requests": [request("alice", "read"), request("mallory", "read"), {}]})
for result in batch["results"]:
    if "answer" in result:
        print("batch", told(result["answer"]))
    else:
        print("batch", result["error"]["reason"], result["error"]["field"])
try:
    call(decisions, "Decide", {"identity": {"type": "IDENTITY_TYPE_USER"}})
except grpc.RpcError as error:
    print(error.code(), error.details())
