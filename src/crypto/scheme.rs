//! How passwords were hashed, here and elsewhere, read from what was kept of them.

use argon2::{Algorithm, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::hash::Unusable;

/// Longer than any hash is written.
const MAX_BYTES: usize = 512;
/// 128 bits. What is shorter was cut off, or is too easily met by chance.
const LEAST_OUTPUT: usize = 16;
const MOST_OUTPUT: usize = 128;

/// What a hash of another system may cost at most: one or two seconds of a core, and this much memory.
pub(super) const MOST_KIB: u64 = 256 * 1024;
/// Memory times passes over it.
const MOST_WORK_KIB: u64 = 2 * 1024 * 1024;
const MOST_SCRYPT_WORK_KIB: u64 = 1024 * 1024;
/// r times p: 128 bytes each, beside the memory that is filled again and again.
const MOST_SCRYPT_BLOCKS: u64 = 8192;
const MOST_BCRYPT_COST: u32 = 15;
/// Of one block of the digest.
const MOST_ROUNDS: u64 = 5_000_000;

/// Everything to check a password against.
pub(super) enum Scheme {
    Argon2(Argon2),
    /// As it was written: the crate reads it itself.
    Bcrypt {
        text: String,
        cost: u32,
    },
    Scrypt {
        params: scrypt::Params,
        salted: Salted,
    },
    Pbkdf2 {
        digest: Digest,
        rounds: u32,
        salted: Salted,
    },
}

pub(super) struct Argon2 {
    pub algorithm: Algorithm,
    pub version: Version,
    pub params: Params,
    pub salted: Salted,
}

/// What goes into the hashing beside the password, and what should come out of it.
pub(super) struct Salted {
    pub salt: Vec<u8>,
    pub output: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn named(name: &str) -> Option<Self> {
        match name {
            "" | "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Scheme {
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        if text.len() > MAX_BYTES || !text.is_ascii() {
            return Err(Unusable::Unknown);
        }
        match text.strip_prefix('$') {
            Some(rest) => parse_modular(text, rest),
            None => parse_django(text),
        }
    }

    /// For a hash that somebody else has made, and that strangers could make us check again and again.
    pub(super) fn require_bearable(&self) -> Result<(), Unusable> {
        let (scheme, is_bearable, most) = match self {
            Self::Argon2(Argon2 { params, .. }) => {
                let memory = u64::from(params.m_cost());
                let is_bearable = memory <= MOST_KIB && memory * u64::from(params.t_cost()) <= MOST_WORK_KIB;
                ("argon2", is_bearable, "m=262144, and 2097152 for m times t,")
            }
            Self::Bcrypt { cost, .. } => ("bcrypt", *cost <= MOST_BCRYPT_COST, "a cost of 15"),
            Self::Scrypt { params, .. } => {
                let (memory, lanes) = (scrypt_kib(params), u64::from(params.p()));
                let is_bearable = memory <= MOST_KIB
                    && memory.saturating_mul(lanes) <= MOST_SCRYPT_WORK_KIB
                    && u64::from(params.r()) * lanes <= MOST_SCRYPT_BLOCKS;
                ("scrypt", is_bearable, "2097152 for N times r, and 8388608 for N times r times p,")
            }
            Self::Pbkdf2 { digest, rounds, salted } => {
                let blocks = salted.output.len().div_ceil(digest.size()) as u64;
                ("PBKDF2", u64::from(*rounds) * blocks <= MOST_ROUNDS, "5000000 rounds for all of its output")
            }
        };
        if is_bearable { Ok(()) } else { Err(Unusable::TooCostly { scheme, most }) }
    }
}

/// RFC 7914, section 2: 128 times N times r bytes.
pub(super) fn scrypt_kib(params: &scrypt::Params) -> u64 {
    (1_u64.checked_shl(u32::from(params.log_n())).unwrap_or(u64::MAX))
        .saturating_mul(u64::from(params.r()))
        .saturating_mul(128)
        / 1024
}

/// `$name$…`: the PHC string format, and what came before it.
fn parse_modular(text: &str, rest: &str) -> Result<Scheme, Unusable> {
    let fields: Vec<&str> = rest.split('$').collect();
    let (name, fields) = fields.split_first().ok_or(Unusable::Unknown)?;
    match *name {
        "2a" | "2b" | "2y" => bcrypt(text).ok_or(Unusable::Malformed("bcrypt")),
        "argon2i" | "argon2d" | "argon2id" => argon2(name, fields).ok_or(Unusable::Malformed("argon2")),
        "scrypt" => scrypt_phc(fields).ok_or(Unusable::Malformed("scrypt")),
        "7" => scrypt_crypt(fields).ok_or(Unusable::Malformed("scrypt")),
        _ => {
            let digest = name.strip_prefix("pbkdf2").map(|rest| rest.strip_prefix('-').unwrap_or(rest));
            let digest = digest.and_then(Digest::named).ok_or(Unusable::Unknown)?;
            pbkdf2(digest, fields).ok_or(Unusable::Malformed("PBKDF2"))
        }
    }
}

/// `name$…`, as Django's hashers write.
fn parse_django(text: &str) -> Result<Scheme, Unusable> {
    let (name, rest) = text.split_once('$').ok_or(Unusable::Unknown)?;
    let fields: Vec<&str> = rest.split('$').collect();
    match name {
        "argon2" => parse_modular(&format!("${rest}"), rest),
        "bcrypt" => bcrypt(rest).ok_or(Unusable::Malformed("bcrypt")),
        "scrypt" => scrypt_django(&fields).ok_or(Unusable::Malformed("scrypt")),
        _ => {
            let digest = name.strip_prefix("pbkdf2_").and_then(Digest::named).ok_or(Unusable::Unknown)?;
            pbkdf2_django(digest, &fields).ok_or(Unusable::Malformed("PBKDF2"))
        }
    }
}

fn bcrypt(text: &str) -> Option<Scheme> {
    let is_taken = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    let parts: bcrypt::HashParts = is_taken.then(|| text.parse().ok())??;
    let cost = parts.get_cost();
    (cost >= 4).then(|| Scheme::Bcrypt { text: text.to_owned(), cost })
}

/// `[v=19$]m=65536,t=3,p=4$salt$output`; without `v` it is the version before (1.0).
fn argon2(name: &str, fields: &[&str]) -> Option<Scheme> {
    let (version, [params, salt, output]) = match *fields {
        [version, params, salt, output] => (version.strip_prefix("v=")?.parse().ok()?, [params, salt, output]),
        [params, salt, output] => (16_u32, [params, salt, output]),
        _ => return None,
    };
    let [m, t, p] = numbers(params, ["m", "t", "p"])?;
    let salted = Salted::new(base64(salt)?, base64(output)?).filter(|salted| salted.salt.len() >= 8)?;
    Some(Scheme::Argon2(Argon2 {
        algorithm: name.parse().ok()?,
        version: Version::try_from(version).ok()?,
        params: Params::new(m, t, p, Some(salted.output.len())).ok()?,
        salted,
    }))
}

/// `ln=16,r=8,p=1$salt$output`
fn scrypt_phc(fields: &[&str]) -> Option<Scheme> {
    let [params, salt, output] = *fields else { return None };
    let [ln, r, p] = numbers(params, ["ln", "r", "p"])?;
    scrypt(ln, (r, p), Salted::new(base64(salt)?, base64(output)?)?)
}

/// `N$salt$r$p$output`, where the salt is as it stands.
fn scrypt_django(fields: &[&str]) -> Option<Scheme> {
    let [n, salt, r, p, output] = *fields else { return None };
    let n: u64 = n.parse().ok().filter(|n: &u64| n.is_power_of_two())?;
    let salted = Salted::new(salt.as_bytes().to_vec(), STANDARD.decode(output).ok()?)?;
    scrypt(n.trailing_zeros(), (r.parse().ok()?, p.parse().ok()?), salted)
}

/// `CU..../....salt$output`, as crypt(5) has it: one character for the logarithm of N, five each for r and p, and the
/// salt as it stands.
fn scrypt_crypt(fields: &[&str]) -> Option<Scheme> {
    let [head, output] = *fields else { return None };
    let (ln, r, p) = (head.get(..1)?, head.get(1..6)?, head.get(6..11)?);
    let [ln, r, p] = [crypt64_number(ln)?, crypt64_number(r)?, crypt64_number(p)?];
    scrypt(ln, (r, p), Salted::new(head.get(11..)?.as_bytes().to_vec(), crypt64(output)?)?)
}

fn scrypt(ln: u32, (r, p): (u32, u32), salted: Salted) -> Option<Scheme> {
    // Beyond these nothing is bearable, and the crate multiplies them unchecked.
    let is_plausible = (1..=40).contains(&ln) && r <= 1 << 20 && p <= 1 << 9;
    let ln = u8::try_from(ln).ok().filter(|_| is_plausible)?;
    Some(Scheme::Scrypt { params: scrypt::Params::new(ln, r, p).ok()?, salted })
}

/// `i=600000[,l=32]$salt$output` of the PHC string format, or `29000$salt$output` as passlib writes, with `.` in place
/// of `+`.
fn pbkdf2(digest: Digest, fields: &[&str]) -> Option<Scheme> {
    let [params, salt, output] = *fields else { return None };
    if let Ok(rounds) = params.parse() {
        return pbkdf2_of(digest, rounds, Salted::new(base64(&plus(salt))?, base64(&plus(output))?)?);
    }
    let salted = Salted::new(base64(salt)?, base64(output)?)?;
    let expected = salted.output.len();
    if let Some([rounds, length]) = numbers(params, ["i", "l"]) {
        return pbkdf2_of(digest, rounds, salted).filter(|_| usize::try_from(length) == Ok(expected));
    }
    let [rounds] = numbers(params, ["i"])?;
    pbkdf2_of(digest, rounds, salted)
}

/// `1000000$salt$output`, where the salt is as it stands.
fn pbkdf2_django(digest: Digest, fields: &[&str]) -> Option<Scheme> {
    let [rounds, salt, output] = *fields else { return None };
    let salted = Salted::new(salt.as_bytes().to_vec(), STANDARD.decode(output).ok()?)?;
    pbkdf2_of(digest, rounds.parse().ok()?, salted)
}

fn pbkdf2_of(digest: Digest, rounds: u32, salted: Salted) -> Option<Scheme> {
    (rounds > 0).then_some(Scheme::Pbkdf2 { digest, rounds, salted })
}

impl Salted {
    fn new(salt: Vec<u8>, output: Vec<u8>) -> Option<Self> {
        let is_whole = !salt.is_empty() && (LEAST_OUTPUT..=MOST_OUTPUT).contains(&output.len());
        is_whole.then_some(Self { salt, output })
    }
}

/// Exactly these, in this order: `m=65536,t=3,p=4`.
fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut found = [0; N];
    let mut given = text.split(',');
    for (number, name) in found.iter_mut().zip(names) {
        let (own, value) = given.next()?.split_once('=')?;
        *number = (own == name).then(|| value.parse().ok())??;
    }
    given.next().is_none().then_some(found)
}

/// As the PHC string format has it.
fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

fn plus(text: &str) -> String {
    text.replace('.', "+")
}

/// Six bits a character, the least first.
fn crypt64_number(text: &str) -> Option<u32> {
    const DIGITS: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    text.chars().rev().try_fold(0_u32, |number, digit| {
        let digit = u32::try_from(DIGITS.find(digit)?).ok()?;
        number.checked_mul(64)?.checked_add(digit)
    })
}

/// Three bytes for four characters, the least first.
fn crypt64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (four, after) = rest.split_at_checked(rest.len().min(4))?;
        bytes.extend(crypt64_number(four)?.to_le_bytes().into_iter().take(four.len() * 6 / 8));
        rest = after;
    }
    Some(bytes)
}
