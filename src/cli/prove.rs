//! `prove`: whether statements hold for every request, or a request that shows that they do not.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use super::answer::Format;
use super::{Exit, Outcome, Stop, answer, diff, load, paint};
use crate::compile::{self, CompiledBundle};
use crate::limits;
use crate::review::analysis::{self, Proof, Proofs, Region, Verdict};
use crate::text::{self, RawBundle, RawFile, Severity, plain};

/// Arguments of `prove`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward prove policies/workload

A statement is written as a policy, below `statements/` of the bundle or in a file of its own, and says which requests \
must never get a token, or never without its controls. It is not in force: it holds when the policies of the bundle hold \
back whatever it would. This one says that no workload gets a token at high risk:

  displayName: No tokens at high risk
  state: enabled
  conditions:
    clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }
    servicePrincipalRiskLevels: [high]
  grantControls: { builtInControls: [block] }

With `state: disabled` it is not asked. `refuted` comes with a request that gets through, to be given to `doorward decide \
BUNDLE --request -`. `undecided` means that what it rests on cannot be enumerated (conditions in Cedar, filters on parts of \
texts), and refuses a bundle as `refuted` does.

Ends with 0 when every statement is proved, and with 5 when one is not, or when there is none.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Files with more statements, YAML or JSON.
    statements: Vec<PathBuf>,
    /// How to write what was found.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Proves.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let more = args.statements.iter().map(|path| file(path)).collect::<Result<Vec<_>, _>>()?;
    let load::Loaded { raw, bundle } = load::bundle(&args.bundle)?;
    let proofs = proofs(&bundle, &raw, &more)?.proofs;
    let text = match args.format {
        Format::Human => human(&proofs),
        Format::Json => answer::json(&body(&proofs))?,
    };
    // WHY: whoever asks for proofs and has none to ask for has probably named the wrong folder.
    let is_green = !proofs.is_empty() && proofs.iter().all(Proof::is_green);
    let exit = if is_green { Exit::Success } else { Exit::Changed };
    Ok(Outcome { text, exit })
}

/// A file with statements.
fn file(path: &Path) -> Result<RawFile, Stop> {
    let name = path.to_string_lossy().into_owned();
    if text::Format::of(&name).is_none() {
        return Err(Stop::usage(format!("`{name}` is neither YAML nor JSON by its name")));
    }
    // One byte more than a file may have: the reader says that it is too large.
    let most = limits::FILE_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.with_context(|| format!("`{name}`"))?;
    Ok(RawFile { name: name.into(), bytes })
}

/// Proves the statements of `raw`, of which `bundle` was compiled, and of `more`.
pub fn proofs(bundle: &CompiledBundle, raw: &RawBundle, more: &[RawFile]) -> Result<Proofs, Stop> {
    let Some(stated) = compile::compile_stated(raw, more) else { return Ok(Proofs::default()) };
    if stated.compilation.bundle.is_none() {
        let findings = stated.compilation.findings.iter();
        let told = paint::findings(findings.filter(|finding| finding.severity == Severity::Error));
        let count = paint::counted(stated.compilation.errors, "error");
        let message = format!("{told}\n{} the statements have {count}\n", paint::error_label());
        return Err(Stop { message, exit: Exit::BundleInvalid });
    }
    analysis::prove(bundle, stated).map_err(|error| Stop::from(anyhow::Error::from(error)))
}

/// Every statement with what was found, and how many are proved.
fn human(proofs: &[Proof]) -> String {
    if proofs.is_empty() {
        let how = "write one as a policy below `statements/` of the bundle; `doorward prove --help` shows one";
        return format!("{}: {how}\n", paint::doubt("no statements"));
    }
    let mut text = String::new();
    let width = proofs.iter().map(|proof| word(&proof.verdict).chars().count()).max().unwrap_or(0);
    for proof in proofs {
        text += &told(proof, width);
    }
    let proved = proofs.iter().filter(|proof| matches!(proof.verdict, Verdict::Proved)).count();
    let asked = proofs.iter().filter(|proof| !matches!(proof.verdict, Verdict::NotAsked)).count();
    let count = paint::counted(asked, "statement");
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text + &format!("{}\n", paint::verdict(proved == asked, &format!("{proved} of {count} proved")))
}

