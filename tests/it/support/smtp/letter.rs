//! A letter as it came in: its envelope, and its parts decoded.

use mail_parser::{Message, MessageParser, PartType};

#[derive(Clone, Debug)]
pub struct Letter {
    /// The envelope's sender; empty for `<>`.
    pub from: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// The bytes after DATA, without the dots that only protected lines.
    pub raw: Vec<u8>,
}

impl Letter {
    pub fn is_to(&self, address: &str) -> bool {
        self.recipients.iter().any(|recipient| recipient.eq_ignore_ascii_case(address))
    }

    pub fn subject(&self) -> String {
        self.parsed().subject().expect("a subject").to_owned()
    }

    /// A header as written, unfolded but not decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let raw = self.parsed().header_raw(name)?.replace("\r\n", "");
        Some(raw.trim().to_owned())
    }

    pub fn text(&self) -> String {
        let message = self.parsed();
        let text = message.parts.iter().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        });
        text.expect("a text part")
    }

    pub fn html(&self) -> String {
        let message = self.parsed();
        let html = message.parts.iter().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        });
        html.expect("an HTML part")
    }

    /// The first link of the text part.
    pub fn link(&self) -> String {
        let text = self.text();
        let start = text.find("http://").into_iter().chain(text.find("https://")).min().expect("a link in the text");
        let link = text[start..].split([' ', '\t', '\r', '\n', '<', '>', '"']).next().unwrap_or_default();
        link.trim_end_matches(['.', ',', ';', ')']).to_owned()
    }

    fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(&self.raw).expect("a letter with headers")
    }
}
