//! The files of the project, and how findings about them are told.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the project.
#[derive(Debug)]
pub struct File {
    /// Path from the root, `/` between its parts.
    pub name: String,
    pub text: String,
}

impl File {
    /// The module that a file of `src` belongs to: its first folder, or its name at the top.
    pub fn module(&self) -> Option<&str> {
        let path = self.name.strip_prefix("src/")?;
        let first = path.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// Whether it is a test, in `tests` or beside what it tests.
    pub fn is_test(&self) -> bool {
        let parts: Vec<_> = self.name.split('/').collect();
        parts.contains(&"tests") || ["tests.rs", "simulation.rs"].iter().any(|name| parts.last() == Some(name))
    }

    /// Whether a tool wrote it; its form is that tool's.
    pub fn is_generated(&self) -> bool {
        self.name.starts_with("src/serve/proto/")
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files below the folders.
pub fn rust(folders: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut paths);
    }
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(!paths.is_empty());
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> File {
    let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    File { name, text: fs::read_to_string(path).unwrap() }
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, paths) } else { paths.push(path) }
    }
}

/// Fails with every finding and what to do about them.
pub fn none(findings: &[String], instead: &str) {
    assert!(findings.is_empty(), "\n{}\n=> {instead}\n", findings.join("\n"));
}
