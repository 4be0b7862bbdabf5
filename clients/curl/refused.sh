#!/usr/bin/env bash
# What must be refused, each with Apple's status and reason, and seen in the trace.
. "$(dirname "$0")/apns.sh"

began=$(date +%s)
token=$(jwt)
alert='{"aps":{"alert":"never seen"}}'

# refused WHAT STATUS REASON TOKEN [CURL OPTION]...: with what $credentials says about $how.
refused() {
    local what=$1 expected_status=$2 expected_reason=$3 device=$4
    shift 4
    local id
    id=$(new_id)
    post "$device" -H "apns-id: $id" "${credentials[@]}" "$@"
    check_case "$expected_reason" "$how" "$what" is "$status $(reason)" "$expected_status $expected_reason"
    check "$what with $how: the answer carries the apns-id" is "$(header apns-id)" "$id"
    check "$what with $how: the trace says refused and why" reaches "$id" "refused:$expected_reason"
}

# refused_path WHAT STATUS REASON PATH [CURL OPTION]...: where the answer can't carry the apns-id of the request.
refused_path() {
    local what=$1 expected=$2 expected_reason=$3 path=$4
    shift 4
    post_to "$path" "${credentials[@]}" "$@"
    check_case "$expected_reason" "$how" "$what" is "$status $(reason)" "$expected $expected_reason"
}

python3 -c 'import sys
frame = b"{\"aps\":{\"alert\":\"\"}}"
for size in (4096, 4097):
    text = b"x" * (size - len(frame))
    open(f"{sys.argv[1]}/payload-{size}", "wb").write(frame[:-3] + text + frame[-3:])' "$SCRATCH"
topic=(-H "apns-topic: $bundle")
gone=$(bash "$(dirname "$0")/../mosquitto/gone.sh")
by_key=(-H "authorization: bearer $token")
by_certificate=(--cert "$(field demo.development.certificate_pem)")

# The timestamp is in milliseconds, and since this script began.
unregistered_just_now() {
    local since
    since=$(json "$SCRATCH/body" timestamp)
    is "$status $(reason)" "410 Unregistered" && [ "${since:-0}" -ge $((began * 1000)) ] &&
        [ "$since" -le $((($(date +%s) + 1) * 1000)) ]
}

# What both credentials provoke.
refused_both() {
    refused "a collapse id of 65 bytes" 400 BadCollapseId "$development_token" "${topic[@]}" \
        -H "apns-collapse-id: $(printf 'x%.0s' $(seq 65))" -d "$alert"
    refused "a token that is not hex" 400 BadDeviceToken "not-a-token" "${topic[@]}" -d "$alert"
    refused "a token that nobody was given" 400 BadDeviceToken "$(printf '00%.0s' $(seq 32))" "${topic[@]}" -d "$alert"
    refused "the other environment's token" 400 BadDeviceToken "$production_token" "${topic[@]}" -d "$alert"
    refused "an expiration that is no number" 400 BadExpirationDate "$development_token" "${topic[@]}" \
        -H "apns-expiration: tomorrow" -d "$alert"
    refused_path "an apns-id that is no UUID" 400 BadMessageId "/3/device/$development_token" "${topic[@]}" \
        -H "apns-id: not-a-uuid" -d "$alert"
    refused "a priority of 7" 400 BadPriority "$development_token" "${topic[@]}" -H "apns-priority: 7" -d "$alert"
    refused "voip to the topic of alerts" 400 BadTopic "$development_token" "${topic[@]}" -H "apns-push-type: voip" -d "$alert"
    refused "a priority twice" 400 DuplicateHeaders "$development_token" "${topic[@]}" \
        -H "apns-priority: 10" -H "apns-priority: 10" -d "$alert"
    refused "an unknown push type" 400 InvalidPushType "$development_token" "${topic[@]}" -H "apns-push-type: loud" -d "$alert"
    refused_path "no token" 400 MissingDeviceToken /3/device/ "${topic[@]}" -d "$alert"
    refused "an empty payload" 400 PayloadEmpty "$development_token" "${topic[@]}" -X POST
    refused "header fields of more than 8,000 bytes" 431 RequestHeaderFieldsTooLarge "$development_token" "${topic[@]}" \
        -H "x-large: $(printf 'x%.0s' $(seq 8000))" -d "$alert"
    refused "a topic of nobody" 400 TopicDisallowed "$development_token" -H "apns-topic: com.example.nobody" -d "$alert"
    refused_path "another path" 404 BadPath /4/nothing "${topic[@]}" -d "$alert"
    refused "a GET" 405 MethodNotAllowed "$development_token" "${topic[@]}"
    refused "a payload of 4,097 bytes" 413 PayloadTooLarge "$development_token" "${topic[@]}" \
        --data-binary "@$SCRATCH/payload-4097"

    post "$gone" "${credentials[@]}" "${topic[@]}" -d "$alert"
    check_case "Unregistered with timestamp" "$how" "the token of a removed app" unregistered_just_now

    post "$development_token" "${credentials[@]}" "${topic[@]}" --data-binary "@$SCRATCH/payload-4096"
    check_case Success "$how" "a payload of 4,096 bytes" is "$status" 200
}

how="a certificate" credentials=("${by_certificate[@]}")
refused_both
how="a key" credentials=("${by_key[@]}")
refused_both
refused "voip to a token for alerts" 400 DeviceTokenNotForTopic "$development_token" \
    -H "apns-push-type: voip" -H "apns-topic: $bundle.voip" -d "$alert"
refused "no topic" 400 MissingTopic "$development_token" -d "$alert"
credentials=(-H "authorization: bearer $(jwt $(($(date +%s) - 7200)))")
refused "a provider token that expired" 403 ExpiredProviderToken "$development_token" "${topic[@]}" -d "$alert"
credentials=(-H "authorization: bearer ${token%????????}AAAAAAAA")
refused "a provider token with a broken signature" 403 InvalidProviderToken "$development_token" "${topic[@]}" -d "$alert"
credentials=()
refused "no provider token" 403 MissingProviderToken "$development_token" "${topic[@]}" -d "$alert"

signed=("${by_key[@]}" "${topic[@]}")

# HTTP/1.1 only: with ALPN the handshake is refused, so there is no status at all.
status=$(curl --silent --max-time 20 --http1.1 --cacert "$ca" --output "$SCRATCH/body" --write-out '%{http_code}' \
    "${signed[@]}" -d "$alert" "https://$host:$port/3/device/$development_token")
curl_exit=$?
check "HTTP/1.1 gets no answer" is "$status" 000
check "HTTP/1.1 fails in the handshake" is "$curl_exit" 35
status=$(curl --silent --max-time 20 --http1.1 --no-alpn --cacert "$ca" --output "$SCRATCH/body" \
    --write-out '%{http_code}' "${signed[@]}" -d "$alert" "https://$host:$port/3/device/$development_token")
check "HTTP/1.1 without ALPN gets no answer" is "$status" 000

id=$(new_id)
post "$development_token" "${signed[@]}" -H "apns-id: $id" -d "$alert"
check "after all these a good notification is still accepted" is "$status" 200

"$HOMING" trace 00000000-0000-4000-8000-000000000000 --json --endpoints "$ENDPOINTS" >"$SCRATCH/none" 2>"$SCRATCH/words"
check "the trace of an unknown apns-id: exit code 4" is "$?" 4
check "the trace of an unknown apns-id: nothing on stdout, words on stderr" test ! -s "$SCRATCH/none" -a -s "$SCRATCH/words"

finish
