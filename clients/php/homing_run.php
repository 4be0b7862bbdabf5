<?php
// What a PHP client needs to be run here: endpoints.json, traces, devices, and counting checks the way the runner reads.
declare(strict_types=1);

$scratch = getenv('SCRATCH');
$homing = getenv('HOMING');
$endpoints_file = getenv('ENDPOINTS');
$endpoints = json_decode(file_get_contents($endpoints_file), true);
$checks = 0;
$failures = 0;

function check(string $what, bool $ok, mixed $seen = ''): void
{
    global $checks, $failures;
    $checks++;
    if ($ok) {
        echo "ok - $what\n";
    } else {
        $failures++;
        echo "not ok - $what: " . json_encode($seen, JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
    }
}

/** A check that stands in docs/conformance.md: this interface takes certificates alone. */
function check_case(string $name, string $what, bool $ok, mixed $seen = ''): void
{
    check("$name (a certificate): $what", $ok, $seen);
}

function finish(): never
{
    global $checks, $failures;
    echo "1..$checks\n";
    exit($failures > 0 ? 1 : 0);
}

/** Runs a program and waits: its exit code and what it said. */
function run(string ...$command): array
{
    $process = proc_open($command, [0 => ['file', '/dev/null', 'r'], 1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    $said = stream_get_contents($pipes[1]);
    return [proc_close($process), $said];
}

/** All notifications of a token, as "stage" or "stage:reason". */
function steps(string $token, string $endpoints_file): array
{
    global $homing;
    $process = proc_open(
        [$homing, 'trace', '--token', $token, '--json', '--endpoints', $endpoints_file],
        [1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']],
        $pipes
    );
    $lines = array_filter(explode("\n", stream_get_contents($pipes[1])));
    proc_close($process);
    $word = fn(array $event) => $event['stage'] . ($event['reason'] === null ? '' : ":{$event['reason']}");
    return array_map(fn(string $line) => array_map($word, json_decode($line, true)['events']), $lines);
}

/** How many of a token's notifications have reached the stage. */
function reached(string $token, string $stage, string $endpoints_file): int
{
    return count(array_filter(steps($token, $endpoints_file), fn(array $steps) => in_array($stage, $steps, true)));
}

/** Waits until it is true. */
function waits(callable $is_true): bool
{
    $deadline = microtime(true) + 20;
    while (!$is_true()) {
        if (microtime(true) > $deadline) {
            return false;
        }
        usleep(50_000);
    }
    return true;
}

/** A device of its own: what mosquitto_sub is called with. */
function enrol(array $at): array
{
    ['host' => $host, 'port' => $port] = $at['device_link'];
    $context = stream_context_create([
        'http' => [
            'method' => 'POST',
            'header' => 'content-type: application/json',
            'content' => json_encode(['enrolment_key' => $at['enrolment_key']]),
        ],
        'ssl' => ['cafile' => $at['ca_pem']],
    ]);
    $device = json_decode(file_get_contents("https://$host:$port/devices", false, $context), true);
    $id = $device['device_id'];
    return ['mosquitto_sub', '-V', 'mqttv5', '-h', $host, '-p', "$port", '--cafile', $at['ca_pem'],
        '-i', $id, '-u', $id, '-P', $device['secret'], '-q', '1', '-F', '%p', '-W', '20'];
}

/** The device registers for the demo app in development and goes; its token. */
function register(array $device, array $at): string
{
    return trim(run(...$device, ...['-t', "development/{$at['demo']['bundle_id']}/#", '-C', '1'])[1]);
}

/** The app is removed from the device. */
function unregister(array $device, array $at): void
{
    $filter = "development/{$at['demo']['bundle_id']}/#";
    run(...$device, ...['-t', $filter, '-U', $filter, '-W', '5']);
}
