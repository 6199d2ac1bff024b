//! Which files belong to a bundle, told by their names alone, and how large each kind may be.

use super::SourceError;
use crate::limits;

/// What a file is to a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text that may hold policies, locations, settings or cases.
    Text,
    /// A country database.
    CountryDatabase,
    /// Present by name, without its bytes, so that a reader can warn of a misspelt extension.
    Unrecognised,
    /// Not part of the bundle: prose and licences.
    Aside,
}

impl Kind {
    /// The kind of a file by the last part of its name; the case of the extension does not matter.
    pub(super) fn of(name: &str) -> Self {
        let last = name.rsplit('/').next().unwrap_or(name);
        let (stem, extension) = last.rsplit_once('.').unwrap_or((last, ""));
        match extension.to_ascii_lowercase().as_str() {
            "yaml" | "yml" | "json" | "cedar" => Self::Text,
            "mmdb" => Self::CountryDatabase,
            "md" => Self::Aside,
            // WHY: a policy that is called `NOTICE.yaml` must not be skipped without a word.
            _ if stem.starts_with("LICENSE") || stem.starts_with("NOTICE") => Self::Aside,
            _ => Self::Unrecognised,
        }
    }

    /// Checks the length of a file of this kind and gives the bytes that are read of it.
    pub(super) fn bytes_read(self, name: &str, length: u64) -> Result<u64, SourceError> {
        let bytes_max = match self {
            Self::Text => limits::FILE_BYTES_MAX,
            Self::CountryDatabase => limits::COUNTRY_DATABASE_BYTES_MAX,
            Self::Unrecognised | Self::Aside => return Ok(0),
        };
        if length > bytes_max as u64 {
            return Err(SourceError::FileTooLarge { name: name.to_owned(), bytes_max });
        }
        Ok(length)
    }
}

/// Whether a part of a name is hidden: `.git`, an editor's `.policy.yaml.swp`, `..data` of a Kubernetes volume.
pub(super) fn is_hidden(part: &[u8]) -> bool {
    part.first() == Some(&b'.')
}

/// A part of a name as text.
///
/// # Errors
/// [`SourceError::NameNotText`] below `folder`; a line break in a name would forge lines of a log.
pub(super) fn text<'a>(part: &'a [u8], folder: &str) -> Result<&'a str, SourceError> {
    std::str::from_utf8(part)
        .ok()
        .filter(|part| !part.chars().any(char::is_control))
        .ok_or_else(|| SourceError::NameNotText { name: join(folder, &String::from_utf8_lossy(part)) })
}

/// `folder/part`, or `part` at the root.
pub(super) fn join(folder: &str, part: &str) -> String {
    if folder.is_empty() { part.to_owned() } else { format!("{folder}/{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_tells_the_kind_of_a_file() {
        for (name, kind) in [
            ("policy.yaml", Kind::Text),
            ("a/policy.yml", Kind::Text),
            ("export.JSON", Kind::Text),
            ("rules.cedar", Kind::Text),
            ("GeoLite2-Country.mmdb", Kind::CountryDatabase),
            ("README.md", Kind::Aside),
            ("NOTICE", Kind::Aside),
            ("docs/LICENSE.txt", Kind::Aside),
            ("LICENSE-MIT", Kind::Aside),
            ("NOTICE.yaml", Kind::Text),
            ("a/LICENSE.Json", Kind::Text),
            ("LICENSE.mmdb", Kind::CountryDatabase),
            ("policy.yaml~", Kind::Unrecognised),
            ("policy.ymal", Kind::Unrecognised),
            ("Makefile", Kind::Unrecognised),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn a_name_with_a_line_break_is_refused() {
        assert!(matches!(text(b"a\nb", "folder"), Err(SourceError::NameNotText { name }) if name == "folder/a\nb"));
        assert!(matches!(text(b"\xff", ""), Err(SourceError::NameNotText { .. })));
    }
}
