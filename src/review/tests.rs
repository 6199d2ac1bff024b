//! The sample bundles, for tests of reviews.

use crate::text::RawBundle;
use crate::written::raw;

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
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    raw(files)
}

/// `bundle` with these tests in the place of its own.
pub fn with_cases(bundle: &RawBundle, yaml: &str) -> RawBundle {
    let others = bundle.files.iter().filter(|file| !file.name.starts_with("tests/"));
    let others = others.map(|file| (file.name.clone(), file.bytes.clone()));
    raw(others.chain([("tests/cases.yaml".into(), yaml.into())]))
}
