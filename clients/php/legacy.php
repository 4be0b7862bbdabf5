<?php
// PHP speaks the legacy binary interface as the article does, provokes every failure it can, and reads the feedback service.
declare(strict_types=1);

require __DIR__ . '/homing_run.php';

$demo = $endpoints['demo'];
$development = $endpoints['apns']['development'];
$token = $demo['development']['device_token'];
$host = $development['host'];
$url = "ssl://$host:{$development['legacy_port']}";

// The article's own command; only the password comes from outside. No -legacy.
$pem = "$scratch/push.pem";
[$code, $said] = run('openssl', 'pkcs12', '-in', $demo['development']['certificate_p12'], '-out', $pem, '-nodes',
    '-passin', "pass:{$demo['development']['p12_password']}");
check('OpenSSL 3 opens the .p12 without -legacy', $code === 0, $said);

/** A context with this certificate, or none. */
function context(?string $certificate, int $method = STREAM_CRYPTO_METHOD_TLS_CLIENT)
{
    global $endpoints;
    $options = ['cafile' => $endpoints['ca_pem'], 'crypto_method' => $method];
    return stream_context_create(['ssl' => $options + ($certificate === null ? [] : ['local_cert' => $certificate])]);
}

/** An open connection, or false. Warnings are what is expected of the failing ones. */
function connect(string $url, ?string $certificate, int $method = STREAM_CRYPTO_METHOD_TLS_CLIENT)
{
    $fp = @stream_socket_client($url, $code, $words, 20, STREAM_CLIENT_CONNECT, context($certificate, $method));
    if ($fp) {
        stream_set_timeout($fp, 20);
    }
    return $fp;
}

/** Everything that is said until the other side closes. */
function hears($fp): string
{
    $heard = '';
    while (!feof($fp)) {
        $more = @fread($fp, 8192);
        if ($more === false || ($more === '' && stream_get_meta_data($fp)['timed_out'])) {
            break;
        }
        $heard .= $more;
    }
    @fclose($fp);
    return bin2hex($heard);
}

function simple(string $token, string $payload): string
{
    return chr(0) . pack('n', intdiv(strlen($token), 2)) . pack('H*', $token) . pack('n', strlen($payload)) . $payload;
}

function enhanced(int $id, int $expiry, string $token, string $payload): string
{
    return chr(1) . pack('NN', $id, $expiry) . substr(simple($token, $payload), 1);
}

/** Items as [id, data], in this order. */
function framed(array ...$items): string
{
    $data = implode('', array_map(fn(array $item) => chr($item[0]) . pack('n', strlen($item[1])) . $item[1], $items));
    return chr(2) . pack('N', strlen($data)) . $data;
}

/** The development token has gained so many notifications that were displayed since the count. */
function gains(string $what, int $before, int $more): void
{
    global $token, $endpoints_file;
    $seen = 0;
    waits(function () use (&$seen, $before, $more, $token, $endpoints_file) {
        $seen = reached($token, 'displayed', $endpoints_file) - $before;
        return $seen >= $more;
    });
    check($what, $seen === $more, $seen);
}

$displayed = fn() => reached($token, 'displayed', $endpoints_file);

// The article's script, unchanged: several in a row, then fclose at once.
foreach ([1, 5, 40] as $times) {
    $before = $displayed();
    [$code, $said] = run('php', '-d', "openssl.cafile={$endpoints['ca_pem']}", __DIR__ . '/article.php', $url, $pem, $token, "$times");
    check("the article's script says that $times were sent", $code === 0
        && $said === "Connected to APNS\n" . str_repeat("Message successfully delivered\n", $times), $said);
    gains("all $times of the article's notifications are displayed", $before, $times);
}

// Each version of TLS, many in one fwrite.
foreach (['TLS 1.2' => STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT, 'TLS 1.3' => STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT] as $name => $method) {
    $before = $displayed();
    $fp = connect($url, $pem, $method);
    fwrite($fp, str_repeat(simple($token, '{"aps":{"alert":"in one write"}}'), 50));
    fclose($fp);
    gains("50 in one fwrite over $name, then fclose: all are displayed", $before, 50);
}

