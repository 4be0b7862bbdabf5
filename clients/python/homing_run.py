"""What a Python client needs to be run here: endpoints.json, traces, and counting checks the way the runner reads."""

import json
import os
import subprocess
import sys
import time
import urllib.request

ENDPOINTS = os.environ["ENDPOINTS"]
HOMING = os.environ["HOMING"]

with open(ENDPOINTS, encoding="utf-8") as file:
    endpoints = json.load(file)

_checks = 0
_failures = 0


def check(what: str, ok: bool, seen: object = "") -> None:
    global _checks, _failures
    _checks += 1
    if ok:
        print(f"ok - {what}", flush=True)
    else:
        _failures += 1
        print(f"not ok - {what}: {seen}", flush=True)


def check_case(name: str, credential: str, what: str, ok: bool, seen: object = "") -> None:
    """A check that stands in docs/conformance.md; the credential is "a key" or "a certificate"."""
    check(f"{name} ({credential}): {what}", ok, seen)


def gone_token() -> str:
    """The token of a device that removed the demo app."""
    asked = ["bash", "clients/mosquitto/gone.sh"]
    return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def admin(method: str, path: str, body: dict | None = None) -> str:
    """Asks the push service's admin API."""
    headers = {"authorization": f"Bearer {endpoints['gateway_admin_key']}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(endpoints["gateway_admin"] + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def new_token() -> str:
    """A token of the demo app whose device is always away."""
    wish = {"topic": endpoints["demo"]["bundle_id"], "environment": "development"}
    return json.loads(admin("POST", "/v1/test-tokens", wish))["token"]


def answers(token: str) -> list[str]:
    """What the requests for a token were answered: the status, or what was done to them instead."""
    lines = admin("GET", f"/v1/journal?token={token}").splitlines()
    entries = [json.loads(line) for line in lines]
    return [str(entry["answer"]["status"]) if entry["answer"] else entry["injected"] for entry in entries]


def finish() -> None:
    print(f"1..{_checks}", flush=True)
    sys.exit(1 if _failures else 0)


def trace(apns_id: str) -> list[dict]:
    asked = [HOMING, "trace", apns_id, "--json", "--endpoints", ENDPOINTS]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=30)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def stages(apns_id: str) -> list[str]:
    """Of the first notification: "stage", or "stage:reason"."""
    lines = trace(apns_id)
    events = lines[0]["events"] if lines else []
    return [e["stage"] + (":" + e["reason"] if e["reason"] else "") for e in events]


def reaches(apns_id: str, *wanted: str) -> tuple[bool, list[str]]:
    """Waits until the trace has one of the wanted stages."""
    deadline = time.monotonic() + 30
    while True:
        seen = stages(apns_id)
        if any(stage in wanted for stage in seen):
            return True, seen
        if time.monotonic() > deadline:
            return False, seen
        time.sleep(0.1)


def check_reaches(what: str, apns_id: str, *wanted: str) -> None:
    reached, seen = reaches(apns_id, *wanted)
    check(what, reached, seen)
