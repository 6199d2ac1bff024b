//! The sample bundles, for tests of reviews.

use crate::text::{RawBundle, RawFile};

/// The sample bundle called `name`.
pub fn sample(name: &str) -> RawBundle {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name);
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().into();
            files.push(RawFile { name, bytes: std::fs::read(&path).unwrap() });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    RawBundle { files, digest: "0".repeat(64).into() }
}

/// `raw` with these tests in the place of its own.
pub fn with_cases(raw: &RawBundle, yaml: &str) -> RawBundle {
    let mut files: Vec<_> = raw.files.iter().filter(|file| !file.name.starts_with("tests/")).cloned().collect();
    files.push(RawFile { name: "tests/cases.yaml".into(), bytes: yaml.as_bytes().to_vec() });
    RawBundle { files, digest: raw.digest.clone() }
}
