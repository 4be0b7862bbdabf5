#!/usr/bin/env bash
# Prints the development token of a device that registered for the demo app and removed it: what is sent to it is Unregistered.
set -euo pipefail

field() {
    python3 -c 'import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."): value = value[name]
print(value)' "$ENDPOINTS" "$1"
}

ca=$(field ca_pem)
host=$(field device_link.host)
port=$(field device_link.port)
filter="development/$(field demo.bundle_id)/#"
read -r id secret < <(curl --silent --show-error --fail --max-time 20 --cacert "$ca" -H 'content-type: application/json' \
    -d "{\"enrolment_key\":\"$(field enrolment_key)\"}" "https://$host:$port/devices" |
    python3 -c 'import json, sys; device = json.load(sys.stdin); print(device["device_id"], device["secret"])')

device() { mosquitto_sub -V mqttv5 -h "$host" -p "$port" --cafile "$ca" -i "$id" -u "$id" -P "$secret" -q 1 "$@"; }
device -t "$filter" -C 1 -F %p -W 20
# Unsubscribing removes the app; nothing comes after it, so mosquitto_sub ends by its own time-out, which is no failure.
device -t "$filter" -U "$filter" --quiet -W 5 >/dev/null || test $? = 27
