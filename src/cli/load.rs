//! From a path on the command line to a compiled bundle.

use std::path::Path;

use anyhow::Context;

use super::{Exit, Stop, paint};
use crate::compile::{self, CompiledBundle};
use crate::source::Source;
use crate::text::{RawBundle, Severity};

/// A valid bundle and the files it was made of.
#[derive(Debug)]
pub struct Loaded {
    pub raw: RawBundle,
    pub bundle: CompiledBundle,
}

/// The files at `path`.
pub fn read(path: &Path) -> Result<RawBundle, Stop> {
    let fetched = Source::new(path).read().with_context(|| format!("`{}`", path.display()))?;
    Ok(fetched.bundle)
}

/// The bundle at `path`. One with errors ends the verb, and the errors are shown.
pub fn bundle(path: &Path) -> Result<Loaded, Stop> {
    let raw = read(path)?;
    let compilation = compile::compile(&raw);
    match compilation.bundle {
        Some(bundle) => Ok(Loaded { raw, bundle }),
        None => {
            let errors = compilation.findings.iter().filter(|finding| finding.severity == Severity::Error);
            let told = paint::findings(errors);
            let count = paint::counted(compilation.errors, "error");
            let message = format!("{told}\n{} `{}` has {count}\n", paint::error_label(), path.display());
            Err(Stop { message, exit: Exit::BundleInvalid })
        }
    }
}
