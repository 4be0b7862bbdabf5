#!/usr/bin/env bash
# curl sends to both virtual iPhones with a provider token that only openssl made, before and after the permission.
. "$(dirname "$0")/apns.sh"

token=$(jwt)
alert='{"aps":{"alert":{"title":"From curl","body":"signed by openssl"},"sound":"default"},"url":"news://1"}'

# Certificates and keys are the demo's; the permission is undetermined, so nothing may be shown yet.
id=$(new_id)
post "$development_token" -H "authorization: bearer $token" -H "apns-topic: $bundle" -H "apns-push-type: alert" \
    -H "apns-id: $id" -d "$alert"
check_case Success "a key" "to development" is "$status" 200
check "the answer carries the apns-id of the request" is "$(header apns-id)" "$id"
check "in development the answer carries an apns-unique-id" test -n "$(header apns-unique-id)"
check "the answer has no body" test ! -s "$SCRATCH/body"
check "before the permission the trace ends with suppressed: not-permitted" reaches "$id" 'suppressed:not-permitted'
check "the trace begins with accepted" is "${seen%% *}" accepted

post "$development_token" -H "authorization: bearer $token" -H "apns-topic: $bundle" -d "$alert"
made=$(header apns-id)
check "without an apns-id the push service makes one" test ${#made} = 36
check "it finds the made apns-id in lower case" reaches "${made,,}" 'suppressed:.*|displayed'

. "$(dirname "$0")/permission.sh"
allow development
allow production

id=$(new_id)
post "$development_token" -H "authorization: bearer $token" -H "apns-topic: $bundle" -H "apns-push-type: alert" \
    -H "apns-id: $id" -d "$alert"
check "after the permission curl gets 200" is "$status" 200
check "after the permission the trace reaches displayed" reaches "$id" 'displayed'

id=$(new_id)
port=$(field apns.production.port)
post "$production_token" -H "authorization: bearer $token" -H "apns-topic: $bundle" -H "apns-push-type: alert" \
    -H "apns-id: $id" -d "$alert"
check_case Success "a key" "to production" is "$status" 200
check "in production the answer has no apns-unique-id" test -z "$(header apns-unique-id)"
check "in production the trace reaches displayed" reaches "$id" 'displayed'
port=$(field apns.development.port)

id=$(new_id)
post "$development_token" --cert "$(field demo.development.certificate_pem)" -H "apns-id: $id" -d "$alert"
check_case Success "a certificate" "without a provider token and without a topic" is "$status" 200
check "the notification sent with the certificate is displayed" reaches "$id" 'displayed'

id=$(new_id)
post "$development_token" -H "authorization: bearer $token" -H "apns-topic: $bundle" -H "apns-push-type: background" \
    -H "apns-priority: 5" -H "apns-id: $id" -d '{"aps":{"content-available":1}}'
check "a silent notification gets 200" is "$status" 200
check "a silent notification is acknowledged and never displayed" reaches "$id" 'acknowledged|suppressed:silent'
check "the trace of a silent notification has no displayed" test "${seen/displayed/}" = "$seen"

finish
