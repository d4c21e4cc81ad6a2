use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;
use openssl::symm;
use openssl::x509::X509;

use super::random;

/// To whom an assertion is encrypted, and how.
#[derive(Clone)]
pub struct Encryption {
    pub key: PKey<Public>,
    pub cipher: Cipher,
    pub transport: Transport,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cipher {
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
    Aes128Gcm,
    Aes256Gcm,
    TripleDes,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// RSA-OAEP with SHA-1, as nearly everybody does it.
    Oaep,
    /// RSA-OAEP of XML Encryption 1.1, with SHA-256 throughout.
    Oaep256,
    Rsa15,
}

impl Encryption {
    /// To the key of a certificate (X.509, DER).
    pub fn to(certificate: &[u8]) -> Self {
        let key = X509::from_der(certificate).and_then(|certificate| certificate.public_key()).expect("a certificate");
        Self { key, cipher: Cipher::Aes256Gcm, transport: Transport::Oaep }
    }

    pub fn seal(&self, assertion: &str) -> String {
        let (algorithm, secret, sealed) = self.cipher.seal(assertion.as_bytes());
        let (method, wrapped) = self.transport.wrap(&self.key, &secret);
        format!(
            r#"<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{algorithm}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>{method}<xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#,
            STANDARD.encode(wrapped),
            STANDARD.encode(sealed),
        )
    }
}

impl Cipher {
    /// The name, the secret, and what it is with its vector before and its tag behind.
    fn seal(self, clear: &[u8]) -> (&'static str, Vec<u8>, Vec<u8>) {
        let (name, cipher) = match self {
            Self::Aes128Cbc => ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", symm::Cipher::aes_128_cbc()),
            Self::Aes192Cbc => ("http://www.w3.org/2001/04/xmlenc#aes192-cbc", symm::Cipher::aes_192_cbc()),
            Self::Aes256Cbc => ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", symm::Cipher::aes_256_cbc()),
            Self::Aes128Gcm => ("http://www.w3.org/2009/xmlenc11#aes128-gcm", symm::Cipher::aes_128_gcm()),
            Self::Aes256Gcm => ("http://www.w3.org/2009/xmlenc11#aes256-gcm", symm::Cipher::aes_256_gcm()),
            Self::TripleDes => ("http://www.w3.org/2001/04/xmlenc#tripledes-cbc", symm::Cipher::des_ede3_cbc()),
        };
        let secret = random::<32>()[..cipher.key_len()].to_vec();
        let vector = random::<16>()[..cipher.iv_len().expect("a vector")].to_vec();
        let sealed = match self {
            Self::Aes128Gcm | Self::Aes256Gcm => {
                let mut tag = [0; 16];
                let mut sealed =
                    symm::encrypt_aead(cipher, &secret, Some(&vector), &[], clear, &mut tag).expect("a ciphertext");
                sealed.extend(tag);
                sealed
            }
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc | Self::TripleDes => {
                symm::encrypt(cipher, &secret, Some(&vector), clear).expect("a ciphertext")
            }
        };
        (name, secret, [vector, sealed].concat())
    }
}

impl Transport {
    /// The `EncryptionMethod`, and the wrapped key.
    fn wrap(self, key: &PKey<Public>, secret: &[u8]) -> (String, Vec<u8>) {
        let mut encrypter = Encrypter::new(key).expect("a key");
        let (name, digest) = match self {
            Self::Oaep => ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", Some(MessageDigest::sha1())),
            Self::Oaep256 => ("http://www.w3.org/2009/xmlenc11#rsa-oaep", Some(MessageDigest::sha256())),
            Self::Rsa15 => ("http://www.w3.org/2001/04/xmlenc#rsa-1_5", None),
        };
        match digest {
            Some(digest) => {
                encrypter.set_rsa_padding(Padding::PKCS1_OAEP).expect("OAEP");
                encrypter.set_rsa_oaep_md(digest).expect("a digest");
                encrypter.set_rsa_mgf1_md(digest).expect("a digest");
            }
            None => encrypter.set_rsa_padding(Padding::PKCS1).expect("RSA 1.5"),
        }
        let mut wrapped = vec![0; encrypter.encrypt_len(secret).expect("a length")];
        let length = encrypter.encrypt(secret, &mut wrapped).expect("a wrapped key");
        wrapped.truncate(length);
        let details = match self {
            Self::Oaep | Self::Rsa15 => "",
            Self::Oaep256 => {
                r#"<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>"#
            }
        };
        (format!(r#"<xenc:EncryptionMethod Algorithm="{name}">{details}</xenc:EncryptionMethod>"#), wrapped)
    }
}
