//! The gate's own cookies, found among everything a browser sends to an app.

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::app::App;
use crate::crypto::Sealer;
use crate::kernel::Token;
use crate::web::cookies::{self, Kind};

/// Each is looked up, so there must be an end to those that somebody has collected; a sibling host that tosses in more
/// only shuts its own visitors out. What is not of our making is not looked up, and costs next to nothing.
const MOST: usize = 16;

/// The tokens of our own making, in their order.
pub(super) fn tokens<'a>(app: &'a App, headers: &'a HeaderMap) -> impl Iterator<Item = Token> + 'a {
    let name = cookies::name(app, Kind::Gate);
    tokens_among(headers.get_all(header::COOKIE).map(HeaderValue::as_bytes), name, &app.sealer)
}

fn tokens_among<'a>(
    lines: impl Iterator<Item = &'a [u8]> + 'a,
    name: &'a str,
    sealer: &'a Sealer,
) -> impl Iterator<Item = Token> + 'a {
    lines
        .flat_map(cookie_pairs)
        .filter_map(|pair| value_of(pair, name))
        .filter_map(|text| sealer.untag(text))
        .take(MOST)
}

/// HAProxy joins several Cookie lines by ", ", which no cookie parser takes for a separator. None of our values
/// has a comma, and what else is cut in two by one is nobody's token. An app's own cookie may hold any bytes.
fn cookie_pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| b";,".contains(byte)).map(<[u8]>::trim_ascii)
}

fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::SecretKey;

    fn sealer() -> Sealer {
        Sealer::new(&[SecretKey::from_bytes(vec![7; 32]).unwrap()]).unwrap()
    }

    fn found(lines: &[&str]) -> Vec<String> {
        let (sealer, lines) = (sealer(), lines.iter().map(|line| line.as_bytes()));
        tokens_among(lines, "vestibule_gate", &sealer).map(|token| sealer.tag(&token)).collect()
    }

    fn new() -> String {
        sealer().tag(&Token::generate())
    }

    #[test]
    fn every_gate_cookie_is_found_in_its_order() {
        let [a, b] = [new(), new()];
        let together = [
            vec![format!("vestibule_gate={a}; x=1; vestibule_gate={b}")],
            vec![format!("vestibule_gate={a}"), format!("x=y;vestibule_gate={b};")],
            vec![format!("x=1; vestibule_gate={a}, vestibule_gate={b}; y=2")],
            vec![format!("vestibule_gate=; vestibule_gate={a}; vestibule_gate=short; vestibule_gate={b}")],
        ];
        for lines in together {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(found(&lines), [a.clone(), b.clone()], "{lines:?}");
        }
    }

    #[test]
    fn a_line_with_strange_bytes_still_holds_ours() {
        let token = new();
        let line = [b"x=\xff\xfe; vestibule_gate=", token.as_bytes(), b"; y=\xe9"].concat();
        assert_eq!(tokens_among([line.as_slice()].into_iter(), "vestibule_gate", &sealer()).count(), 1);
    }

    #[test]
    fn other_cookies_are_not_ours() {
        let token = new();
        let strangers = [
            format!("vestibule_session={token}"),
            format!("Vestibule_gate={token}"),
            format!("xvestibule_gate={token}"),
            format!("vestibule_gate2={token}"),
            format!("vestibule_gate=\"{token}\""),
            format!("vestibule_gate = {token}"),
            format!("vestibule_gate={token}x"),
            format!("vestibule_gate={}", Token::generate().expose()),
            format!("vestibule_gate={}", "A".repeat(64)),
            token.clone(),
            "=; ;;,,; =".to_owned(),
        ];
        for line in strangers {
            assert!(found(&[&line]).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_flood_ends_somewhere() {
        let flood: Vec<String> = (0..1000).map(|_| format!("vestibule_gate={}", new())).collect();
        assert_eq!(found(&[&flood.join("; ")]).len(), MOST);
    }
}
