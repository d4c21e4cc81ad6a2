//! A QR code as a drawing that needs no image library and no `data:` URL.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// The white around it that scanners need (ISO/IEC 18004, section 6.3.8), in modules.
const QUIET: i32 = 4;

/// SVG of black on white, whatever the colours of the page are. `None` when it is too much text for one code.
pub(super) fn draw(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" \
         role=\"img\" aria-label=\"QR code\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
    );
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(svg, "M{} {}h1v1h-1z", x + QUIET, y + QUIET).ok()?;
        }
    }
    svg.push_str("\"/></svg>");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_white_around_it() {
        let svg = draw("otpauth://totp/x?secret=AAAA").unwrap();
        let size = QrCode::encode_text("otpauth://totp/x?secret=AAAA", QrCodeEcc::Medium).unwrap().size();
        for (x, y) in [(4, 4), (size + 3, 4), (4, size + 3)] {
            assert!(svg.contains(&format!("M{x} {y}h1")), "{x} {y}");
        }
        assert!(!svg.contains("M3 ") && !svg.contains(" 3h1"));
        assert!(draw(&"x".repeat(5000)).is_none());
    }
}
