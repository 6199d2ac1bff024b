//! `check`: every problem of a bundle and of the test cases it carries, which it does not run; and of its statements,
//! which it proves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Exit, Outcome, Stop, beside, fix, github, load, paint, prove, rule, sarif};
use crate::compile::CompiledBundle;
use crate::model::State;
use crate::review::summary::Summary;
use crate::text::{Finding, Severity};

/// Version of the JSON output; it rises when a reader of an older one could be misled.
const SCHEMA_VERSION: u32 = 1;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward check policies/graph-export

The shortest useful bundle is one file, of any name that ends in `.yaml`:

  policies:
    - displayName: Block workloads outside trusted networks
      state: enabled
      conditions:
        clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }
        locations: { includeLocations: [All], excludeLocations: [AllTrusted] }
      grantControls: { builtInControls: [block] }
  namedLocations:
    - displayName: Data centre
      isTrusted: true
      ipRanges: [198.51.100.0/24, 2001:db8:10::/48]

With --fix it first writes, into the files, what can only have been meant: a warning is fixed where every decision \
stays the same, an error where a word is written in another way (`all` for `All`, or `==` for `-eq` in a filter).

With --explain and the id of a rule it needs no bundle and tells what the rule is for.

Ends with 0, with 3 when there is an error, or with 4 when there is none but a statement is not proved, as a sidecar \
refuses the bundle then. Warnings do not fail a check.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    #[arg(required_unless_present = "explain")]
    bundle: Option<PathBuf>,
    /// Explain a rule at length, by the id that stands in brackets behind `error` or `warning`; list all without one.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["bundle", "format"])]
    explain: Option<String>,
    /// Print what to write beside a policy set that others keep up to date, so that it can be used as it is: a `bundle.yaml`
    /// that says what its placeholders stand for and what is left out, and locations, to be copied and filled in.
    #[arg(long, conflicts_with_all = ["explain", "fix", "format", "summary"])]
    beside: bool,
    /// Mend in the files what can be mended safely, then check.
    #[arg(long, conflicts_with = "explain")]
    fix: bool,
    /// How to write the findings.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also count what the bundle contains, even if it is invalid: states, subjects, conditions, controls, locations.
    #[arg(long)]
    summary: bool,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// For reading.
    #[default]
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions: each finding beside its line.
    Github,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    schema_version: u32,
    errors: usize,
    warnings: usize,
    /// What the bundle holds; missing when it is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<Contents<'a>>,
    /// Counts by section and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<BTreeMap<&'static str, BTreeMap<&'static str, usize>>>,
    /// What was mended, as it was found; missing without `--fix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<&'a [Finding]>,
    findings: &'a [Finding],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Contents<'a> {
    name: &'a str,
    revision: &'a str,
    digest: &'a str,
    policies: States,
    named_locations: usize,
    address_ranges: usize,
    service_principals: usize,
    statements_proved: usize,
}

/// How many policies are in which state. One that `ignoredPolicies` names, or that is deleted, is counted as ignored.
#[derive(Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct States {
    enabled: usize,
    report_only: usize,
    disabled: usize,
    ignored: usize,
}

/// Checks a bundle, or explains a rule.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    match (&args.explain, &args.bundle) {
        (Some(id), _) if id.is_empty() => Ok(rule::list()),
        (Some(id), _) => rule::explain(id),
        (None, Some(bundle)) if args.beside => beside::told(&load::read(bundle)?),
        (None, Some(bundle)) => check(args, bundle),
        (None, None) => Err(Stop::usage("name a bundle")),
    }
}