$alert = '{"aps":{"alert":"from PHP","sound":"default"}}';
$binary = pack('H*', $token);
$id = [3, pack('N', 0xcafe0007)];
$before = $displayed();
$fp = connect($url, $pem);
fwrite($fp, enhanced(1, time() + 3600, $token, $alert));
fwrite($fp, framed([1, $binary], [2, $alert], [3, pack('N', 2)], [4, pack('N', time() + 3600)], [5, chr(10)]));
fwrite($fp, framed([5, chr(5)], [2, $alert], $id, [1, $binary]));
gains('commands 1 and 2 are taken, the items of 2 in any order', $before, 3);
stream_set_blocking($fp, false);
check_case('Success', 'is silence', fread($fp, 6) === '' && !feof($fp));
fclose($fp);
$fp = connect($url, $pem);
fwrite($fp, simple($token, '{"aps":{"alert":"' . str_repeat('x', 2028) . '"}}'));
stream_set_blocking($fp, false);
usleep(200_000);
check('command 0 takes 2,048 bytes', fread($fp, 6) === '' && !feof($fp));
fclose($fp);

// The failures: status, and the identifier copied.
$failing = [
    'no device token' => [2, framed($id, [2, $alert])],
    'an empty device token' => [2, enhanced(0xcafe0007, 0, '', $alert)],
    'no payload' => [4, framed($id, [1, $binary])],
    'an empty payload' => [4, enhanced(0xcafe0007, 0, $token, '')],
    'a device token of 31 bytes' => [5, enhanced(0xcafe0007, 0, substr($token, 2), $alert)],
    'a payload of 2,049 bytes' => [7, framed([1, $binary], [2, str_repeat(' ', 2049)], $id)],
    'a device token of nobody' => [8, enhanced(0xcafe0007, 0, str_repeat('07', 32), $alert)],
    "the other environment's device token" => [8, enhanced(0xcafe0007, 0, $demo['production']['device_token'], $alert)],
    'a zero byte in the payload' => [128, framed($id, [1, $binary], [2, "{}\0"])],
    'a priority of 7' => [128, framed($id, [1, $binary], [2, $alert], [5, chr(7)])],
    'priority 10 for a silent notification' => [128, framed($id, [1, $binary], [2, '{"aps":{"content-available":1}}'], [5, chr(10)])],
    'an unknown item' => [128, framed($id, [1, $binary], [2, $alert], [6, 'x'])],
    'two payloads' => [128, framed($id, [1, $binary], [2, $alert], [2, $alert])],
];
foreach ($failing as $what => [$status, $frame]) {
    $fp = connect($url, $pem);
    fwrite($fp, $frame);
    $heard = hears($fp);
    check_case("Status $status", $what, $heard === sprintf('08%02xcafe0007', $status), $heard);
}
foreach (['an unknown command' => chr(7), 'HTTP' => "POST / HTTP/1.1\r\n\r\n", 'a frame of 4 GB' => chr(2) . pack('N', 0xffffffff)] as $what => $bytes) {
    $fp = connect($url, $pem);
    fwrite($fp, $bytes);
    $heard = hears($fp);
    check_case('Status 128', "$what, without an identifier", $heard === '088000000000', $heard);
}
$fp = connect($url, $pem);
fwrite($fp, simple(str_repeat('07', 32), $alert));
$heard = hears($fp);
check_case('Closed without a word', 'a failed command 0', $heard === '', $heard);

$before = $displayed();
$fp = connect($url, $pem);
fwrite($fp, enhanced(1, time() + 60, $token, $alert) . enhanced(2, time() + 60, str_repeat('07', 32), $alert)
    . enhanced(3, time() + 60, $token, $alert));
$heard = hears($fp);
check_case('Discarded after a failure', 'of three the second fails', $heard === '080800000002', $heard);
gains('the one before it is displayed, the one after it discarded', $before, 1);

