//! What a test needs and the project does not hold: installed programs, and published documents.
//!
//! What is not there is told in a line of its own, past the capture of the test's output, and the test does nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Set where every program is installed, as `.ci/run` does: there, one that is not found fails its test.
const ALL: &str = "DOORWARD_ALL";

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the environment variable `variable` says, which must be there, or else `usual`: a path below the root of the
/// project, or a name that is looked for where programs are.
fn found(variable: &str, usual: &str) -> Option<PathBuf> {
    if let Some(said) = std::env::var_os(variable).map(PathBuf::from) {
        assert!(said.exists(), "{variable} says {}, and nothing is there", said.display());
        return Some(said);
    }
    let place = if usual.contains('/') { Some(root().join(usual)) } else { on_path(usual) };
    place.filter(|place| place.exists())
}

/// An installed program. Where all must be installed, it is.
pub fn program(variable: &str, usual: &str) -> Option<PathBuf> {
    let program = found(variable, usual);
    if program.is_none() {
        assert!(std::env::var_os(ALL).is_none(), "{ALL} is set, and there is no `{usual}`");
        skipped(&format!("`{usual}`, which `.ci/run` shows how to install, or {variable} to say where it is"));
    }
    program
}

/// A file or folder of the published documents that lie beside the project, or where `DOORWARD_CORPUS` says.
pub fn corpus(path: &str) -> Option<PathBuf> {
    let place = found("DOORWARD_CORPUS", "../shared/corpus").map(|corpus| corpus.join(path));
    let place = place.filter(|place| place.exists());
    if place.is_none() {
        skipped(&format!("`{path}` of the published documents, and DOORWARD_CORPUS to say where these are"));
    }
    place
}

/// Says that the test that runs does nothing, for it needs `what`.
pub fn skipped(what: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // WHY not `eprintln!`: what that prints is kept back from whoever runs tests that pass.
    let _ = std::io::stderr().write_all(format!("skipped: {test} needs {what}\n").as_bytes());
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}
