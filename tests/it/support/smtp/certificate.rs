//! A certificate authority of the test process, and what it vouches for: `localhost`, and whom else a test names.

use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

struct Made {
    authority: String,
    issuer: Issuer<'static, KeyPair>,
    server: Arc<ServerConfig>,
}

/// The authority's certificate as PEM, for a client to trust.
pub fn authority() -> &'static str {
    &made().authority
}

pub fn server() -> Arc<ServerConfig> {
    Arc::clone(&made().server)
}

/// The certificate and the key, both as PEM.
pub fn certificate_for(name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, &made().issuer).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

/// The same, good until the beginning of that day (year, month, day).
pub fn certificate_until(name: &str, (year, month, day): (i32, u8, u8)) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(year, month, day);
    let certificate = params.signed_by(&key, &made().issuer).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

/// The same, good from the beginning of that day on.
pub fn certificate_from(name: &str, (year, month, day): (i32, u8, u8)) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_before = rcgen::date_time_ymd(year, month, day);
    let certificate = params.signed_by(&key, &made().issuer).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

/// The same, by somebody in between for whom the authority vouches: the certificate, that of who is in between, the key.
pub fn certificate_by_another(name: &str) -> (String, String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "in between");
    let between = params.signed_by(&key, &made().issuer).expect("a certificate authority").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new([name.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate").pem();
    (certificate, between, key.serialize_pem())
}

/// The same for whoever vouches for nobody but itself, as `openssl req -x509` makes it: an authority.
pub fn own_certificate_for(name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = params.self_signed(&key).expect("a certificate authority").pem();
        let issuer = Issuer::new(params, key);

        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key fits its certificate");
        Made { authority, issuer, server: Arc::new(server) }
    })
}
