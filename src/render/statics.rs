use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::Error;
use crate::kernel::Digest;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Embedded;

/// One file as it is served.
pub struct StaticFile {
    pub content_type: &'static str,
    pub bytes: Cow<'static, [u8]>,
}

/// Static files by the hashed name under which they are served.
pub struct Statics {
    by_served_name: HashMap<String, StaticFile>,
    served_names: HashMap<String, String>,
}

impl Statics {
    pub(super) fn load(overrides: Option<&Path>) -> Result<Self, Error> {
        let mut statics = Self { by_served_name: HashMap::new(), served_names: HashMap::new() };
        for name in Embedded::iter() {
            if let Some(file) = Embedded::get(&name) {
                statics.insert(&name, file.data);
            }
        }
        for (name, path) in overrides.map_or_else(Vec::new, |folder| files_in(&folder.join("static"))) {
            let bytes = std::fs::read(&path)
                .map_err(|error| Error::Unreadable { path: path.display().to_string(), cause: error.to_string() })?;
            statics.insert(&name, bytes.into());
        }
        Ok(statics)
    }

    fn insert(&mut self, name: &str, bytes: Cow<'static, [u8]>) {
        let served = served_name(name, &bytes);
        if let Some(replaced) = self.served_names.insert(name.to_owned(), served.clone()) {
            self.by_served_name.remove(&replaced);
        }
        self.by_served_name.insert(served, StaticFile { content_type: content_type(name), bytes });
    }

    /// The file behind `/static/{served_name}`.
    pub fn find(&self, served_name: &str) -> Option<&StaticFile> {
        self.by_served_name.get(served_name)
    }

    /// A file by its own name, for an address without a hash: browsers must ask again for it.
    pub fn find_by_name(&self, name: &str) -> Option<&StaticFile> {
        self.by_served_name.get(self.served_names.get(name)?)
    }

    /// The URL of a file by its own name; `None` for a file that is not there.
    pub fn url_of(&self, name: &str) -> Option<String> {
        self.served_names.get(name).map(|served| format!("/static/{served}"))
    }
}

/// `vestibule.css` becomes `vestibule.3f9a….css`.
fn served_name(name: &str, bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = Digest::of(bytes);
    let hash = digest.as_bytes().iter().take(6).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{name}.{hash}"),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// The files below a folder by their names relative to it, with `/` between; nothing when there is no folder.
pub(super) fn files_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str) {
                found.push((name.replace('\\', "/"), path));
            }
        }
    }
    found
}
