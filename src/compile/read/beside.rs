//! What `bundle.yaml` says about the other files: which of them are not read, and what their placeholders stand for.
//!
//! Read before any of them, because it is how a set that somebody else has published is used as it is. Knows no policies.
//! Start with [`read`].

use std::sync::Arc;

use super::super::rules;
use super::object::Context;
use super::placeholder::Placeholders;
use super::{FileKind, kind_of, settings};
use crate::limits;
use crate::model::bundle::BundleSettings;
use crate::text::{self, Diagnostic, Diagnostics, RawFile, Sources, Span, suggest};

/// Everything that the settings file says.
#[derive(Debug, Default)]
pub struct Beside<'f> {
    /// The settings of the bundle as a whole.
    pub settings: BundleSettings,
    /// What placeholders stand for; `None`: nothing is said of any.
    pub placeholders: Option<Arc<Placeholders>>,
    /// The files that are read, in the order of their names.
    pub files: Vec<&'f RawFile>,
}

/// Reads the settings among `files`; a second settings file is an error. Always with spans: settings are short.
pub fn read<'f>(files: &'f [RawFile], sources: &mut Sources, diagnostics: &mut Diagnostics) -> Beside<'f> {
    let (settings, files): (Vec<_>, Vec<_>) = files.iter().partition(|file| super::is_settings(&file.name));
    let mut beside = Beside { files, ..Beside::default() };
    for (number, file) in settings.into_iter().enumerate() {
        let Some(id) = text::decode::read(file, sources, diagnostics) else { continue };
        if number > 0 {
            let what = "a second settings file";
            let help = "keep one of them, with all settings";
            diagnostics.push(Diagnostic::new(&rules::SECOND_SETTINGS, Span::new(id, 0, 0), what).help(help));
        }
        let mut context = Context::default();
        let mut ignored = Vec::new();
        if let Some(node) = text::parse(sources, id, diagnostics) {
            beside.settings = settings::settings(&node, &mut context);
            let levels = settings::levels(&node, &mut context);
            levels.into_iter().for_each(|(rule, level)| diagnostics.set_level(rule, level));
            beside.placeholders = Placeholders::read(&node, &mut context).map(Arc::new);
            ignored = settings::ignored_files(&node, &mut context);
        }
        for name in ignored {
            let problem = match beside.files.iter().position(|file| *file.name == *name.value && is_ignorable(file)) {
                Some(index) => {
                    beside.files.remove(index);
                    Diagnostic::new(&rules::IGNORED_FILE, name.span, format!("`{}` is not read", name.value))
                }
                None => unknown_file(&name.value, name.span, &beside.files),
            };
            context.report(problem);
        }
        context.flush(true, diagnostics);
    }
    beside
}

/// Not the bundle's own tests and not its country database: they are no part of what is decided by.
fn is_ignorable(file: &RawFile) -> bool {
    matches!(kind_of(&file.name), FileKind::Document | FileKind::Cedar | FileKind::Other)
}

fn unknown_file(name: &str, span: Span, files: &[&RawFile]) -> Diagnostic {
    let diagnostic = Diagnostic::new(&rules::UNKNOWN_FILE, span, format!("no file is called `{name}`"));
    let known = files.iter().filter(|file| is_ignorable(file)).take(limits::NEAR_MISSES_MAX);
    match suggest::nearest(name, known.map(|file| &*file.name)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("write the path below the bundle's root, with `/` between its parts"),
    }
}
