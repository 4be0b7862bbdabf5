# Sourced by the shell clients: reads endpoints.json, signs provider tokens with openssl alone, sends with curl, asks for
# traces, and counts checks in the way the test runner reads: "ok - …", "not ok - …: why", "1..N".
set -uo pipefail
: "${ENDPOINTS:?the path of endpoints.json}" "${HOMING:?the path of the homing binary}" "${SCRATCH:?a folder for files}"

checks=0
failures=0

# check WHAT CONDITION...: runs the condition (a command) and reports it.
check() {
    local what=$1
    shift
    checks=$((checks + 1))
    if "$@"; then
        echo "ok - $what"
    else
        failures=$((failures + 1))
        echo "not ok - $what: \`$*\` is false; last answer: ${status:-none} $(head -c 300 "$SCRATCH/body" 2>/dev/null)"
    fi
}

# check_case NAME CREDENTIAL WHAT CONDITION...: a check that stands in docs/conformance.md; the credential is "a key" or
# "a certificate".
check_case() {
    local what="$1 ($2): $3"
    shift 3
    check "$what" "$@"
}

finish() {
    echo "1..$checks"
    exit $((failures > 0))
}

# field PATH: a value of endpoints.json, its path with dots.
field() {
    python3 -c 'import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."): value = value[name]
print(value)' "$ENDPOINTS" "$1"
}

# json FILE PATH: a value of any JSON file; empty when it isn't there.
json() {
    python3 -c 'import json, sys
try:
    value = json.load(open(sys.argv[1]))
    for name in sys.argv[2].split("."): value = value[name]
    print(value)
except (KeyError, ValueError, TypeError): pass' "$1" "$2"
}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# jwt [ISSUED_AT]: a provider token; openssl writes the signature as DER, which the push service takes.
jwt() {
    local issued_at=${1:-$(date +%s)} head claims
    head=$(printf '{"alg":"ES256","kid":"%s"}' "$(field demo.key_id)" | base64url)
    claims=$(printf '{"iss":"%s","iat":%d}' "$(field demo.team_id)" "$issued_at" | base64url)
    printf '%s.%s.%s' "$head" "$claims" \
        "$(printf '%s.%s' "$head" "$claims" | openssl dgst -sha256 -sign "$(field demo.key_p8)" -binary | base64url)"
}

host=$(field apns.development.host)
port=$(field apns.development.port)
ca=$(field ca_pem)
bundle=$(field demo.bundle_id)
development_token=$(field demo.development.device_token)
production_token=$(field demo.production.device_token)

# post_to PATH [CURL OPTION]...: to the APNs port. Sets $status and $curl_exit; headers and body are files in $SCRATCH.
post_to() {
    local path=$1
    shift
    rm -f "$SCRATCH/headers" "$SCRATCH/body"
    status=$(curl --silent --show-error --max-time 20 --http2 --cacert "$ca" \
        --dump-header "$SCRATCH/headers" --output "$SCRATCH/body" --write-out '%{http_code}' \
        "$@" "https://$host:$port$path")
    curl_exit=$?
}

# post TOKEN [CURL OPTION]...
post() {
    local token=$1
    shift
    post_to "/3/device/$token" "$@"
}

# header NAME: of the last answer.
header() { grep -i "^$1:" "$SCRATCH/headers" | head -1 | cut -d' ' -f2- | tr -d '\r\n'; }

reason() { json "$SCRATCH/body" reason; }

# trace APNS_ID: its lines as JSON.
trace() { "$HOMING" trace "$1" --json --endpoints "$ENDPOINTS" 2>/dev/null; }

# stages APNS_ID: the stages and reasons of its first line, as "stage" or "stage:reason", separated by blanks.
stages() {
    trace "$1" | head -1 | python3 -c 'import json, sys
line = sys.stdin.readline()
events = json.loads(line)["events"] if line.strip() else []
print(" ".join(e["stage"] + (":" + e["reason"] if e["reason"] else "") for e in events))'
}

# reaches APNS_ID PATTERN: waits until one of its stages matches the extended regular expression.
reaches() {
    local try
    for try in $(seq 300); do
        seen=$(stages "$1")
        for stage in $seen; do
            if [[ $stage =~ ^($2)$ ]]; then return 0; fi
        done
        sleep 0.1
    done
    echo "# the trace of $1 after $try looks: $seen"
    return 1
}

new_id() { python3 -c 'import uuid; print(uuid.uuid4())'; }

is() { [ "$1" = "$2" ]; }
