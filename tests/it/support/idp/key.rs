use std::sync::OnceLock;

use openssl::asn1::Asn1Time;
use openssl::base64::encode_block;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};

use super::SignatureTemplate;

/// A key, and the certificate that it has signed itself.
#[derive(Clone)]
pub struct Key {
    key: PKey<Private>,
    certificate: Vec<u8>,
}

impl Key {
    /// One RSA key for the whole test process: they take long to make.
    pub fn rsa() -> Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Self::new_rsa(2048)).clone()
    }

    /// Another, of which nobody knows anything.
    pub fn other_rsa() -> Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Self::new_rsa(2048)).clone()
    }

    pub fn new_rsa(bits: u32) -> Self {
        Self::of(PKey::from_rsa(Rsa::generate(bits).expect("an RSA key")).expect("a key"))
    }

    /// On a curve like `Nid::X9_62_PRIME256V1`.
    pub fn elliptic(curve: Nid) -> Self {
        let group = EcGroup::from_curve_name(curve).expect("a curve");
        Self::of(PKey::from_ec_key(EcKey::generate(&group).expect("an elliptic key")).expect("a key"))
    }

    fn of(key: PKey<Private>) -> Self {
        let mut name = X509Name::builder().expect("a name");
        name.append_entry_by_text("CN", "idp.test").expect("a name");
        let name = name.build();
        let mut certificate = X509::builder().expect("a certificate");
        certificate.set_version(2).expect("version 3");
        certificate.set_subject_name(&name).expect("a subject");
        certificate.set_issuer_name(&name).expect("an issuer");
        certificate.set_pubkey(&key).expect("a key");
        certificate.set_not_before(Asn1Time::from_unix(0).expect("a time").as_ref()).expect("a begin");
        certificate.set_not_after(Asn1Time::from_unix(4_000_000_000).expect("a time").as_ref()).expect("an end");
        certificate.sign(&key, MessageDigest::sha256()).expect("a signature");
        let certificate = certificate.build().to_der().expect("DER");
        Self { key, certificate }
    }

    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    pub fn certificate_pem(&self) -> String {
        let certificate = X509::from_der(&self.certificate).expect("a certificate");
        String::from_utf8(certificate.to_pem().expect("PEM")).expect("ASCII")
    }

    pub fn pkcs8_der(&self) -> Vec<u8> {
        self.key.private_key_to_pkcs8().expect("PKCS#8")
    }

    /// The public key, as a `KeyInfo` shows it (RSA only).
    pub fn key_value(&self) -> String {
        let rsa = self.key.rsa().expect("an RSA key");
        let (modulus, exponent) = (encode_block(&rsa.n().to_vec()), encode_block(&rsa.e().to_vec()));
        format!(
            "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>{exponent}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
        )
    }

    /// As OpenSSL has kept keys before there was PKCS#8.
    pub fn private_der(&self) -> Vec<u8> {
        self.key.private_key_to_der().expect("DER")
    }

    /// How this kind of key signs.
    pub fn template(&self) -> SignatureTemplate {
        let method = if self.key.id() == Id::EC { "ecdsa-sha256" } else { "rsa-sha256" };
        SignatureTemplate {
            method: format!("http://www.w3.org/2001/04/xmldsig-more#{method}"),
            ..SignatureTemplate::default()
        }
    }
}
