//! What a server has to prove before it is talked to.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Whoever speaks holds the key of the certificate, in any case.
#[derive(Debug)]
pub(super) enum Proof {
    Nothing,
    Authority(Trusted),
    AuthorityAndName(Trusted),
}

/// Authorities, and servers that vouch for themselves.
#[derive(Debug)]
pub(super) struct Trusted {
    roots: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// `None` when there is nothing in it that can be used.
    pub(super) fn new(certificates: Vec<CertificateDer<'static>>) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        (!roots.is_empty()).then_some(Self { roots, certificates })
    }
}

#[derive(Debug)]
pub(super) struct Verifier {
    proof: Proof,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(proof: Proof, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { proof, algorithms }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let vouched_for = |trusted: &Trusted| {
            if trusted.certificates.contains(end_entity) {
                // `openssl req -x509` makes an authority, which webpki would not take for a server.
                return require_in_force(end_entity, now);
            }
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, &trusted.roots, intermediates, now, algorithms)
        };
        match &self.proof {
            Proof::Nothing => {}
            Proof::Authority(trusted) => vouched_for(trusted)?,
            Proof::AuthorityAndName(trusted) => {
                vouched_for(trusted)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn require_in_force(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = certificate.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
    use rustls::crypto::ring;

    use super::*;

    #[test]
    fn a_certificate_that_vouches_for_itself_does_so_for_its_time_only() {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
        let algorithms = ring::default_provider().signature_verification_algorithms;
        let trusted = Trusted::new(vec![certificate.clone()]).unwrap();
        let verifier = Verifier::new(Proof::AuthorityAndName(trusted), algorithms);
        let verify = |name: &'static str, at: i64| {
            let name = ServerName::try_from(name).unwrap();
            let at = UnixTime::since_unix_epoch(Duration::from_secs(at.unsigned_abs()));
            verifier.verify_server_cert(&certificate, &[], &name, &[], at).map(drop)
        };
        let (start, end) = (params.not_before.unix_timestamp(), params.not_after.unix_timestamp());
        assert_eq!(verify("localhost", start - 1), Err(CertificateError::NotValidYet.into()));
        assert_eq!((verify("localhost", start), verify("localhost", end)), (Ok(()), Ok(())));
        assert_eq!(verify("localhost", end + 1), Err(CertificateError::Expired.into()));
        assert!(verify("another", start).is_err());
    }
}
