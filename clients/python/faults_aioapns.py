"""aioapns meets what nobody can ask Apple for: tokens that end, and faults. What it does then is what is checked."""

import asyncio
import ssl
import time

from aioapns import APNs, NotificationRequest
from aioapns.connection import APNsDevelopmentClientProtocol

from homing_run import admin, answers, check, endpoints, finish, new_token

demo = endpoints["demo"]
ALERT = {"aps": {"alert": "From aioapns"}}
APNsDevelopmentClientProtocol.APNS_SERVER = endpoints["apns"]["development"]["host"]
APNsDevelopmentClientProtocol.APNS_PORT = endpoints["apns"]["development"]["port"]


async def quiet(request, result) -> None:
    """Refusals are what is checked here, not something to log."""


def client() -> APNs:
    with open(demo["key_p8"], encoding="ascii") as file:
        key = file.read()
    trust = ssl.create_default_context(cafile=endpoints["ca_pem"])
    options = {"key": key, "key_id": demo["key_id"], "team_id": demo["team_id"], "topic": demo["bundle_id"]}
    return APNs(**options, use_sandbox=True, ssl_context=trust, err_func=quiet)


async def send(apns: APNs, token: str) -> str:
    result = await apns.send_notification(NotificationRequest(token, ALERT))
    return result.status if result.is_successful else f"{result.status} {result.description}"


def fault(token: str, **rule) -> None:
    admin("POST", "/v1/faults", {"token": token, "count": 1, "seconds": 60} | rule)


async def marks() -> None:
    apns, token = client(), new_token()
    for state, reason in (("unregistered", "Unregistered"), ("expired", "ExpiredToken")):
        admin("PUT", f"/v1/token-marks/{token}", {"state": state, "at": "2017-10-17T14:24:25.488Z"})
        result = await apns.send_notification(NotificationRequest(token, ALERT))
        seen = f"{result.status} {result.description}"
        check(f"a token that is {state} is 410 {reason}", seen == f"410 {reason}", seen)
        stamp = getattr(result, "timestamp", None)
        check(f"a token that is {state} has its time", stamp in (1508250265488, "1508250265488"), stamp)
    admin("DELETE", f"/v1/token-marks/{token}")
    seen = await send(apns, token)
    check("a restored token is taken", seen == "200", seen)


async def faults() -> None:
    apns, token = client(), new_token()
    for reason, status in (("TooManyRequests", "429"), ("ServiceUnavailable", "503"), ("MoonInWrongPhase", "400")):
        fault(token, effect="refuse", reason=reason)
        seen = await send(apns, token)
        check(f"{reason} once is told", seen == f"{status} {reason}", seen)
        seen = await send(apns, token)
        check(f"after {reason} it is taken", seen == "200", seen)
    fault(token, effect="delay", milliseconds=700)
    began = time.monotonic()
    seen = await send(apns, token)
    check("a late answer is waited for", seen == "200" and time.monotonic() - began >= 0.7, seen)


async def broken(effect: str) -> None:
    """The library tries again on a new connection by itself."""
    apns, token = client(), new_token()
    fault(token, effect=effect)
    try:
        seen = await asyncio.wait_for(send(apns, token), 20)
    except asyncio.TimeoutError:
        seen = "nothing"
    took = answers(token)
    check(f"{effect}: sent again by the library, and taken", (seen, took) == ("200", [f"fault-{effect}", "200"]), (seen, took))


async def unanswered(effect: str) -> None:
    """The library waits for ever: a caller needs a deadline of its own."""
    apns, token = client(), new_token()
    fault(token, effect=effect)
    try:
        seen = await asyncio.wait_for(send(apns, token), 1)
    except asyncio.TimeoutError:
        seen = "nothing"
    check(f"{effect}: nothing comes", seen == "nothing", seen)
    seen = await asyncio.wait_for(send(client(), token), 20)
    check(f"after {effect} it is taken", seen == "200", seen)


async def main() -> None:
    await marks()
    await faults()
    for effect in ("drop", "go-away"):
        await broken(effect)
    for effect in ("silence", "reset"):
        await unanswered(effect)


asyncio.run(main())
finish()
