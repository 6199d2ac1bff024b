//! Findings as SARIF, for code scanning.
//!
//! Source: OASIS, Static Analysis Results Interchange Format 2.1.0, sections 3.13 to 3.28, read August 2026.

use std::path::Path;

use serde_json::{Value, json};

use super::github;
use crate::review::rules;
use crate::text::{Finding, Fix};

/// One SARIF log with one run: the rules that were broken, and where. `bundle` leads from the working directory to the
/// files.
pub fn log(bundle: &Path, findings: &[Finding]) -> Value {
    let broken = rules::every().filter(|rule| findings.iter().any(|finding| finding.id == rule.id));
    let broken: Vec<_> = broken
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.why },
                "help": { "text": rule.long },
                "defaultConfiguration": { "level": rule.severity.to_string() },
            })
        })
        .collect();
    let results: Vec<_> = findings.iter().map(|finding| result(bundle, finding)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "rules": broken,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(bundle: &Path, finding: &Finding) -> Value {
    let artifact = json!({ "uri": uri(&github::file(bundle, &finding.file)) });
    let place = match finding.line {
        0 => json!({ "artifactLocation": artifact }),
        line => json!({
            "artifactLocation": artifact,
            "region": { "startLine": line, "startColumn": finding.column },
        }),
    };
    let mut result = json!({
        "ruleId": finding.id,
        "level": finding.severity.to_string(),
        "message": { "text": github::message(finding) },
        "locations": [{ "physicalLocation": place }],
    });
    if let (Some(fix), Some(members)) = (&finding.fix, result.as_object_mut()) {
        members.insert("fixes".to_owned(), json!([fixed(&artifact, fix)]));
    }
    result
}

fn fixed(artifact: &Value, fix: &Fix) -> Value {
    let Fix { start_line, start_column, end_line, end_column, replacement, .. } = fix;
    json!({
        "artifactChanges": [{
            "artifactLocation": artifact,
            "replacements": [{
                "deletedRegion": {
                    "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column,
                },
                "insertedContent": { "text": replacement },
            }],
        }],
    })
}

/// A relative reference: what a URI cannot hold is escaped.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    utf8_percent_encode(path, ESCAPED).to_string()
}
