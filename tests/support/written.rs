//! Bundles whose files a test writes down itself.

use doorward::text::{RawBundle, RawFile};

/// The bundle of these files, name and content each, in the order in which every source has them: by name.
pub fn raw(files: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>) -> RawBundle {
    let files =
        files.into_iter().map(|(name, bytes)| RawFile { name: name.as_ref().into(), bytes: bytes.as_ref().into() });
    let mut files: Vec<_> = files.collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    RawBundle { files, digest: "0".repeat(64).into() }
}
