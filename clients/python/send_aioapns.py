"""aioapns sends to both virtual iPhones, with the key and with the certificate, and understands every refusal."""

import asyncio
import ssl
import uuid

from aioapns import APNs, NotificationRequest, PushType
from aioapns.connection import APNsDevelopmentClientProtocol, APNsProductionClientProtocol

from homing_run import check, check_reaches, endpoints, finish

demo = endpoints["demo"]
ALERT = {"aps": {"alert": {"title": "From aioapns", "body": "a library that nobody here wrote"}, "badge": 1}}

# The library has no option for host and port: they are attributes of its classes.
for protocol, environment in (
    (APNsProductionClientProtocol, "production"),
    (APNsDevelopmentClientProtocol, "development"),
):
    protocol.APNS_SERVER = endpoints["apns"][environment]["host"]
    protocol.APNS_PORT = endpoints["apns"][environment]["port"]


def with_key(sandbox: bool, **other) -> APNs:
    with open(demo["key_p8"], encoding="ascii") as file:
        key = file.read()
    options = {"key": key, "key_id": demo["key_id"], "team_id": demo["team_id"], "topic": demo["bundle_id"]}
    return APNs(**(options | other), use_sandbox=sandbox, ssl_context=trust(), err_func=quiet)


def with_certificate(sandbox: bool) -> APNs:
    environment = "development" if sandbox else "production"
    return APNs(
        client_cert=demo[environment]["certificate_pem"], use_sandbox=sandbox, ssl_context=trust(), err_func=quiet
    )


def trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=endpoints["ca_pem"])


async def quiet(request, result) -> None:
    """Refusals are what is checked here, not something to log."""


def to(environment: str, message=None, **options) -> NotificationRequest:
    return NotificationRequest(demo[environment]["device_token"], message or ALERT, **options)


async def sends(client: APNs, environment: str, how: str) -> None:
    request = to(environment, push_type=PushType.ALERT, priority=10, time_to_live=3600)
    result = await client.send_notification(request)
    what = f"aioapns with {how} to {environment}"
    check(f"{what}: 200", result.is_successful, f"{result.status} {result.description}")
    check_reaches(f"{what}: displayed", request.notification_id, "displayed")


async def refused(client: APNs, what: str, request: NotificationRequest, status: str, reason: str) -> None:
    result = await client.send_notification(request)
    seen = f"{result.status} {result.description}"
    check(f"aioapns, {what}: {status} {reason}", seen == f"{status} {reason}", seen)
    check_reaches(f"aioapns, {what}: the trace says so", request.notification_id, f"refused:{reason}")


async def main() -> None:
    for sandbox, environment in ((True, "development"), (False, "production")):
        await sends(with_key(sandbox), environment, "a key")
        await sends(with_certificate(sandbox), environment, "a certificate")

    client = with_key(True)
    many = [to("development") for _ in range(200)]
    results = await asyncio.gather(*(client.send_notification(request) for request in many))
    check("aioapns, 200 at once: all 200", all(result.is_successful for result in results))
    check_reaches("aioapns, 200 at once: the last is displayed", many[-1].notification_id, "displayed")

    wrong = NotificationRequest("ab" * 32, ALERT)
    await refused(client, "a token that nobody was given", wrong, "400", "BadDeviceToken")
    other = NotificationRequest(demo["production"]["device_token"], ALERT)
    await refused(client, "the other environment's token", other, "400", "BadDeviceToken")
    await refused(client, "a topic of nobody", to("development", apns_topic="com.example.nobody"), "400", "TopicDisallowed")
    large = to("development", {"aps": {"alert": "x" * 4096}})
    await refused(client, "a payload that is too large", large, "413", "PayloadTooLarge")
    await refused(client, "a wrong priority", to("development", priority=3), "400", "BadPriority")
    unknown_key = with_key(True, key_id="AAAAAAAAAA")
    await refused(unknown_key, "an unknown key", to("development"), "403", "InvalidProviderToken")

    again = to("development", notification_id=str(uuid.uuid4()).upper())
    result = await client.send_notification(again)
    check("aioapns, an apns-id in capitals comes back as it was", result.is_successful, result.description)


asyncio.run(asyncio.wait_for(main(), 120))
finish()
