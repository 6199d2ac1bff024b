//! The token request of `decide` and `explain`: a document, flags laid on top of it, or flags alone.
//!
//! Flags become members of the same document that the decision API takes, and `review::request` reads it, so a fact
//! means the same on every door.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::builder::PossibleValuesParser;

use super::{Exit, Stop, paint};
use crate::limits;
use crate::model::set::Word;
use crate::model::{IdentityKind, RiskLevel};
use crate::review::request::{self, RequestDocument};
use crate::text::{self, Diagnostics, FileId, Format, Node, RawFile, SourceFile, Sources, Span, Value, decode};

/// The facts of a token request. What is left out is unknown, and unknown never widens access.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Token request")]
pub struct RequestArgs {
    /// Read the request from a YAML or JSON file, `-` for standard input; flags are laid on top.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// Kind of identity; `servicePrincipal` if there is neither this nor a file.
    #[arg(long = "type", value_name = "KIND", ignore_case = true, value_parser = words::<IdentityKind>())]
    kind: Option<String>,
    /// Object id of the identity.
    #[arg(long, value_name = "OBJECT_ID")]
    id: Option<String>,
    /// Id of its application.
    #[arg(long, value_name = "APP_ID")]
    app_id: Option<String>,
    /// Address that the token service sees.
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// Country of the address, two letters, if the caller looked it up.
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    /// Service principal risk.
    #[arg(long, value_name = "LEVEL", ignore_case = true, value_parser = words::<RiskLevel>())]
    risk: Option<String>,
    /// App id of the resource that the token is for; may be repeated.
    #[arg(long, value_name = "APP_ID")]
    resource: Vec<String>,
    /// Any other field by its path, with a value in YAML, such as `risk.signIn=high` or
    /// `satisfied.builtInControls=[mfa]`; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
}

fn words<T: Word>() -> PossibleValuesParser {
    PossibleValuesParser::new(T::ALL.iter().map(|word| word.as_str()))
}

