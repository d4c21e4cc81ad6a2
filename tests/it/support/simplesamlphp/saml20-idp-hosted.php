<?php
$settings = json_decode(file_get_contents(dirname(__DIR__) . '/settings.json'), true);
$persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
$metadata[$settings['url'] . 'saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__',
    'privatekey' => $settings['key'] . '.pem',
    'certificate' => $settings['key'] . '.crt',
    'auth' => 'people',
    'NameIDFormat' => $persistent,
    'authproc' => [1 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => $persistent]],
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'validate.authnrequest' => true,
    'redirect.validate' => true,
    'redirect.sign' => true,
    'sign.logout' => true,
    'validate.logout' => true,
    'logouttype' => 'traditional',
    'saml20.sign.response' => $settings['sign_response'],
    'saml20.sign.assertion' => $settings['sign_assertion'],
    'assertion.encryption' => $settings['encrypt'],
];
