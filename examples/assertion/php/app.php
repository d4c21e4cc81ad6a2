<?php
// An app that believes Vestibule-Assertion and nothing else. Needs PHP 8 with OpenSSL, and no library:
//
//     VESTIBULE=https://auth.example.com APP=https://app.example.com php -S 127.0.0.1:3000 app.php
//
// With Composer at hand, firebase/php-jwt does the same: JWT::decode($assertion, JWK::parseKeySet($set)), after which
// iss and aud are still to be compared.

declare(strict_types=1);

/** The claims. Throws where there is nobody to believe in. */
function who_comes(string $assertion): array
{
    $parts = explode('.', $assertion);
    if (count($parts) !== 3) {
        throw new RuntimeException('there is no assertion');
    }
    [$header, $claims] = array_map(fn ($part) => json_decode(from_base64($part), true), $parts);
    $signature = from_base64($parts[2]);
    if (!is_array($header) || !is_array($claims) || strlen($signature) !== 64) {
        throw new RuntimeException('this is no assertion');
    }
    // Never what the token itself says: one algorithm, and one of the keys that are published.
    if (($header['alg'] ?? null) !== 'ES256' || !is_string($header['kid'] ?? null)) {
        throw new RuntimeException('not signed as it should be');
    }
    $key = key_of($header['kid']);
    if (openssl_verify("$parts[0].$parts[1]", in_der($signature), $key, OPENSSL_ALGO_SHA256) !== 1) {
        throw new RuntimeException('the signature is wrong');
    }
    $leeway = 5; // seconds by which the clocks may differ
    $is_for_us = ($claims['iss'] ?? null) === getenv('VESTIBULE') && ($claims['aud'] ?? null) === getenv('APP');
    $is_fresh = is_int($claims['exp'] ?? null) && $claims['exp'] > time() - $leeway
        && is_int($claims['iat'] ?? null) && $claims['iat'] <= time() + $leeway;
    if (!$is_for_us || !$is_fresh || !is_string($claims['sub'] ?? null)) {
        throw new RuntimeException('for another app, or too old');
    }
    return $claims;
}

/** A published key: from a copy of at most five minutes, or fetched for one that is not in it, though not at every request. */
function key_of(string $kid): string
{
    $url = getenv('JWKS_URL') ?: getenv('VESTIBULE') . '/.well-known/jwks.json';
    $copy = sys_get_temp_dir() . '/jwks-' . hash('sha256', $url) . '.json';
    $set = null;
    foreach ([300, 2] as $most_seconds) {
        clearstatcache();
        if (is_file($copy) && time() - filemtime($copy) < $most_seconds) {
            $set = file_get_contents($copy);
        } elseif (($fetched = file_get_contents($url)) !== false) {
            // Renamed into its place: nobody reads half of it.
            $new = tempnam(sys_get_temp_dir(), 'jwks');
            file_put_contents($new, $set = $fetched);
            rename($new, $copy);
        }
        foreach (json_decode($set ?? '', true)['keys'] ?? [] as $key) {
            if ($key['kid'] === $kid && $key['kty'] === 'EC' && $key['crv'] === 'P-256') {
                return in_pem(from_base64($key['x']), from_base64($key['y']));
            }
        }
    }
    throw new RuntimeException('signed by a stranger');
}

/** A point on P-256 as OpenSSL reads it: the head of a SubjectPublicKeyInfo (RFC 5480), then the point. */
function in_pem(string $x, string $y): string
{
    $der = hex2bin('3059301306072a8648ce3d020106082a8648ce3d030107034200') . "\x04$x$y";
    return "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode($der), 64) . "-----END PUBLIC KEY-----\n";
}

/** A signature has r and s side by side; OpenSSL wants two ASN.1 integers. */
function in_der(string $signature): string
{
    $integer = function (string $bytes): string {
        $bytes = ltrim($bytes, "\0");
        $bytes = $bytes === '' || ord($bytes[0]) > 0x7f ? "\0$bytes" : $bytes;
        return "\x02" . chr(strlen($bytes)) . $bytes;
    };
    $both = $integer(substr($signature, 0, 32)) . $integer(substr($signature, 32));
    return "\x30" . chr(strlen($both)) . $both;
}

function from_base64(string $text): string
{
    $bytes = base64_decode(strtr($text, '-_', '+/'), true);
    return $bytes === false ? '' : $bytes;
}

header('Content-Type: application/json');
try {
    echo json_encode(who_comes($_SERVER['HTTP_VESTIBULE_ASSERTION'] ?? ''));
} catch (RuntimeException $error) {
    http_response_code(401);
    echo json_encode(['error' => $error->getMessage()]);
}