/// Most regions of one statement that are written out.
const REGIONS_SHOWN: usize = 3;

/// One statement, the verdict padded to `width`, and what speaks against it.
fn told(proof: &Proof, width: usize) -> String {
    let Proof { statement, verdict } = proof;
    let padded = paint::padded(word(verdict), width);
    let painted = match verdict {
        Verdict::Proved => paint::verdict(true, &padded),
        Verdict::Refuted(_) => paint::verdict(false, &padded),
        Verdict::Undecided(_) | Verdict::NotAsked => paint::doubt(&padded),
    };
    let place = paint::styled(paint::FAINT, &format!("{}:{}", statement.file, statement.line));
    let mut text = format!("{painted}  {}  {place}\n", plain(&statement.name));
    match verdict {
        Verdict::Proved | Verdict::NotAsked => {}
        Verdict::Undecided(reasons) => {
            let lines: Vec<_> = reasons.iter().map(|reason| ("not decided".to_owned(), reason.clone())).collect();
            text += &format!("\n{}", diff::table(&lines));
        }
        Verdict::Refuted(regions) => {
            text.push('\n');
            regions.iter().take(REGIONS_SHOWN).for_each(|region| text += &told_region(region));
            if regions.len() > REGIONS_SHOWN {
                let count = paint::counted(regions.len() - REGIONS_SHOWN, "region");
                text += &format!("  ... and {count} more\n\n");
            }
        }
    }
    text
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "proved",
        Verdict::Refuted(_) => "refuted",
        Verdict::Undecided(_) => "undecided",
        Verdict::NotAsked => "disabled",
    }
}

/// The requests against a statement: whose, which, what they get, and one of them.
fn told_region(region: &Region) -> String {
    let subjects = paint::styled(paint::STRONG, region.subjects);
    let text = format!("  {subjects}: {}, where the statement says {}\n", region.before, region.after);
    let mut lines = diff::conditions(&region.facets);
    if let Some(shown) = &region.witness {
        lines.push(("example".to_owned(), diff::example(&shown.witness)));
        let [names, _] = &shown.policies;
        let names = if names.is_empty() { "no policy applies".to_owned() } else { diff::listed(names) };
        lines.push(("decided by".to_owned(), names));
    }
    text + &diff::table(&lines)
}

fn body(proofs: &[Proof]) -> Value {
    let region = |region: &Region| {
        json!({
            "subjects": region.subjects,
            "conditions": diff::condition_bodies(&region.facets),
            "decision": region.before,
            "required": region.after,
            "example": region.witness.as_ref().map(|shown| shown.witness.json()),
            "policies": region.witness.as_ref().map(|shown| &shown.policies[0]),
        })
    };
    let proof = |proof: &Proof| {
        let Proof { statement, verdict } = proof;
        let mut body = json!({
            "name": statement.name,
            "file": statement.file,
            "line": statement.line,
            "verdict": word(verdict),
        });
        let more = match verdict {
            Verdict::Refuted(regions) => Some(("counterexamples", regions.iter().map(region).collect::<Vec<_>>())),
            Verdict::Undecided(reasons) => Some(("reasons", reasons.iter().map(|reason| json!(reason)).collect())),
            Verdict::Proved | Verdict::NotAsked => None,
        };
        if let (Some((key, more)), Some(body)) = (more, body.as_object_mut()) {
            body.insert(key.to_owned(), json!(more));
        }
        body
    };
    json!({ "schemaVersion": 1, "statements": proofs.iter().map(proof).collect::<Vec<_>>() })
}
