"""What Microsoft's own Graph SDK for Python reads from doorward: python client.py BASE_URL, JSON on standard output.

Everything goes through the SDK's typed requests and models; nothing here knows how doorward writes them.
"""

import asyncio
import json
import sys

import httpx
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.identity.conditional_access.evaluate.evaluate_post_request_body import EvaluatePostRequestBody
from msgraph.generated.identity.conditional_access.policies.policies_request_builder import PoliciesRequestBuilder
from msgraph.generated.models.application_context import ApplicationContext
from msgraph.generated.models.auth_context import AuthContext
from msgraph.generated.models.conditional_access_client_app import ConditionalAccessClientApp
from msgraph.generated.models.conditional_access_device_platform import ConditionalAccessDevicePlatform
from msgraph.generated.models.device_info import DeviceInfo
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.risk_level import RiskLevel
from msgraph.generated.models.service_principal_sign_in import ServicePrincipalSignIn
from msgraph.generated.models.sign_in_conditions import SignInConditions
from msgraph.generated.models.user_action_context import UserActionContext
from msgraph.generated.models.user_sign_in import UserSignIn
from msgraph.generated.models.user_action import UserAction
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph_core import GraphClientFactory, PageIterator

USER = "d0000000-0000-4000-8000-000000000001"
WORKLOAD = "a0000000-0000-4000-8000-00000000000a"
APP = "00000003-0000-0ff1-ce00-000000000000"


def client_of(base_url):
    client = httpx.AsyncClient(base_url=base_url)
    client = GraphClientFactory.create_with_default_middleware(client=client)
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client)
    adapter.base_url = base_url
    return GraphServiceClient(request_adapter=adapter)


def text_of(value):
    return value.value if hasattr(value, "value") else value


def policy_of(policy):
    grant = policy.grant_controls
    workloads = policy.conditions.client_applications
    return {
        "id": policy.id,
        "displayName": policy.display_name,
        "state": text_of(policy.state),
        "users": policy.conditions.users.include_users,
        "servicePrincipals": workloads.include_service_principals if workloads else None,
        "clientAppTypes": [text_of(app) for app in policy.conditions.client_app_types],
        "builtInControls": [text_of(control) for control in grant.built_in_controls] if grant else None,
    }


def location_of(location):
    told = {"type": type(location).__name__, "id": location.id, "displayName": location.display_name}
    if told["type"] == "IpNamedLocation":
        told["isTrusted"] = location.is_trusted
        told["ranges"] = [[type(part).__name__, part.cidr_address] for part in location.ip_ranges]
    if told["type"] == "CountryNamedLocation":
        told["countries"] = location.countries_and_regions
    return told


async def pages(access, client):
    """Names of all policies, two on a page."""
    parameters = PoliciesRequestBuilder.PoliciesRequestBuilderGetQueryParameters(top=2)
    first = await access.policies.get(request_configuration=RequestConfiguration(query_parameters=parameters))
    names = []
    iterator = PageIterator(first, client.request_adapter)
    await iterator.iterate(lambda policy: names.append(policy.display_name) or True)
    return {"first": [policy.display_name for policy in first.value], "all": names}


async def evaluated(access, identity, context, conditions, applied_only=False):
    body = EvaluatePostRequestBody(
        sign_in_identity=identity,
        sign_in_context=context,
        sign_in_conditions=conditions,
        applied_policies_only=applied_only,
    )
    answer = await access.evaluate.post(body)
    return {result.display_name: [result.policy_applies, text_of(result.analysis_reasons)] for result in answer.value}


async def refused(call):
    try:
        await call
    except ODataError as error:
        return {"status": error.response_status_code, "code": error.error.code, "message": error.error.message}
    return None


async def main():
    client = client_of(sys.argv[1])
    access = client.identity.conditional_access
    app = ApplicationContext(include_applications=[APP])
    policies = (await access.policies.get()).value
    told = {
        "policies": [policy_of(policy) for policy in policies],
        "policy": policy_of(await access.policies.by_conditional_access_policy_id(policies[0].id).get()),
        "locations": [location_of(location) for location in (await access.named_locations.get()).value],
        "location": location_of(await access.named_locations.by_named_location_id("Head Office").get()),
        "pages": await pages(access, client),
        "user": await evaluated(
            access,
            UserSignIn(user_id=USER),
            app,
            SignInConditions(
                device_platform=ConditionalAccessDevicePlatform.Windows,
                client_app_type=ConditionalAccessClientApp.Browser,
                sign_in_risk_level=RiskLevel.High,
                device_info=DeviceInfo(is_compliant=True),
            ),
        ),
        "userAction": await evaluated(
            access,
            UserSignIn(user_id=USER),
            UserActionContext(user_action=UserAction.RegisterSecurityInformation),
            SignInConditions(),
            applied_only=True,
        ),
        "authenticationContext": await evaluated(
            access, UserSignIn(user_id=USER), AuthContext(authentication_context_value="c7"), SignInConditions()
        ),
        "workload": await evaluated(
            access, ServicePrincipalSignIn(service_principal_id=WORKLOAD), app, SignInConditions(ip_address="198.51.100.9")
        ),
        "missing": await refused(access.policies.by_conditional_access_policy_id("nobody").get()),
        "invalid": await refused(
            evaluated(access, UserSignIn(user_id=USER), app, SignInConditions(ip_address="198.51.100.999"))
        ),
    }
    json.dump(told, sys.stdout)


asyncio.run(main())
