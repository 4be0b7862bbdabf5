#!/usr/bin/env bash
# What must be refused, each with Apple's status and reason, and seen in the trace.
. "$(dirname "$0")/apns.sh"

token=$(jwt)
alert='{"aps":{"alert":"never seen"}}'

# refused WHAT STATUS REASON TOKEN [CURL OPTION]...
refused() {
    local what=$1 expected_status=$2 expected_reason=$3 device=$4
    shift 4
    local id
    id=$(new_id)
    post "$device" -H "apns-id: $id" "$@"
    check "$what: $expected_status $expected_reason" is "$status $(reason)" "$expected_status $expected_reason"
    check "$what: the answer carries the apns-id" is "$(header apns-id)" "$id"
    check "$what: the trace says refused and why" reaches "$id" "refused:$expected_reason"
}

signed=(-H "authorization: bearer $token" -H "apns-topic: $bundle")
python3 -c 'import sys
frame = b"{\"aps\":{\"alert\":\"\"}}"
for size in (4096, 4097):
    text = b"x" * (size - len(frame))
    open(f"{sys.argv[1]}/payload-{size}", "wb").write(frame[:-3] + text + frame[-3:])' "$SCRATCH"

refused "no provider token" 403 MissingProviderToken "$development_token" -H "apns-topic: $bundle" -d "$alert"
refused "a provider token that expired" 403 ExpiredProviderToken "$development_token" \
    -H "authorization: bearer $(jwt $(($(date +%s) - 7200)))" -H "apns-topic: $bundle" -d "$alert"
refused "a provider token with a broken signature" 403 InvalidProviderToken "$development_token" \
    -H "authorization: bearer ${token%????????}AAAAAAAA" -H "apns-topic: $bundle" -d "$alert"
refused "no topic" 400 MissingTopic "$development_token" -H "authorization: bearer $token" -d "$alert"
refused "a topic of nobody" 400 TopicDisallowed "$development_token" -H "authorization: bearer $token" \
    -H "apns-topic: com.example.nobody" -d "$alert"
refused "a token that is not hex" 400 BadDeviceToken "not-a-token" "${signed[@]}" -d "$alert"
refused "a token that nobody was given" 400 BadDeviceToken "$(printf '00%.0s' $(seq 32))" "${signed[@]}" -d "$alert"
refused "the other environment's token" 400 BadDeviceToken "$production_token" "${signed[@]}" -d "$alert"
refused "a payload of 4,097 bytes" 413 PayloadTooLarge "$development_token" "${signed[@]}" \
    --data-binary "@$SCRATCH/payload-4097"
refused "an empty payload" 400 PayloadEmpty "$development_token" "${signed[@]}" -X POST
refused "a priority of 7" 400 BadPriority "$development_token" "${signed[@]}" -H "apns-priority: 7" -d "$alert"
refused "an unknown push type" 400 InvalidPushType "$development_token" "${signed[@]}" -H "apns-push-type: loud" -d "$alert"
refused "a GET" 405 MethodNotAllowed "$development_token" "${signed[@]}"

post "$development_token" "${signed[@]}" --data-binary "@$SCRATCH/payload-4096"
check "a payload of 4,096 bytes is accepted" is "$status" 200

post "$development_token" "${signed[@]}" -H "apns-id: not-a-uuid" -d "$alert"
check "an apns-id that is no UUID: 400 BadMessageId" is "$status $(reason)" "400 BadMessageId"

post_to /4/nothing "${signed[@]}" -d "$alert"
check "another path: 404 BadPath" is "$status $(reason)" "404 BadPath"

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
