//! What the README and the examples say, as far as it can be looked up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::process::Folder;

pub fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn read(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced blocks of this language.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks: Vec<String> =
        text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned()).collect();
    assert!(!blocks.is_empty(), "no {language} in here");
    blocks
}

/// What the program says, which has to be a success.
fn vestibule(arguments: &[&str], variables: &[(&str, &Path)]) -> String {
    let folder = Folder::make("documentation", "TERM");
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(arguments).current_dir(folder.path()).env_clear().envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_proxy_configurations_in_the_readme_are_those_that_are_tested() {
    let files = [
        ("nginx", &["deploy/nginx/vestibule.conf"][..]),
        ("caddyfile", &["deploy/caddy/Caddyfile"]),
        ("haproxy", &["deploy/haproxy/haproxy.cfg"]),
        ("apache", &["deploy/apache/vestibule.conf"]),
        ("yaml", &["deploy/traefik/traefik.yml", "deploy/traefik/dynamic.yml", "deploy/envoy/envoy.yaml"]),
    ];
    for (language, files) in files {
        for shown in blocks(&read("README.md"), language) {
            assert!(files.iter().any(|file| read(file).contains(&shown)), "not in {files:?}:\n{shown}");
        }
    }
}

#[test]
fn the_containers_run_the_tested_configurations_with_other_names_and_ports() {
    let compose = read("docker-compose.yml");
    let files = [
        ("nginx", "nginx/vestibule.conf"),
        ("haproxy", "haproxy/haproxy.cfg"),
        ("apache", "apache/vestibule.conf"),
        ("traefik", "traefik/traefik.yml"),
        ("traefik", "traefik/dynamic.yml"),
        ("envoy", "envoy/envoy.yaml"),
    ];
    for (proxy, file) in files {
        assert!(compose.contains(&format!("profiles: [{proxy}]")) && compose.contains(&format!("./deploy/{file}:")));
        let given = fs::File::open(at("deploy").join(file)).unwrap();
        let output = Command::new("sh").arg(at("deploy/compose/adapt")).arg(proxy).stdin(given).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let adapted = String::from_utf8(output.stdout).unwrap();
        let told: Vec<&str> = adapted.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        let left = told.iter().find(|line| line.contains("example.com") || line.contains("127.0.0.1"));
        assert_eq!(left, None, "{file}");
        assert_eq!(adapted.lines().count(), read(&format!("deploy/{file}")).lines().count(), "{file}");
        let is_whole =
            ["auth.vestibule.localhost", "whoami.vestibule.localhost", "8080"].map(|name| adapted.contains(name));
        assert!(file == "traefik/traefik.yml" || is_whole == [true; 3], "{file}:\n{adapted}");
    }
}

#[test]
fn the_configuration_in_the_readme_is_accepted() {
    let folder = Folder::make("readme", "TERM");
    for text in blocks(&read("README.md"), "toml") {
        let file = folder.path().join("vestibule.toml");
        fs::write(&file, text).unwrap();
        vestibule(&["config", "check"], &[("VESTIBULE_CONFIG", &file)]);
    }
}

#[test]
fn the_configuration_of_the_containers_is_accepted_with_the_secrets_made_for_it() {
    let secrets = Folder::make("secrets", "TERM");
    // As root the script hands each secret to its reader; elsewhere there is nobody to hand it to.
    let script = read("deploy/compose/make-secrets").replace("chown \"$owner\"", ": chown");
    for _ in 0..2 {
        let made = Command::new("sh").args(["-c", &script, "sh"]).arg(secrets.path()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let variables = [
        ("VESTIBULE_CONFIG", at("deploy/compose/vestibule.toml")),
        ("VESTIBULE__DATABASE__URL_FILE", secrets.path().join("database_url")),
        ("VESTIBULE__SECRETS__KEY_FILE", secrets.path().join("key")),
    ];
    let variables = variables.each_ref().map(|(name, path)| (*name, path.as_path()));
    vestibule(&["config", "check"], &variables);
    let password = fs::read_to_string(secrets.path().join("database_password")).unwrap();
    let url = fs::read_to_string(secrets.path().join("database_url")).unwrap();
    assert_eq!(url, format!("postgres://vestibule:{password}@postgres/vestibule"));
    assert_eq!(password.len(), 64);
}

#[test]
fn every_key_in_the_readme_exists() {
    let known: serde_json::Value = serde_json::from_str(&vestibule(&["config", "print", "--json"], &[])).unwrap();
    let readme = read("README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let keys: Vec<&str> =
        rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter(|key| key.contains('.')).collect();
    assert!(keys.len() > 10, "{keys:?}");
    for key in keys {
        let (section, word) = key.split_once('.').unwrap();
        assert!(known[section].get(word).is_some(), "there is no {key}");
    }
}

#[test]
fn every_file_that_a_document_links_to_exists() {
    let in_docs =
        fs::read_dir(at("docs")).unwrap().map(|entry| format!("docs/{}", entry.unwrap().file_name().display()));
    let all = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned).into_iter();
    for document in all.chain(in_docs.filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "md"))) {
        let text = read(&document);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let after = |start| text.split(start).skip(1).filter_map(|rest| rest.split('"').next());
        let images = after("src=\"").chain(after("srcset=\""));
        for target in targets.chain(images).filter(|target| !target.starts_with('#') && !target.contains(':')) {
            let file = target.split('#').next().unwrap_or_default();
            assert!(at(&document).with_file_name(file).exists(), "{document} links to {target}");
        }
    }
}
