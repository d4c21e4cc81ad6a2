use std::sync::Once;

use samael::crypto::{Crypto, CryptoProvider as _, ReduceMode};

static WARM: Once = Once::new();

/// Makes ready what is made once for the whole process, by one verification: xmlsec and libxml2 must not be made ready
/// by several threads at the same time. Whoever judges does it if nobody has.
pub fn warm_up() {
    WARM.call_once(|| {
        // Without a certificate the signature is not computed; the libraries are loaded for looking at the document.
        let unsigned = "<Response ID=\"_1\"/>";
        let outcome =
            Crypto::reduce_xml_to_signed_with_allowed_algorithms(unsigned, &[], ReduceMode::PreDigest, Some(&[]));
        debug_assert!(outcome.is_err(), "nothing was signed");
    });
}
