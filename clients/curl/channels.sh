#!/usr/bin/env bash
# Broadcast channels by curl: made, shown, listed, broadcast to, deleted; and every refusal that curl can provoke.
. "$(dirname "$0")/apns.sh"

update='{"aps":{"timestamp":1700000000,"event":"update","content-state":{"home":2,"away":1}}}'
channels="/1/apps/$bundle/channels"
all_channels="/1/apps/$bundle/all-channels"
broadcasts="/4/broadcasts/apps/$bundle"
create_kept='{"message-storage-policy":1,"push-type":"LiveActivity"}'
create_bare='{"message-storage-policy":0,"push-type":"LiveActivity"}'

# An app of the same team that may not broadcast; before any connection, since those are bound to the topics they found.
quiet=com.example.quiet
"$HOMING" app create "$quiet" --endpoints "$ENDPOINTS" >/dev/null

by_key=(-H "authorization: bearer $(jwt)")
by_certificate=(--cert "$(field demo.development.certificate_pem)")

# ask METHOD PATH [CURL OPTION]...: with what $credentials says.
ask() {
    local method=$1 path=$2
    shift 2
    post_to "$path" -X "$method" "${credentials[@]}" "$@"
}

# refused WHAT STATUS REASON METHOD PATH [CURL OPTION]...
refused() {
    local what=$1 expected_status=$2 expected_reason=$3 id
    shift 3
    id=$(new_id)
    ask "$@" -H "apns-request-id: $id"
    check_case "$expected_reason" "$how" "$what" is "$status $(reason)" "$expected_status $expected_reason"
    check "$what with $how: the answer carries the apns-request-id" is "$(header apns-request-id)" "$id"
    # With the certificate it would be the same again.
    if [ "$how" = "a key" ]; then
        check "$what with $how: the trace says refused and why" reaches "$id" "refused:$expected_reason"
    fi
}

# A broadcast that is in order; what follows may add to it.
broadcast() {
    ask POST "$broadcasts" -H "apns-channel-id: $1" -H "apns-push-type: liveactivity" -H "apns-priority: 10" \
        -H "apns-expiration: ${expiration:-0}" -d "$update" "${@:2}"
}

# make POLICY_BODY: sets $made.
make() {
    ask POST "$channels" -d "$1"
    made=$(header apns-channel-id)
}

python3 -c 'import sys; open(sys.argv[1], "w").write("x" * 5121)' "$SCRATCH/payload-5121"

walk() {
    make "$create_kept"
    check_case Success "$how" "a channel is made" is "$status" 201
    kept=$made
    check "with $how: the channel's id is told" test -n "$kept"
    make "$create_bare"
    bare=$made
    ask GET "$channels" -H "apns-channel-id: $kept"
    check_case Success "$how" "a channel is shown" is "$status $(json "$SCRATCH/body" message-storage-policy)" "200 1"
    ask GET "$all_channels"
    check_case Success "$how" "the channels are listed" grep -qF "$kept" "$SCRATCH/body"
    local id
    id=$(new_id)
    broadcast "$bare" -H "apns-request-id: $id"
    check_case Success "$how" "a broadcast" is "$status $(header apns-request-id)" "200 $id"
    check "with $how: the broadcast accounts for itself" reaches "$id" accepted
    id=$(new_id)
    expiration=$(($(date +%s) + 600)) broadcast "$kept" -H "apns-request-id: $id"
    check_case Success "$how" "a broadcast that is stored" is "$status" 200
    check "with $how: the trace says stored" reaches "$id" stored
}

