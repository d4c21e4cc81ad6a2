<?php
// Whoever is asked for by name and password; their password is their name and "-password".
$settings = json_decode(file_get_contents(dirname(__DIR__) . '/settings.json'), true);
$users = [];
foreach ($settings['people'] as $name => $attributes) {
    $users["$name:$name-password"] = ['uid' => [$name]] + $attributes;
}
$config = ['people' => ['exampleauth:UserPass'] + $users];
