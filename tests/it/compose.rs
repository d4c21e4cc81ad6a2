//! `docker-compose.yml`, as far as it can be judged without an engine to start it: what it names exists, what it promises
//! of every container holds for each, and every profile is one of the proxies that the other tests run for real.

use std::collections::BTreeSet;

use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlLoader};

use crate::documentation::{at, read};
use crate::proxies::street::Kind;

/// Made from this repository at the first start.
const OWN_IMAGES: [&str; 2] = ["vestibule", "vestibule-apache"];

fn compose() -> Yaml {
    YamlLoader::load_from_str(&read("docker-compose.yml")).expect("YAML").remove(0)
}

/// With what `<<` takes over; its own keys win.
fn merged(node: &Yaml) -> Hash {
    let own = node.as_hash().expect("a map");
    let inherited = own.get(&Yaml::String("<<".to_owned())).map(merged).unwrap_or_default();
    let own = own.iter().filter(|(key, _)| key.as_str() != Some("<<")).map(|(key, value)| (key.clone(), value.clone()));
    inherited.into_iter().chain(own).collect()
}

struct Service {
    name: String,
    keys: Hash,
}

impl Service {
    fn get(&self, key: &str) -> &Yaml {
        self.keys.get(&Yaml::String(key.to_owned())).unwrap_or(&Yaml::BadValue)
    }

    /// A list's members, or a map's keys.
    fn words(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Yaml::Hash(map) => map.keys().filter_map(Yaml::as_str).map(str::to_owned).collect(),
            Yaml::Array(list) => list.iter().filter_map(Yaml::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

fn services() -> Vec<Service> {
    let compose = compose();
    let all = compose["services"].as_hash().expect("services").iter();
    all.map(|(name, node)| Service { name: name.as_str().expect("a name").to_owned(), keys: merged(node) }).collect()
}

fn named(names: &Yaml) -> BTreeSet<String> {
    names.as_hash().expect("a map").keys().filter_map(Yaml::as_str).map(str::to_owned).collect()
}

#[test]
fn whatever_a_container_names_exists() {
    let (compose, services) = (compose(), services());
    let (mut volumes, mut networks) = (BTreeSet::new(), BTreeSet::new());
    for service in &services {
        let name = &service.name;
        for mount in service.words("volumes") {
            let parts: Vec<&str> = mount.split(':').collect();
            if parts[0].starts_with("./") {
                assert!(at(parts[0]).is_file(), "{name} mounts {mount}, which is no file");
                assert_eq!(parts.get(2), Some(&"ro"), "{name} can write to {mount}");
            } else {
                volumes.insert(parts[0].to_owned());
            }
        }
        networks.extend(service.words("networks"));
        for other in service.words("depends_on") {
            let other = services.iter().find(|service| service.name == other).expect("a service to wait for");
            let condition = service.get("depends_on")[other.name.as_str()]["condition"].as_str();
            let has_check = !other.get("healthcheck").is_badvalue();
            assert_eq!(has_check, condition == Some("service_healthy"), "{name} waits for {}", other.name);
        }
        // What a proxy's start reads is mounted there.
        let start = service.words("entrypoint").join(" ");
        let mounts = service.words("volumes");
        for file in start.split("< ").skip(1).filter_map(|rest| rest.split(' ').next()) {
            assert!(mounts.iter().any(|mount| mount.contains(&format!(":{file}:"))), "{name} reads {file}");
        }
    }
    assert_eq!(volumes, named(&compose["volumes"]));
    assert_eq!(networks, named(&compose["networks"]));
}

#[test]
fn every_image_is_a_version_and_every_container_is_confined() {
    for service in services() {
        let (name, image) = (&service.name, service.get("image").as_str().expect("an image"));
        let is_built = !service.get("build").is_badvalue();
        assert_eq!(is_built, OWN_IMAGES.contains(&image), "{name}: {image}");
        let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
        let has_version = tag.is_some_and(|tag| tag.bytes().any(|byte| byte.is_ascii_digit()));
        assert!(is_built || has_version, "{name}: {image} may be anything tomorrow");
        assert_eq!(service.get("read_only").as_bool(), Some(true), "{name}");
        assert_eq!(service.words("cap_drop"), ["ALL"], "{name}");
        assert_eq!(service.words("security_opt"), ["no-new-privileges:true"], "{name}");
        for port in service.words("ports") {
            assert!(port.starts_with("127.0.0.1:"), "{name} is open to more than this machine: {port}");
        }
    }
}

#[test]
fn every_profile_is_one_proxy_at_the_address_that_is_trusted() {
    let services = services();
    let of_profile = |profile: &str| -> Vec<&Service> {
        services.iter().filter(|service| service.words("profiles").iter().any(|own| own == profile)).collect()
    };
    let trusted = read("deploy/compose/vestibule.toml");
    let profiles: BTreeSet<String> = services.iter().flat_map(|service| service.words("profiles")).collect();
    assert_eq!(profiles, Kind::ALL.iter().map(|kind| kind.word().to_owned()).collect());
    for profile in &profiles {
        let [proxy] = of_profile(profile)[..] else { panic!("{profile} is not one container") };
        assert_eq!(&proxy.name, profile);
        assert_eq!(proxy.words("ports"), ["127.0.0.1:8080:8080"], "{profile}");
        assert_eq!(proxy.words("networks"), ["outside", "apps", "gate"], "{profile}");
        let address = proxy.get("networks")["gate"]["ipv4_address"].as_str().expect("an address");
        assert!(trusted.contains(&format!("trusted_proxies = [\"{address}/32\"]")), "{profile}: {address}");
        let start = proxy.words("entrypoint").join(" ");
        assert!(profile == "caddy" || start.contains(&format!("/adapt {profile} <")), "{profile}: {start}");
    }
    let usual = read(".env");
    let usual = usual.lines().find_map(|line| line.strip_prefix("COMPOSE_PROFILES=")).expect("a usual profile");
    assert!(profiles.contains(usual), "{usual}");
    // Everything else is there whichever proxy is.
    let others: Vec<&str> = services
        .iter()
        .filter(|service| service.words("profiles").is_empty())
        .map(|service| service.name.as_str())
        .collect();
    assert_eq!(others, ["secrets", "postgres", "vestibule", "mailpit", "whoami"]);
}
