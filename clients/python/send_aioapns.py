"""aioapns sends to both virtual iPhones, with the key and with the certificate, and understands every refusal."""

import asyncio
import enum
import ssl
import time
import types
import uuid
from unittest import mock

from aioapns import APNs, NotificationRequest, PushType
from aioapns.connection import APNsDevelopmentClientProtocol, APNsProductionClientProtocol

from homing_run import check, check_case, check_reaches, endpoints, finish, gone_token

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


class StrangePushType(enum.Enum):
    LOUD = "loud"


async def sends(client: APNs, environment: str, how: str) -> None:
    request = to(environment, push_type=PushType.ALERT, priority=10, time_to_live=3600)
    result = await client.send_notification(request)
    check_case("Success", how, f"to {environment}", result.is_successful, f"{result.status} {result.description}")
    check_reaches(f"aioapns with {how} to {environment}: displayed", request.notification_id, "displayed")


async def refused(client: APNs, how: str, request: NotificationRequest, status: str, reason: str, what: str) -> None:
    result = await client.send_notification(request)
    seen = f"{result.status} {result.description}"
    check_case(reason, how, what, seen == f"{status} {reason}", seen)
    check_reaches(f"aioapns with {how}, {what}: the trace says so", request.notification_id, f"refused:{reason}")


def failures() -> list[tuple[NotificationRequest, str, str, str]]:
    """What both credentials provoke. A bad apns-id isn't among it: the library finds an answer by the id that it sent."""
    token = demo["development"]["device_token"]
    return [
        (to("development", collapse_key="x" * 65), "400", "BadCollapseId", "a collapse id of 65 bytes"),
        (NotificationRequest("not-a-token", ALERT), "400", "BadDeviceToken", "a token that is not hex"),
        (NotificationRequest("ab" * 32, ALERT), "400", "BadDeviceToken", "a token that nobody was given"),
        (to("production"), "400", "BadDeviceToken", "the other environment's token"),
        (to("development", time_to_live=0.5), "400", "BadExpirationDate", "half a second"),
        (to("development", priority=3), "400", "BadPriority", "a priority of 3"),
        (to("development", push_type=PushType.VOIP), "400", "BadTopic", "voip to the topic of alerts"),
        (to("development", push_type=StrangePushType.LOUD), "400", "InvalidPushType", "a push type that isn't Apple's"),
        (NotificationRequest("", ALERT), "400", "MissingDeviceToken", "no token"),
        (to("development", apns_topic="com.example.nobody"), "400", "TopicDisallowed", "a topic of nobody"),
        (NotificationRequest(f"{token}/more", ALERT), "404", "BadPath", "a path of more segments"),
        (to("development", {"aps": {"alert": "x" * 4096}}), "413", "PayloadTooLarge", "a payload that is too large"),
    ]


async def refusals(client: APNs, how: str, gone: str) -> None:
    for failure in failures():
        await refused(client, how, *failure)
    result = await client.send_notification(NotificationRequest(gone, ALERT))
    since = result.timestamp
    ended = (result.status, result.description) == ("410", "Unregistered") and isinstance(since, int)
    recent = ended and abs(time.time() * 1000 - since) < 60_000
    seen = f"{result.status} {result.description} {since}"
    check_case("Unregistered with timestamp", how, "the token of a removed app", recent, seen)


async def refusals_of_keys(client: APNs) -> None:
    voip = to("development", push_type=PushType.VOIP, apns_topic=demo["bundle_id"] + ".voip")
    await refused(client, "a key", voip, "400", "DeviceTokenNotForTopic", "voip to a token for alerts")
    unknown_key = with_key(True, key_id="AAAAAAAAAA")
    await refused(unknown_key, "a key", to("development"), "403", "InvalidProviderToken", "an unknown key")
    two_hours_behind = types.SimpleNamespace(time=lambda: time.time() - 7200)
    with mock.patch("aioapns.connection.time", two_hours_behind):
        late = to("development")
        await refused(with_key(True), "a key", late, "403", "ExpiredProviderToken", "signed two hours ago")


async def main() -> None:
    for sandbox, environment in ((True, "development"), (False, "production")):
        await sends(with_key(sandbox), environment, "a key")
        await sends(with_certificate(sandbox), environment, "a certificate")

    client = with_key(True)
    many = [to("development") for _ in range(200)]
    results = await asyncio.gather(*(client.send_notification(request) for request in many))
    check("aioapns, 200 at once: all 200", all(result.is_successful for result in results))
    check_reaches("aioapns, 200 at once: the last is displayed", many[-1].notification_id, "displayed")

    gone = gone_token()
    await refusals(client, "a key", gone)
    await refusals(with_certificate(True), "a certificate", gone)
    await refusals_of_keys(client)

    again = to("development", notification_id=str(uuid.uuid4()).upper())
    result = await client.send_notification(again)
    check("aioapns, an apns-id in capitals comes back as it was", result.is_successful, result.description)


asyncio.run(asyncio.wait_for(main(), 120))
finish()