// Who isn't let in at all. TLS 1.2 says so within the handshake.
run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=stranger',
    '-keyout', "$scratch/stranger.key", '-out', "$scratch/stranger.crt");
file_put_contents("$scratch/stranger.pem", file_get_contents("$scratch/stranger.crt") . file_get_contents("$scratch/stranger.key"));
$strangers = [
    'No certificate' => null,
    'Untrusted certificate' => "$scratch/stranger.pem",
];
foreach ($strangers as $what => $certificate) {
    check_case($what, 'no connection', connect($url, $certificate, STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT) === false);
    $fp = connect($url, $certificate, STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT);
    check("$what, TLS 1.3: closed with the first read", $fp === false || hears($fp) === '');
}

// Feedback: the token of a removed app, once.
$feedback = "ssl://$host:{$development['feedback_port']}";
$tuples = function () use ($feedback, $pem): array {
    $told = hex2bin(hears(connect($feedback, $pem)));
    $tuples = [];
    foreach (str_split($told, 38) as $tuple) {
        if (strlen($tuple) === 38) {
            ['since' => $since, 'token' => $gone] = unpack('Nsince/nlength/H64token', $tuple);
            $tuples[$gone] = $since;
        }
    }
    return $tuples;
};
$device = enrol($endpoints);
$own = register($device, $endpoints);
check('a device registers and gets its token', strlen($own) === 64, $own);
check('a living token is not in the feedback', !isset($tuples()[$own]));
unregister($device, $endpoints);
$told = $tuples();
check_case('Told by the feedback service', 'the token of a removed app', isset($told[$own]), array_keys($told));
check('with the time of its end', abs(($told[$own] ?? 0) - time()) < 60, $told[$own] ?? null);
check('what has been read is told no more', waits(fn() => !isset($tuples()[$own])));
$fp = connect($url, $pem);
fwrite($fp, enhanced(1, time() + 60, $own, $alert));
stream_set_blocking($fp, false);
check('a notification to it is told again by the feedback', waits(fn() => isset($tuples()[$own])));
check('and is no failure', fread($fp, 6) === '' && !feof($fp));
fclose($fp);
check('its trace says why it went nowhere', in_array(['refused:Unregistered'], steps($own, $endpoints_file), true),
    steps($own, $endpoints_file));

// A push service that stops says the last notification that it took: one of its own, so that the others' goes on.
$data = "$scratch/php-gateway";
mkdir($data);
$ports = "listen = [\"127.0.0.1:0\"]\n";
$legacy = "legacy = [\"127.0.0.1:0\"]\nfeedback = [\"127.0.0.1:0\"]\n";
file_put_contents("$data/gateway.toml", "data_dir = \"data\"\ncores = 1\ndemo = true\n"
    . "[production]\n{$ports}{$legacy}[development]\n{$ports}{$legacy}[device_link]\n{$ports}[admin]\n{$ports}");
$gateway = proc_open([$homing, 'gateway', '--config', "$data/gateway.toml"],
    [0 => ['file', '/dev/null', 'r'], 1 => ['file', "$data/log", 'w'], 2 => ['redirect', 1]], $pipes);
$its_file = "$data/data/endpoints.json";
check('a push service of its own starts', waits(fn() => file_exists($its_file)), @file_get_contents("$data/log"));
$its = json_decode(file_get_contents($its_file), true);
$endpoints['ca_pem'] = $its['ca_pem'];
$own = register(enrol($its), $its);
$fp = connect("ssl://localhost:{$its['apns']['development']['legacy_port']}", $its['demo']['development']['certificate_pem']);
fwrite($fp, enhanced(41, time() + 60, $own, $alert) . enhanced(42, time() + 60, $own, $alert));
check('it takes two notifications', waits(fn() => reached($own, 'accepted', $its_file) === 2));
proc_terminate($gateway);
$heard = hears($fp);
check_case('Status 10', 'at its stop, with the last good identifier', $heard === '080a0000002a', $heard);
proc_close($gateway);

finish();
