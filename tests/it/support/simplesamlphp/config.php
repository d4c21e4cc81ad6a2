<?php
// SimpleSAMLphp as a test runs it: everything it writes is in the folder above, and its settings are in settings.json.
$folder = dirname(__DIR__);
$settings = json_decode(file_get_contents("$folder/settings.json"), true);
$config = [
    'baseurlpath' => $settings['url'],
    'certdir' => "$folder/cert/",
    'metadatadir' => "$folder/metadata/",
    'loggingdir' => "$folder/",
    'datadir' => "$folder/",
    'tempdir' => "$folder/tmp/",
    'logging.handler' => 'errorlog',
    'logging.level' => SimpleSAML\Logger::INFO,
    'showerrors' => true,
    'errorreporting' => false,
    'secretsalt' => 'the salt of a test that hides nothing',
    'auth.adminpassword' => 'the password of a test that nobody needs',
    'technicalcontact_name' => 'Nobody',
    'technicalcontact_email' => 'nobody@example.com',
    'timezone' => 'UTC',
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'exampleauth' => true, 'saml' => true],
    'store.type' => 'phpsession',
    'session.cookie.name' => 'provider_id',
    'session.cookie.secure' => false,
    'session.phpsession.cookiename' => 'provider',
    'session.phpsession.savepath' => "$folder/sessions",
    'session.phpsession.httponly' => true,
    'language.default' => 'en',
    'language.available' => ['en'],
    'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => "$folder/metadata/sp.xml"]],
];
