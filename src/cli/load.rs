//! From a path on the command line to a compiled bundle.

use std::path::Path;

use anyhow::Context;

use super::{Exit, Stop, paint};
use crate::compile::{self, CompiledBundle};
use crate::model::Bundle;
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
    bundle_and(path, |_| ()).map(|(loaded, ())| loaded)
}

/// Two bundles, each as [`bundle_and`] on a core of its own. The errors of the first are told first.
pub fn two<T: Send>(paths: [&Path; 2], look: impl Fn(&Bundle) -> T + Sync) -> Result<[(Loaded, T); 2], Stop> {
    let [one, other] = paths;
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| bundle_and(one, &look));
        let other = bundle_and(other, &look);
        (one.join(), other)
    });
    match one {
        Ok(one) => Ok([one?, other?]),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// As [`bundle`], and what `look` makes of the model that it is compiled from.
pub fn bundle_and<T>(path: &Path, look: impl Fn(&Bundle) -> T) -> Result<(Loaded, T), Stop> {
    let raw = read(path)?;
    let (compilation, looked) = compile::compile_to_use(&raw, look);
    match compilation.bundle {
        Some(bundle) => Ok((Loaded { raw, bundle }, looked)),
        None => {
            let errors = compilation.findings.iter().filter(|finding| finding.severity == Severity::Error);
            let told = paint::findings(errors);
            let count = paint::counted(compilation.errors, "error");
            let message = format!("{told}\n{} `{}` has {count}\n", paint::error_label(), path.display());
            Err(Stop { message, exit: Exit::BundleInvalid })
        }
    }
}
