# Sourced after apns.sh: a user's hands on a virtual iPhone, through the device's HTTP API.

device_api=$(field device_api)
device_key=$(field device_api_key)

# device METHOD PATH [JSON]: sets $device_status; the answer is $SCRATCH/device.json.
device_call() {
    local method=$1 path=$2
    shift 2
    device_status=$(curl --silent --show-error --max-time 20 --request "$method" -H "authorization: Bearer $device_key" \
        --output "$SCRATCH/device.json" --write-out '%{http_code}' ${1+--json "$1"} "$device_api$path")
}

# allow ENVIRONMENT: opens the demo app, which asks for permission, allows it, and sends the app to background.
allow() {
    local phone="/v1/devices/iphone-$1" try
    device_call PUT "$phone/apps/$bundle/state" '{"state":"foreground"}'
    check "the demo app is opened ($1)" is "$device_status" 200
    for try in $(seq 100); do
        device_call GET "$phone/prompt"
        [ -n "$(json "$SCRATCH/device.json" prompt.app)" ] && break
        sleep 0.1
    done
    check "the permission prompt is on the screen ($1)" test "$try" -lt 100
    device_call POST "$phone/prompt/answer" '{"allow":true}'
    check "the prompt is answered ($1)" is "$device_status" 204
    device_call GET "$phone/prompt"
    check "the prompt is gone ($1)" grep -q '"prompt":null' "$SCRATCH/device.json"
    device_call PUT "$phone/apps/$bundle/state" '{"state":"background"}'
    check "the demo app goes to background ($1)" is "$device_status" 200
}
