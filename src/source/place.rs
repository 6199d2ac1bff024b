//! Where changes of a bundle can come from: the folders and the single names that a watcher must look at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::limits;

/// Folders whose every entry matters, and single entries of other folders that matter. All paths are real: no link in
/// any but the last part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders of the bundle itself, and folders that its links lead into.
    pub folders: BTreeSet<PathBuf>,
    /// Entries outside: the bundle's root, every link on the way to it, or, where the way ends, what is missing.
    pub names: BTreeSet<PathBuf>,
}

impl Places {
    /// The entries whose replacement makes `path` lead elsewhere. A link in the middle of a path (`/etc/link/bundle`)
    /// is resolved once; only its last part, and the last parts of the links it leads to, are listed.
    pub(super) fn on_the_way_to(path: &Path) -> Self {
        let mut places = Self::default();
        let Ok(mut at) = std::path::absolute(path) else { return places };
        for _ in 0..limits::LINK_HOPS_MAX {
            let Some((entry, is_there)) = real_entry(&at) else { break };
            places.names.insert(entry.clone());
            match fs::read_link(&entry) {
                Ok(target) if is_there => at = entry.parent().unwrap_or(&entry).join(target),
                _ => break,
            }
        }
        if let Ok(root) = fs::canonicalize(path) {
            places.names.insert(root);
        }
        places
    }

    /// Every folder that must be watched, by itself and not recursively.
    pub fn watched(&self) -> BTreeSet<&Path> {
        let around = self.names.iter().filter_map(|name| name.parent());
        self.folders.iter().map(PathBuf::as_path).chain(around).collect()
    }

    /// Whether a change of `path` can change the bundle.
    pub fn concern(&self, path: &Path) -> bool {
        self.names.contains(path)
            || self.folders.contains(path)
            || path.parent().is_some_and(|folder| self.folders.contains(folder))
    }
}

/// `path` with a real parent; if the parent is missing, the first missing entry on the way and `false`.
fn real_entry(path: &Path) -> Option<(PathBuf, bool)> {
    let parent = path.parent()?;
    if let Ok(real) = fs::canonicalize(parent) {
        return Some(match path.file_name() {
            Some(name) => (real.join(name), true),
            None => (fs::canonicalize(path).ok()?, true),
        });
    }
    real_entry(parent).map(|(entry, _)| (entry, false))
}