impl RequestArgs {
    /// Reads the request and asks it. Everything that is wrong with it is shown, and ends the verb with a usage error.
    pub fn ask<T>(&self, ask: impl FnOnce(&RequestDocument<'_>) -> Result<T, Stop>) -> Result<T, Stop> {
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let file = match &self.request {
            Some(path) => {
                let file = decode::read(&read(path)?, &mut sources, &mut diagnostics);
                Some(file.ok_or_else(|| refused(&diagnostics, &sources))?)
            }
            None => None,
        };
        let is_named = self.id.is_some() || self.set.iter().any(|set| set.starts_with("identity"));
        if file.is_none() && !is_named {
            return Err(Stop::usage("nobody asks: name the identity with `--id`, or a request with `--request`"));
        }
        let flags = self.flags(&mut sources)?;
        let node = document(file, &flags, &sources, &mut diagnostics)?;
        match request::read(&node, &mut diagnostics) {
            Some(mut document) => {
                // A request that names no time is asked now, as one of a token service would be.
                document.request.now.get_or_insert_with(jiff::Timestamp::now);
                ask(&document)
            }
            None => Err(refused(&diagnostics, &sources)),
        }
    }

    /// The flags as paths and sources. A source stands for each, so that a complaint names the flag.
    fn flags(&self, sources: &mut Sources) -> Result<Vec<Flag>, Stop> {
        let mut flags = Vec::new();
        let texts = [
            ("--type", "identity.type", &self.kind),
            ("--id", "identity.id", &self.id),
            ("--app-id", "identity.appId", &self.app_id),
            ("--ip", "network.ipAddress", &self.ip),
            ("--country", "network.country", &self.country),
            ("--risk", "risk.servicePrincipal", &self.risk),
        ];
        for (name, path, text) in texts {
            if let Some(text) = text {
                let file = sources.add(SourceFile::new(name, text.clone()));
                flags.push(Flag { path: path.to_owned(), files: vec![file], form: Form::Text });
            }
        }
        if !self.resource.is_empty() {
            let files = self.resource.iter().map(|id| sources.add(SourceFile::new("--resource", id.clone())));
            flags.push(Flag { path: "resource.appIds".to_owned(), files: files.collect(), form: Form::Texts });
        }
        for set in &self.set {
            let Some((path, value)) = set.split_once('=').filter(|(path, _)| !path.split('.').any(str::is_empty))
            else {
                return Err(Stop::usage(format!("`--set {set}` is no `path=value`, such as `risk.signIn=high`")));
            };
            let file = sources.add(SourceFile::new(format!("--set {path}"), value.to_owned()));
            flags.push(Flag { path: path.to_owned(), files: vec![file], form: Form::Yaml });
        }
        Ok(flags)
    }
}

/// A value that a flag puts at a path of the request.
struct Flag {
    path: String,
    files: Vec<FileId>,
    form: Form,
}

enum Form {
    Text,
    Texts,
    Yaml,
}

/// At most one byte more than a request may have is read, so that a wrong path cannot fill the memory.
fn read(path: &Path) -> Result<RawFile, Stop> {
    let mut bytes = Vec::new();
    let most = limits::REQUEST_BYTES_MAX as u64 + 1;
    let is_stdin = path == Path::new("-");
    let outcome = if is_stdin {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    outcome.with_context(|| format!("cannot read the request `{}`", path.display()))?;
    if bytes.len() > limits::REQUEST_BYTES_MAX {
        return Err(Stop::usage(format!("a request has at most {} bytes", limits::REQUEST_BYTES_MAX)));
    }
    let name = if is_stdin { "standard input".into() } else { path.display().to_string().into_boxed_str() };
    Ok(RawFile { name, bytes })
}

/// The document of `file`, or an empty one, with the flags on top.
fn document<'s>(
    file: Option<FileId>,
    flags: &'s [Flag],
    sources: &'s Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Node<'s>, Stop> {
    let mut root = match file {
        Some(file) => parse(file, sources, diagnostics).ok_or_else(|| refused(diagnostics, sources))?,
        None => Node::unplaced(Value::Null),
    };
    let mut put = |path: &'s str, value: Node<'s>| {
        let span = value.span;
        root.put(path, value, span)
            .map_err(|(_, kind)| Stop::usage(format!("`{path}` leads through {kind}, not an object")))
    };
    // WHY: flags alone are a question asked by hand; a file is a request, and a guess at it would answer another one.
    if file.is_none() {
        let default = Value::String(Cow::Borrowed(IdentityKind::ServicePrincipal.as_str()));
        put("identity.type", Node::unplaced(default))?;
    }
    for flag in flags {
        let whole = |file: &FileId| {
            let text = sources.file(*file).map_or("", SourceFile::text);
            Node { span: Span::whole(*file), value: Value::String(Cow::Borrowed(text)) }
        };
        let value = match flag.form {
            Form::Text => flag.files.first().map(whole),
            Form::Texts => Some(Node::unplaced(Value::List(flag.files.iter().map(whole).collect()))),
            // A name that a path ends in is no name of a file.
            Form::Yaml => flag.files.first().and_then(|file| {
                let source = sources.file(*file)?;
                text::yaml::parse(source.text(), *file, diagnostics)
            }),
        };
        put(&flag.path, value.ok_or_else(|| refused(diagnostics, sources))?)?;
    }
    Ok(root)
}

/// A file without the extension of JSON is read as YAML, of which JSON is nearly a part.
fn parse<'s>(file: FileId, sources: &'s Sources, diagnostics: &mut Diagnostics) -> Option<Node<'s>> {
    let source = sources.file(file)?;
    match Format::of(source.name()) {
        Some(Format::Json) => text::json::parse(source.text(), file, diagnostics),
        Some(Format::Yaml) | None => text::yaml::parse(source.text(), file, diagnostics),
    }
}

fn refused(diagnostics: &Diagnostics, sources: &Sources) -> Stop {
    let message = paint::findings(&diagnostics.findings(sources));
    Stop { message, exit: Exit::Usage }
}
