#!/usr/bin/env bash
# mosquitto_sub is a device: curl enrols it, it subscribes, gets its token, and then a notification sent to that token.
. "$(dirname "$0")/../curl/apns.sh"

link_host=$(field device_link.host)
link_port=$(field device_link.port)
provider_token=$(jwt)

# enrol: sets $device and $secret.
enrol() {
    status=$(curl --silent --show-error --max-time 20 --cacert "$ca" --output "$SCRATCH/body" --write-out '%{http_code}' \
        --json "{\"enrolment_key\":\"$1\"}" "https://$link_host:$link_port/devices")
    device=$(json "$SCRATCH/body" device_id)
    secret=$(json "$SCRATCH/body" secret)
}

# subscribe VERSION [OPTION]...: mosquitto_sub in the background; a line per message, "topic payload", in $SCRATCH/heard.
subscribe() {
    local version=$1
    shift
    : >"$SCRATCH/heard"
    mosquitto_sub -V "$version" -h "$link_host" -p "$link_port" --cafile "$ca" -i "$device" -u "$device" -P "$secret" \
        -F '%t %p' "$@" >>"$SCRATCH/heard" 2>"$SCRATCH/mosquitto.err" &
    subscriber=$!
}

# hears PATTERN: waits for a line that matches, and puts it into $line.
hears() {
    for _ in $(seq 100); do
        line=$(grep -E -m1 "$1" "$SCRATCH/heard") && return 0
        sleep 0.1
    done
    echo "# heard: $(cat "$SCRATCH/heard") $(cat "$SCRATCH/mosquitto.err")"
    return 1
}

leave() {
    kill "$subscriber" 2>/dev/null
    wait "$subscriber" 2>/dev/null
}

# rejected WHAT WORDS [OPTION]...: a connection or subscription that must end by itself, with these words of its own.
rejected() {
    local what=$1 words=$2
    shift 2
    timeout 20 mosquitto_sub -h "$link_host" -p "$link_port" --cafile "$ca" -i "$device" -u "$device" -W 10 "$@" \
        >"$SCRATCH/rejected" 2>&1
    check "$what is rejected" grep -qi "$words" "$SCRATCH/rejected"
}

enrol wrong-key
check "a wrong enrolment key gets 401" is "$status" 401
enrol "$(field enrolment_key)"
check "curl enrols a device: 201" is "$status" 201
check "the device id is 16 hex digits" grep -qE '^[0-9a-f]{16}$' <<<"$device"

subscribe mqttv5 -q 1 -t "development/$bundle/#"
check "mosquitto_sub gets its token" hears "^development/$bundle/token [0-9a-f]{64}\$"
own_token=${line##* }

id=$(new_id)
sent='{"aps":{"alert":"for mosquitto"},"n":1}'
post "$own_token" -H "authorization: bearer $provider_token" -H "apns-topic: $bundle" -H "apns-id: $id" -d "$sent"
check "a notification to that token gets 200" is "$status" 200
check "mosquitto_sub receives the payload untouched" hears "^development/$bundle/notification .*\"n\":1"
check "it is the same bytes" is "${line#* }" "$sent"
check "its trace reaches acknowledged" reaches "$id" acknowledged
check "its trace says sent before" grep -qw sent <<<"$seen"

for n in $(seq 2 11); do
    post "$own_token" -H "authorization: bearer $provider_token" -H "apns-topic: $bundle" -d "{\"aps\":{},\"n\":$n}"
done
check "a burst arrives to its end" hears '"n":11'
check "a burst arrives whole and in order" is \
    "$(grep -o '"n":[0-9]*' "$SCRATCH/heard" | cut -d: -f2 | tr '\n' ' ')" "$(seq -s ' ' 11) "
leave

# Away: the newest is kept, expiration 0 is not.
for n in 20 21 22; do
    post "$own_token" -H "authorization: bearer $provider_token" -H "apns-topic: $bundle" -d "{\"aps\":{},\"n\":$n}"
done
check "while the device is away it still gets 200" is "$status" 200
id=$(new_id)
post "$own_token" -H "authorization: bearer $provider_token" -H "apns-topic: $bundle" -H "apns-id: $id" \
    -H "apns-expiration: 0" -d '{"aps":{},"n":23}'
check "expiration 0 while away gets 200" is "$status" 200
check "expiration 0 while away is discarded" reaches "$id" 'discarded:device-away'
subscribe mqttv5 -q 1 -t "development/$bundle/#"
check "after the return the newest stored one arrives" hears '"n":22'
check "the token is the same" grep -q "token $own_token\$" "$SCRATCH/heard"
check "only the newest stored one arrives" is "$(grep -c notification "$SCRATCH/heard")" 1
leave

subscribe mqttv311 -q 1 -t "development/$bundle/#"
check "MQTT 3.1.1 gets the same token" hears "token $own_token\$"
id=$(new_id)
post "$own_token" -H "authorization: bearer $provider_token" -H "apns-topic: $bundle" -H "apns-id: $id" -d "$sent"
check "MQTT 3.1.1 reads seq and apns-id in the topic" hears "^development/$bundle/notification/[0-9]+/$id "
leave

rejected "a wrong secret" "bad user name or password\|not authori" -V mqttv5 -P "0$secret" -q 1 -t "development/$bundle/#"
rejected "a subscription at QoS 0" "subscription.*denied" -V mqttv5 -P "$secret" -q 0 -t "development/$bundle/#"
rejected "a topic of nobody" "subscription.*denied" -V mqttv5 -P "$secret" -q 1 -t 'development/com.example.nobody/#'
rejected "a filter for everything" "subscription.*denied" -V mqttv5 -P "$secret" -q 1 -t '#'

# Unsubscribing is removing the app. mosquitto_sub -U subscribes and unsubscribes before it listens.
subscribe mqttv5 -q 1 -t "development/$bundle/#" -U "development/$bundle/#"
gone() {
    for _ in $(seq 100); do
        post "$own_token" -H "authorization: bearer $provider_token" -H "apns-topic: $bundle" -d "$sent"
        [ "$status" = 410 ] && return 0
        sleep 0.1
    done
    return 1
}
check "after the app was removed a send gets 410" gone
check "its reason is Unregistered" is "$(reason)" Unregistered
check "its timestamp is in milliseconds" grep -qE '^[0-9]{13}$' <<<"$(json "$SCRATCH/body" timestamp)"
leave

status=$(curl --silent --max-time 20 --cacert "$ca" --output "$SCRATCH/body" --write-out '%{http_code}' --request DELETE \
    --user "$device:$secret" "https://$link_host:$link_port/devices/$device")
check "the device leaves: 204" is "$status" 204
rejected "a device that left" "bad user name or password\|not authori" -V mqttv5 -P "$secret" -q 1 -t "development/$bundle/#"

finish
