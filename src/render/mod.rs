//! Pages and letters: templates and static files, compiled in, each replaceable from a folder.
//!
//! Every template is compiled at start, so a mistake in an operator's own template is a start-up error that
//! names it. HTML is escaped, text is not. Static files are served under names that carry a hash of their
//! content and may be kept by browsers for good.

mod statics;
mod templates;

use std::path::Path;
use std::sync::Arc;

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
pub struct Renderer {
    env: Arc<Environment<'static>>,
    statics: Arc<Statics>,
}

impl Renderer {
    /// Loads and checks everything. `overrides` is a folder whose `templates/` and `static/` win over the
    /// built-in ones, file by file.
    pub fn new(overrides: Option<&Path>) -> Result<Self, Error> {
        let statics = Arc::new(Statics::load(overrides)?);
        let env = Arc::new(templates::environment(overrides, Arc::clone(&statics))?);
        Ok(Self { env, statics })
    }

    /// Renders a page or a part of a letter.
    pub fn render(&self, name: &str, context: impl Serialize) -> Result<String, Error> {
        let template = self.env.get_template(name).map_err(|error| templates::mistake(name, &error))?;
        template.render(Serde(context)).map_err(|error| templates::mistake(name, &error))
    }

    pub fn statics(&self) -> &Statics {
        &self.statics
    }
}