refused_both() {
    local later=$(($(date +%s) + 600))
    local body=(-d "$update") type=(-H "apns-push-type: liveactivity") to=(-H "apns-channel-id: $kept")
    refused "no channel id" 400 MissingChannelId GET "$channels"
    refused "a broadcast without a channel id" 400 MissingChannelId POST "$broadcasts" "${type[@]}" "${body[@]}"
    refused "a channel id that is no base64" 400 BadChannelId GET "$channels" -H "apns-channel-id: *"
    refused "a channel that nobody made" 400 ChannelNotRegistered GET "$channels" -H "apns-channel-id: dHN0LXNyY2gtY2hubA=="
    refused "a broadcast to nobody's channel" 400 ChannelNotRegistered POST "$broadcasts" \
        -H "apns-channel-id: dHN0LXNyY2gtY2hubA==" "${type[@]}" "${body[@]}"
    refused "an attribute that isn't known" 400 BadRequestParams POST "$channels" -d "${create_kept%\}},\"name\":\"x\"}"
    refused "a policy that is none" 400 BadRequestParams POST "$channels" -d "${create_kept/1/7}"
    refused "JSON that is cut" 400 BadRequestPayload POST "$channels" -d "${create_kept%\}}"
    refused "a channel of nothing" 400 PayloadEmpty POST "$channels"
    refused "a broadcast of nothing" 400 PayloadEmpty POST "$broadcasts" "${to[@]}" "${type[@]}"
    refused "a broadcast that is no JSON" 400 BadRequestPayload POST "$broadcasts" "${to[@]}" "${type[@]}" -d hello
    refused "a broadcast that would start an activity" 400 BadRequestPayload POST "$broadcasts" "${to[@]}" "${type[@]}" \
        -d "${update/update/start}"
    refused "no push type" 400 MissingPushType POST "$broadcasts" "${to[@]}" "${body[@]}"
    refused "a channel without a push type" 400 MissingPushType POST "$channels" -d '{"message-storage-policy":1}'
    refused "another push type" 400 InvalidPushType POST "$broadcasts" "${to[@]}" -H "apns-push-type: alert" "${body[@]}"
    refused "a channel of another push type" 400 InvalidPushType POST "$channels" -d "${create_kept/LiveActivity/alert}"
    refused "an expiration for a channel that stores nothing" 400 BadExpirationDate POST "$broadcasts" \
        -H "apns-channel-id: $bare" "${type[@]}" -H "apns-expiration: $later" "${body[@]}"
    refused "an expiration that is no number" 400 BadExpirationDate POST "$broadcasts" "${to[@]}" "${type[@]}" \
        -H "apns-expiration: tomorrow" "${body[@]}"
    refused "a priority of 7" 400 BadPriority POST "$broadcasts" "${to[@]}" "${type[@]}" -H "apns-priority: 7" "${body[@]}"
    refused "a channel id twice" 400 DuplicateHeaders POST "$broadcasts" "${to[@]}" -H "apns-channel-id: $bare" \
        "${type[@]}" "${body[@]}"
    refused "the topic of Live Activities" 400 TopicDisallowed GET "/1/apps/$bundle.push-type.liveactivity/all-channels"
    refused "an app of nobody" 403 TopicMismatch GET /1/apps/com.example.nobody/all-channels
    refused "another path" 404 BadPath POST "/1/apps/$bundle/channel"
    refused "a path that doesn't go with the method" 404 BadPath DELETE "$all_channels"
    refused "a PUT" 405 MethodNotAllowed PUT "$channels" "${body[@]}"
    ask HEAD "$channels" --head
    check "a HEAD with $how: 405, and nothing that curl finds wrong" is "$status $curl_exit" "405 0"
    refused "5,121 bytes" 413 PayloadTooLarge POST "$broadcasts" "${to[@]}" "${type[@]}" --data-binary "@$SCRATCH/payload-5121"
    ask GET "$all_channels" -H "apns-request-id: 42"
    check_case BadMessageId "$how" "a request id that is no UUID" is "$status $(reason)" "400 BadMessageId"
}

for how in "a certificate" "a key"; do
    if [ "$how" = "a key" ]; then credentials=("${by_key[@]}"); else credentials=("${by_certificate[@]}"); fi
    walk
    refused_both
    for id in "$kept" "$bare"; do
        ask DELETE "$channels" -H "apns-channel-id: $id"
        check_case Success "$how" "a channel is deleted" is "$status" 204
    done
    refused "a channel that was deleted" 400 ChannelNotRegistered DELETE "$channels" -H "apns-channel-id: $kept"
done

refused "an app that may not broadcast" 400 FeatureNotEnabled GET "/1/apps/$quiet/all-channels"
credentials=(-H "authorization: bearer $(jwt $(($(date +%s) - 7200)))")
refused "a provider token that expired" 403 ExpiredProviderToken GET "$all_channels"
credentials=(-H "authorization: bearer nonsense")
refused "a provider token that is none" 403 InvalidProviderToken GET "$all_channels"
credentials=()
refused "no provider token" 403 MissingProviderToken GET "$all_channels"
"$HOMING" app remove "$quiet" --endpoints "$ENDPOINTS" 2>/dev/null

# The command line speaks the same protocol.
made=$("$HOMING" channel create --storage most-recent --endpoints "$ENDPOINTS")
check "homing channel create prints the id" test -n "$made"
shown=$("$HOMING" channel show "$made" --json --endpoints "$ENDPOINTS")
check "homing channel show says the policy" grep -q '"message-storage-policy":1' <<<"$shown"
printf '%s' "$update" >"$SCRATCH/update.json"
sent=$("$HOMING" push --channel "$made" --payload "$SCRATCH/update.json" --json --endpoints "$ENDPOINTS" 2>/dev/null)
check "homing push --channel is accepted" grep -q '"status":200' <<<"$sent"
check "homing channel list has it" grep -qxF "$made" <("$HOMING" channel list --endpoints "$ENDPOINTS")
"$HOMING" channel delete "$made" --endpoints "$ENDPOINTS" 2>/dev/null
check "homing channel delete deletes it" is "$?" 0
"$HOMING" channel show "$made" --endpoints "$ENDPOINTS" 2>"$SCRATCH/words"
check "what is deleted isn't shown" grep -q ChannelNotRegistered "$SCRATCH/words"

finish
