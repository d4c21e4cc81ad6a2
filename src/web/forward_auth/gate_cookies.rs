//! The gate's own cookies, found among everything a browser sends to an app.

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::app::App;
use crate::kernel::Token;
use crate::web::cookies::{self, Kind};

/// Each is looked up, so a flood of them must end somewhere; a sibling host that tosses in more only shuts its own
/// visitors out.
const MOST: usize = 16;

pub(super) fn tokens(app: &App, headers: &HeaderMap) -> Vec<Token> {
    let name = cookies::name(app, Kind::Gate);
    tokens_among(headers.get_all(header::COOKIE).map(HeaderValue::as_bytes), name)
}

/// HAProxy joins several Cookie lines by ", ", which no cookie parser takes for a separator. None of our values
/// has a comma, and what else is cut in two by one is nobody's token.
fn tokens_among<'a>(lines: impl Iterator<Item = &'a [u8]>, name: &str) -> Vec<Token> {
    let pairs = lines.flat_map(|line| line.split(|byte| b";,".contains(byte)));
    // An app's own cookie may hold any bytes; it is passed over, and not the line that it stands in.
    let pairs = pairs.filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='));
    let values = pairs.filter(|(own, _)| *own == name).map(|(_, value)| value);
    values.filter_map(Token::parse).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Vec<String> {
        let tokens = tokens_among(lines.iter().map(|line| line.as_bytes()), "vestibule_gate");
        tokens.iter().map(Token::expose).collect()
    }

    #[test]
    fn every_gate_cookie_is_found_in_its_order() {
        let [a, b] = [Token::generate().expose(), Token::generate().expose()];
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
        let token = Token::generate().expose();
        let line = [b"x=\xff\xfe; vestibule_gate=", token.as_bytes(), b"; y=\xe9"].concat();
        assert_eq!(tokens_among([line.as_slice()].into_iter(), "vestibule_gate").len(), 1);
    }

    #[test]
    fn other_cookies_are_not_ours() {
        let token = Token::generate().expose();
        let strangers = [
            format!("vestibule_session={token}"),
            format!("Vestibule_gate={token}"),
            format!("xvestibule_gate={token}"),
            format!("vestibule_gate2={token}"),
            format!("vestibule_gate=\"{token}\""),
            format!("vestibule_gate = {token}"),
            format!("vestibule_gate={token}x"),
            token.clone(),
            "=; ;;,,; =".to_owned(),
        ];
        for line in strangers {
            assert!(found(&[&line]).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_flood_ends_somewhere() {
        let flood: Vec<String> = (0..1000).map(|_| format!("vestibule_gate={}", Token::generate().expose())).collect();
        assert_eq!(found(&[&flood.join("; ")]).len(), MOST);
    }
}
