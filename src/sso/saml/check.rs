use serde::{Deserialize, Serialize};

macro_rules! checks {
    ($($(#[$meta:meta])* $name:ident = $word:literal, $sentence:literal;)*) => {
        /// Every line of the strict profile, in the order in which an answer is held against them.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Check {
            $($(#[$meta])* #[serde(rename = $word)] $name,)*
        }

        impl Check {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable word for the API, the log and the audit.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What has to be so, for people.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }
    };
}

checks! {
    // The text.
    Size = "size", "The answer is not larger than it may be.";
    Base64 = "base64", "The form field is base64.";
    Utf8 = "utf8", "The document is UTF-8 without a byte order mark.";
    Characters = "characters", "The document has no control characters.";
    Markup = "markup", "The document has no DTD, no comment, no CDATA section and no processing instruction.";
    Bounds = "bounds", "Tags, nesting, elements and namespaces stay within bounds.";
    WellFormed = "well_formed", "The document is well-formed XML with namespaces.";

    // Its shape.
    Root = "root", "The document is a SAML response.";
    ResponseVersion = "response_version", "The response is of version 2.0.";
    Status = "status", "The provider says that it succeeded.";
    Names = "names", "Nothing is named Assertion, Response or Signature where none belongs.";
    Children = "children", "The response is an Issuer, a Signature or none, a Status and one assertion.";
    Ids = "ids", "IDs are plain names, stand where they belong, and are given once.";
    SignatureShape = "signature_shape", "A signature has one SignedInfo, one value, and nothing that is not for a signature.";
    Reference = "reference", "A signature refers to the element that it stands in, and to nothing else.";
    Transforms = "transforms", "What is signed is transformed by enveloped signature and exclusive C14N, and by nothing else.";
    Algorithms = "algorithms", "Signatures are RSA or ECDSA, with SHA-256 or better.";

    // What the response says of itself.
    Requested = "requested", "The connection lets its provider begin a sign-in, where nobody had asked it.";
    InResponseTo = "in_response_to", "The response answers the one open request of this browser, or none where there is none.";
    Destination = "destination", "The response was meant for the address that it arrived at.";
    ResponseIssuer = "response_issuer", "The response is issued by the connection's provider.";
    ResponseTime = "response_time", "The response was issued a few minutes ago at most.";

    // Signatures and secrets.
    Certificates = "certificates", "The connection has a certificate that can verify signatures.";
    Signed = "signed", "The response or the assertion is signed.";
    Encryption = "encryption", "The assertion is encrypted by AES, to a key that is encrypted by RSA-OAEP.";
    Decryption = "decryption", "One of the connection's keys opens the encrypted assertion.";
    Signature = "signature", "Every signature is by a key of the connection's certificates, over what has arrived.";
    Covered = "covered", "The assertion that is read is the one that was signed.";

    // What the assertion says.
    AssertionShape = "assertion_shape", "The assertion has each of its parts as often as it may.";
    AssertionVersion = "assertion_version", "The assertion is of version 2.0.";
    AssertionIssuer = "assertion_issuer", "The assertion is issued by the connection's provider.";
    AssertionTime = "assertion_time", "The assertion was issued a few minutes ago at most.";
    NameId = "name_id", "The subject has a NameID of plain text.";
    Confirmation = "confirmation", "The subject is confirmed by the bearer method.";
    Recipient = "recipient", "The assertion was meant for the address that it arrived at.";
    ConfirmationRequest = "confirmation_request", "The assertion answers the same request as the response.";
    ConfirmationTime = "confirmation_time", "The subject's confirmation is valid now.";
    ConditionsTime = "conditions_time", "The assertion says how long it is valid, and is valid now.";
    Lifetime = "lifetime", "The assertion is not valid for longer than an assertion may be.";
    Conditions = "conditions", "The assertion has no condition that is not known.";
    Audience = "audience", "Every audience restriction of the assertion names this service.";
    Authentication = "authentication", "The assertion says when the person proved who they are, and that was not in the future.";
    SessionEnd = "session_end", "The person's session at the provider has not ended.";
    Attributes = "attributes", "Attributes have names and values of plain text.";

    // What is judged by those who know more than the document.
    Unused = "unused", "The assertion has not been used before.";
    SamePerson = "same_person", "The answer is about the person who was asked.";
    ProvedAgain = "proved_again", "The person has proved who they are since they were asked.";
    Address = "address", "The answer names one plain email address.";
    Domain = "domain", "The address is in a domain of the organization that signs in by this connection.";
    Role = "role", "The person has a role in the organization.";
    Account = "account", "The person's account can be signed in to.";
}
