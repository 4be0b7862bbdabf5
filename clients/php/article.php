<?php
// The sender of the article that Homing grew from, letter by letter; only its address, certificate, token and how often it
// writes come from outside: php article.php URL CERTIFICATE TOKEN TIMES. Run with -d openssl.cafile=<root certificate>.
[, $devUrl, $devCertificate, $deviceToken, $times] = $argv;
$title = '标题';//消息标题
$content = '消息内容';//内容
$ctx = stream_context_create();
// Change 3 : APNS Cert File name and location.
stream_context_set_option($ctx, 'ssl', 'local_cert', $devCertificate);
// Open a connection to the APNS server
$fp = stream_socket_client($devUrl, $err, $errstr, 60, STREAM_CLIENT_CONNECT|STREAM_CLIENT_PERSISTENT, $ctx);
if (!$fp)
    exit("Failed to connect: $err $errstr" . PHP_EOL);
echo 'Connected to APNS' . PHP_EOL;
// Create the payload body
$body['aps'] = array(
    'alert' =>array(
        'title'=>$title,
        'body'=>$content
    ),
    'sound' => 'default'
);
//自定义内容
$body['userInfo'] = array(
    'url' => 'https://www.qq.com',
);
// Encode the payload as JSON
$payload = json_encode($body);
// Build the binary notification
$msg = chr(0) . pack('n', 32) . pack('H*', $deviceToken) . pack('n', strlen($payload)) . $payload;
// Send it to the server
for ($i = 0; $i < $times; $i++) {
    $result = fwrite($fp, $msg, strlen($msg));
    if (!$result)
        echo 'Message not delivered' . PHP_EOL;
    else
        echo 'Message successfully delivered' . PHP_EOL;
}
// Close the connection to the server
fclose($fp);
