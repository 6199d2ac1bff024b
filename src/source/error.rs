//! Why the bytes of a bundle could not be had: one variant per cause, each naming the file as its author knows it.

use std::io;

use crate::limits;

/// Why a bundle could not be read. `name` is a path below the bundle's root, empty for the root itself.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused; a missing file or folder too.
    #[error("cannot read {}", shown(name))]
    Unreadable {
        /// What could not be read.
        name: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The path leads to something else than a folder or an archive.
    #[error("a bundle is a folder, or a file called `.tar.gz` or `.tgz`")]
    NotABundle,
    /// No file that could hold a policy or a setting: an empty mount must not become a bundle without policies.
    #[error("the bundle holds no `.yaml`, `.yml`, `.json` or `.cedar` file")]
    Empty,
    /// More than [`limits::BUNDLE_FILES_MAX`] files and folders.
    #[error("the bundle has more than {} files and folders", limits::BUNDLE_FILES_MAX)]
    TooManyFiles,
    /// A file is larger than its kind may be.
    #[error("{} is larger than {bytes_max} bytes", shown(name))]
    FileTooLarge {
        /// The file.
        name: String,
        /// The limit of its kind.
        bytes_max: usize,
    },
    /// All files together exceed [`limits::BUNDLE_BYTES_MAX`], or an archive decompresses to much more than that.
    #[error("the bundle is larger than {} bytes", limits::BUNDLE_BYTES_MAX)]
    BundleTooLarge,
    /// A folder below [`limits::BUNDLE_FOLDERS_DEEP_MAX`] others.
    #[error("{} is nested deeper than {} folders", shown(name), limits::BUNDLE_FOLDERS_DEEP_MAX)]
    TooDeep {
        /// The folder.
        name: String,
    },
    /// A pipe, socket or device.
    #[error("{} is neither a file nor a folder", shown(name))]
    SpecialFile {
        /// The entry, never opened.
        name: String,
    },
    /// A symbolic link to outside of the bundle's folder, or any link in an archive.
    #[error("the link {} leads out of the bundle", shown(name))]
    LinkLeavesBundle {
        /// The link.
        name: String,
    },
    /// A symbolic link to a folder that contains it.
    #[error("the link {} leads back to a folder around it", shown(name))]
    LinkLoop {
        /// The link.
        name: String,
    },
    /// An archive holds a link; archives hold files and folders.
    #[error("{} is a link, which an archive may not hold", shown(name))]
    LinkInArchive {
        /// The entry.
        name: String,
    },
    /// A name that is not UTF-8 or holds control characters.
    #[error("the file name {} is not plain text", shown(name))]
    NameNotText {
        /// The name, what cannot be shown replaced.
        name: String,
    },
    /// An archive entry that would lie outside of the bundle: an absolute path, or one with `..`.
    #[error("the archive entry {} lies outside of the bundle", shown(name))]
    EntryOutside {
        /// The entry as written.
        name: String,
    },
    /// An archive holds two files of one name.
    #[error("the archive holds {} twice", shown(name))]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// An archive is cut short, fails its checksum, or is no gzip-compressed tar at all.
    #[error("the archive is damaged")]
    DamagedArchive {
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// The files kept changing while they were read.
    #[error("the bundle kept changing while it was read, {} times", limits::READ_ATTEMPTS_MAX)]
    Unsettled,
}

impl SourceError {
    /// Whether the same reading may succeed in a moment because somebody is writing just now.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unsettled => true,
            Self::Unreadable { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    pub(super) fn unreadable(name: &str, source: io::Error) -> Self {
        Self::Unreadable { name: name.to_owned(), source }
    }
}

fn shown(name: &str) -> String {
    if name.is_empty() { "the bundle".to_owned() } else { format!("`{}`", name.escape_debug()) }
}