fn check(args: &Args, path: &Path) -> Result<Outcome, Stop> {
    let (raw, fixed) = match args.fix {
        true => fix::write(path).map(|(raw, fixed)| (raw, Some(fixed)))?,
        false => (load::read(path)?, None),
    };
    let (compilation, summary, of_tests) = fix::look(&raw);
    let (mut errors, mut warnings, mut findings) = (compilation.errors, compilation.warnings, compilation.findings);
    errors += of_tests.iter().filter(|finding| finding.severity == Severity::Error).count();
    warnings += of_tests.iter().filter(|finding| finding.severity == Severity::Warning).count();
    findings.extend(of_tests);
    let (mut proved, mut unproved) = (0, 0);
    if let Some(bundle) = compilation.bundle.as_ref().filter(|_| errors == 0) {
        let proofs = prove::proofs(bundle, &raw, &[])?;
        let of_statements = proofs.findings();
        (proved, unproved) = (proofs.proved(), of_statements.len());
        errors += unproved;
        findings.extend(of_statements);
    }
    let contents = compilation.bundle.as_ref().filter(|_| errors == 0).map(|bundle| contents(bundle, proved));
    let summary = Some(summary).filter(|_| args.summary);
    let text = match args.format {
        Format::Json => {
            let summary = summary.as_ref().map(counts);
            let schema_version = SCHEMA_VERSION;
            let body = Body {
                schema_version,
                errors,
                warnings,
                bundle: contents,
                summary,
                fixed: fixed.as_deref(),
                findings: &findings,
            };
            super::answer::json(&body)?
        }
        Format::Sarif => super::answer::json(&sarif::log(path, &findings))?,
        Format::Github => findings.iter().map(|finding| github::finding(path, finding)).collect(),
        Format::Human => {
            let text = fix::told(path, fixed.as_deref().unwrap_or_default());
            let text = text + &human(path, contents.as_ref(), &findings, (errors, warnings));
            let summary = summary.iter().flat_map(|summary| [String::from("\n"), summary.to_string()]);
            text + &summary.collect::<String>()
        }
    };
    let exit = match errors {
        0 => Exit::Success,
        _ if errors == unproved => Exit::TestsFailed,
        _ => Exit::BundleInvalid,
    };
    Ok(Outcome { text, exit })
}

fn counts(summary: &Summary) -> BTreeMap<&'static str, BTreeMap<&'static str, usize>> {
    summary.sections().iter().map(|section| (section.name, section.counts.iter().copied().collect())).collect()
}

fn contents(bundle: &CompiledBundle, statements_proved: usize) -> Contents<'_> {
    let mut policies = States::default();
    for policy in bundle.policies() {
        *match policy.state {
            State::Disabled => &mut policies.disabled,
            _ if !policy.takes_part => &mut policies.ignored,
            State::Enabled => &mut policies.enabled,
            State::ReportOnly => &mut policies.report_only,
        } += 1;
    }
    Contents {
        name: bundle.name(),
        revision: bundle.revision(),
        digest: bundle.digest(),
        policies,
        named_locations: bundle.locations(),
        address_ranges: bundle.ranges(),
        service_principals: bundle.principals(),
        statements_proved,
    }
}

fn human(path: &Path, contents: Option<&Contents<'_>>, findings: &[Finding], counts: (usize, usize)) -> String {
    let (errors, warnings) = counts;
    let told: Vec<_> = findings.iter().map(|finding| paint::finding(finding) + &fix::hint(finding)).collect();
    let mut text = told.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    let kept = findings.len();
    if errors + warnings > kept {
        text += &format!("... and {} more\n", errors + warnings - kept);
    }
    let verdict = match (errors, warnings) {
        (0, 0) => paint::verdict(true, "valid"),
        (0, _) => format!("{}, {}", paint::verdict(true, "valid"), paint::counted(warnings, "warning")),
        _ => format!(
            "{}, {}, {}",
            paint::verdict(false, "invalid"),
            paint::counted(errors, "error"),
            paint::counted(warnings, "warning")
        ),
    };
    let fixable = match findings.iter().filter(|finding| finding.fix.is_some()).count() {
        0 => String::new(),
        count => format!(", {count} fixable with --fix"),
    };
    text += &format!("{}: {verdict}{fixable}\n", path.display());
    if let Some(contents) = contents {
        let States { enabled, report_only, disabled, ignored } = contents.policies;
        let all = enabled + report_only + disabled + ignored;
        let ignored = if ignored == 0 { String::new() } else { format!(", {ignored} ignored") };
        text += &format!(
            "  {}: {enabled} enabled, {report_only} report-only, {disabled} disabled{ignored}\n",
            paint::counted(all, "policy")
        );
        text += &format!(
            "  {}, {}, {}\n",
            paint::counted(contents.named_locations, "named location"),
            paint::counted(contents.address_ranges, "address range"),
            paint::counted(contents.service_principals, "service principal")
        );
        if contents.statements_proved > 0 {
            text += &format!("  {} proved\n", paint::counted(contents.statements_proved, "statement"));
        }
    }
    text
}
