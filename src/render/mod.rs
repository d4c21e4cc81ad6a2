//! Pages and letters: templates and static files, compiled in, each replaceable from a folder.
//!
//! Every template is compiled at start, so a mistake in an operator's own template is a start-up error that
//! names it. HTML is escaped, text is not. Static files are served under names that carry a hash of their
//! content and may be kept by browsers for good.

mod statics;
mod templates;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

pub use statics::{StaticFile, Statics};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("template {name}: {cause}")]
    Template { name: String, cause: String },
    #[error("reading {path}: {cause}")]
    Unreadable { path: String, cause: String },
}

/// The template engine with everything loaded. Cheap to clone.
#[derive(Clone)]
pub struct Renderer(Arc<Inner>);

struct Inner {
    overrides: Option<PathBuf>,
    parts: ArcSwap<Parts>,
}

struct Parts {
    env: Environment<'static>,
    statics: Arc<Statics>,
}

impl Parts {
    fn load(overrides: Option<&Path>) -> Result<Self, Error> {
        let statics = Arc::new(Statics::load(overrides)?);
        Ok(Self { env: templates::environment(overrides, Arc::clone(&statics))?, statics })
    }
}

impl Renderer {
    /// Loads and checks everything. `overrides` is a folder whose `templates/` and `static/` win over the
    /// built-in ones, file by file.
    pub fn new(overrides: Option<&Path>) -> Result<Self, Error> {
        let parts = ArcSwap::from_pointee(Parts::load(overrides)?);
        Ok(Self(Arc::new(Inner { overrides: overrides.map(Path::to_owned), parts })))
    }

    /// Loads and checks everything once more. Where there is a mistake, nothing changes.
    pub fn reload(&self) -> Result<(), Error> {
        self.0.parts.store(Arc::new(Parts::load(self.0.overrides.as_deref())?));
        Ok(())
    }

    /// Renders a page or a part of a letter.
    pub fn render(&self, name: &str, context: impl Serialize) -> Result<String, Error> {
        let parts = self.0.parts.load();
        let template = parts.env.get_template(name).map_err(|error| templates::mistake(name, &error))?;
        template.render(Serde(context)).map_err(|error| templates::mistake(name, &error))
    }

    pub fn statics(&self) -> Arc<Statics> {
        Arc::clone(&self.0.parts.load().statics)
    }
}
