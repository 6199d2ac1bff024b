//! Data flows one way: which module may know which, and what the core never does.

use super::tree::{File, none, rust};

/// Each module and the modules that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("text", &["limits"]),
    ("model", &["text", "limits"]),
    ("filter", &["text", "model", "limits"]),
    ("compile", &["filter", "model", "text", "limits"]),
    ("evaluate", &["compile", "filter", "model", "limits"]),
    ("review", &["evaluate", "compile", "model", "text", "limits"]),
    ("source", &["text", "limits"]),
    ("reload", &["source", "compile", "review", "model", "text", "limits"]),
    ("observe", &["model", "limits"]),
    ("serve", &["evaluate", "reload", "observe", "review", "compile", "model", "text", "limits"]),
    ("config", &["serve", "limits"]),
    (
        "cli",
        &["config", "serve", "observe", "reload", "source", "review", "evaluate", "compile", "model", "text", "limits"],
    ),
    ("main", &[]),
    ("lib", &[]),
];

const CORE: &[&str] = &["limits", "text", "model", "filter", "compile", "evaluate", "review"];

fn code_files() -> impl Iterator<Item = File> {
    rust(&["src"]).into_iter().filter(|file| !file.is_test())
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut findings = Vec::new();
    for file in code_files() {
        let module = file.module().unwrap().to_owned();
        let allowed = MAY_USE.iter().find(|(name, _)| *name == module);
        let Some((_, allowed)) = allowed else {
            findings.push(format!("{}: `{module}` has no row in `MAY_USE`", file.name));
            continue;
        };
        for (line, code) in file.code() {
            for used in code.split("crate::").skip(1).map(word) {
                if used != module && MAY_USE.iter().any(|(name, _)| *name == used) && !allowed.contains(&used) {
                    findings.push(format!("{}:{line}: `{module}` uses `{used}`", file.name));
                }
            }
        }
    }
    none(&findings, "hand the value over as a parameter, or move the code to the layer that may know both");
}

#[test]
fn the_core_touches_nothing_outside_of_itself() {
    let bans = [
        ("std::fs", "take the bytes as a parameter; `source` reads files"),
        ("std::net::Tcp", "sockets are for `serve`"),
        ("std::net::Udp", "sockets are for `serve`"),
        ("std::env", "take the value as a parameter; `cli` reads the environment"),
        ("SystemTime", "take `now` as a parameter"),
        ("Instant::now", "take `now` as a parameter"),
        ("Timestamp::now", "take `now` as a parameter"),
        ("std::thread", "threads are for `reload` and `serve`"),
        ("std::process", "processes are for `cli`"),
        ("tokio", "the core does not await"),
        ("async fn", "the core does not await"),
        ("tracing", "return what is to be told; the edges log"),
        ("println!", "return what is to be told; `cli` prints"),
        ("print!", "return what is to be told; `cli` prints"),
    ];
    for (banned, instead) in bans {
        let is_core = |file: &File| CORE.contains(&file.module().unwrap());
        none(&mentions(banned, is_core), instead);
    }
}

#[test]
fn evaluation_and_model_know_no_format() {
    for banned in ["serde", "prost", "RawFile", "text::parse"] {
        let is_pure = |file: &File| ["model", "evaluate"].contains(&file.module().unwrap());
        none(&mentions(banned, is_pure), "read formats in `compile` and `serve::wire`, and hand values over");
    }
}

#[test]
fn each_foreign_library_stays_in_its_layer() {
    let homes: &[(&str, &[&str])] = &[
        ("arc_swap", &["src/reload/snapshot.rs"]),
        ("notify::", &["src/reload/"]),
        ("prost", &["src/serve/"]),
        ("tonic", &["src/serve/"]),
        ("hyper", &["src/serve/"]),
        ("axum", &["src/serve/ops.rs"]),
        ("tokio_rustls", &["src/serve/"]),
        ("jsonwebtoken", &["src/serve/jwt/"]),
        ("x509_cert", &["src/serve/callers/certificate.rs"]),
        ("subtle", &["src/serve/callers/secret.rs"]),
        ("prometheus_client", &["src/observe/"]),
        ("tracing_subscriber", &["src/observe/trace.rs"]),
        ("granit_parser", &["src/text/yaml"]),
        ("maxminddb", &["src/compile/country.rs"]),
        ("cedar_policy", &["src/compile/cedar/", "src/compile/read/cedar.rs", "src/evaluate/cedar.rs"]),
        ("miette", &["src/compile/cedar/"]),
        ("stacker", &["src/compile/cedar/"]),
        ("flate2", &["src/source/", "src/reload/shelf.rs"]),
        ("clap", &["src/cli/"]),
        ("anyhow", &["src/cli/", "src/main.rs"]),
        ("anstream", &["src/cli/"]),
        ("quick_junit", &["src/cli/"]),
        ("pretty_yaml", &["src/cli/fmt/"]),
        ("similar::", &["src/cli/"]),
        ("tempfile", &["src/cli/"]),
    ];
    for (library, homes) in homes {
        let is_elsewhere = |file: &File| !homes.iter().any(|home| file.name.starts_with(home));
        none(&mentions(library, is_elsewhere), &format!("keep `{library}` in {}", homes.join(", ")));
    }
}

/// Where code outside of comments and tests mentions `banned`.
fn mentions(banned: &str, is_meant: impl Fn(&File) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for file in code_files().filter(|file| is_meant(file)) {
        for (line, code) in file.code().filter(|(_, code)| has_word(code, banned)) {
            findings.push(format!("{}:{line}: {}", file.name, code.trim()));
        }
    }
    findings
}

/// Whether `code` holds `wanted` that is not the end of a longer word.
fn has_word(code: &str, wanted: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == '"';
    code.match_indices(wanted).any(|(at, _)| !code.get(..at).is_some_and(|before| before.ends_with(is_part)))
}

fn word(text: &str) -> &str {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or("")
}
