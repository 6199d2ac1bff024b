//! Data flows one way: which module may know which, and what the core never does.

use std::sync::LazyLock;

use super::dependencies::libraries;
use super::paths::{Named, named, names};
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

/// A file that is no test, and the paths that it names.
struct Code {
    file: File,
    named: Vec<Named>,
}

fn code() -> impl Iterator<Item = &'static Code> {
    static CODE: LazyLock<Vec<Code>> = LazyLock::new(|| {
        let files = rust(&["src"]).into_iter().filter(|file| !file.is_test());
        files.map(|file| Code { named: named(&file.name, &file.text), file }).collect()
    });
    CODE.iter()
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut findings = Vec::new();
    for Code { file, named } in code() {
        let module = file.module().unwrap().to_owned();
        let allowed = MAY_USE.iter().find(|(name, _)| *name == module);
        let Some((_, allowed)) = allowed else {
            findings.push(format!("{}: `{module}` has no row in `MAY_USE`", file.name));
            continue;
        };
        for Named { line, path } in named {
            let Some(used) = path.strip_prefix("crate::").and_then(|path| path.split("::").next()) else { continue };
            if used != module && MAY_USE.iter().any(|(name, _)| *name == used) && !allowed.contains(&used) {
                findings.push(format!("{}:{line}: `{module}` uses `{used}`", file.name));
            }
        }
    }
    none(&findings, "hand the value over as a parameter, or move the code to the layer that may know both");
}

#[test]
fn the_core_touches_nothing_outside_of_itself() {
    let bans = [
        ("std::fs", "take the bytes as a parameter; `source` reads files"),
        ("std::net::Tcp*", "sockets are for `serve`"),
        ("std::net::Udp*", "sockets are for `serve`"),
        ("std::net::ToSocketAddrs", "names are resolved in `serve`"),
        ("std::os*", "sockets and descriptors are for `serve`"),
        ("std::env", "take the value as a parameter; `cli` reads the environment"),
        ("SystemTime", "take `now` as a parameter"),
        ("Instant", "take `now` as a parameter"),
        ("Timestamp::now", "take `now` as a parameter"),
        ("Zoned::now", "take `now` as a parameter"),
        ("std::thread", "threads are for `reload` and `serve`"),
        ("std::process", "processes are for `cli`"),
        ("tokio*", "the core does not await"),
        ("async", "the core does not await"),
        ("await", "the core does not await"),
        ("tracing*", "return what is to be told; the edges log"),
        ("println!", "return what is to be told; `cli` prints"),
        ("print!", "return what is to be told; `cli` prints"),
        ("eprintln!", "return what is to be told; `cli` prints"),
        ("eprint!", "return what is to be told; `cli` prints"),
        ("io::stdin", "take the bytes as a parameter; `cli` reads"),
        ("io::stdout", "return what is to be told; `cli` prints"),
        ("io::stderr", "return what is to be told; `cli` prints"),
    ];
    for (banned, instead) in bans {
        let is_core = |file: &File| CORE.contains(&file.module().unwrap());
        none(&mentions(banned, is_core), instead);
    }
}

#[test]
fn evaluation_and_model_know_no_format() {
    for banned in ["serde*", "prost*", "RawFile", "text::parse"] {
        let is_pure = |file: &File| ["model", "evaluate"].contains(&file.module().unwrap());
        none(&mentions(banned, is_pure), "read formats in `compile` and `serve::wire`, and hand values over");
    }
}

/// Each library and the places that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("cedar_policy", &["src/compile/cedar/", "src/compile/read/cedar.rs", "src/evaluate/cedar.rs"]),
    ("foldhash", &["src/compile/", "src/observe/", "src/review/"]),
    ("granit_parser", &["src/text/yaml"]),
    ("hashbrown", &["src/compile/network/place.rs"]),
    ("ipnet", &["src/model/location.rs", "src/compile/"]),
    ("jiff", &["src/model/", "src/compile/", "src/evaluate/", "src/observe/", "src/reload/", "src/serve/", "src/cli/"]),
    ("maxminddb", &["src/compile/country.rs"]),
    ("miette", &["src/compile/cedar/"]),
    (
        "serde",
        &["src/text/", "src/compile/read/", "src/observe/", "src/reload/", "src/serve/", "src/config.rs", "src/cli/"],
    ),
    (
        "serde_json",
        &["src/text/", "src/compile/read/", "src/review/", "src/observe/", "src/reload/", "src/serve/", "src/cli/"],
    ),
    ("stacker", &["src/compile/cedar/"]),
    ("strsim", &["src/text/suggest.rs"]),
    (
        "thiserror",
        &[
            "src/text/",
            "src/model/",
            "src/review/",
            "src/source/",
            "src/reload/",
            "src/serve/",
            "src/config.rs",
            "src/cli/",
        ],
    ),
    ("uuid", &["src/model/id.rs"]),
    ("anstream", &["src/cli/"]),
    ("anstyle", &["src/cli/paint.rs"]),
    ("anyhow", &["src/cli/"]),
    ("arc_swap", &["src/reload/snapshot.rs"]),
    ("axum", &["src/serve/ops.rs"]),
    ("bytes", &["src/serve/"]),
    ("base64", &["src/serve/wire/oauth.rs"]),
    ("clap", &["src/cli/"]),
    ("flate2", &["src/source/archive.rs", "src/reload/shelf.rs"]),
    ("futures_util", &["src/serve/"]),
    ("hmac", &["src/serve/hooks/zitadel.rs"]),
    ("http", &["src/serve/"]),
    ("hyper", &["src/serve/"]),
    ("hyper_util", &["src/serve/"]),
    ("nix", &["src/cli/run.rs", "src/serve/callers/settings.rs"]),
    ("jsonwebtoken", &["src/serve/jwt/"]),
    ("notify", &["src/reload/watch.rs"]),
    ("percent_encoding", &["src/serve/", "src/cli/sarif.rs"]),
    ("pretty_yaml", &["src/cli/fmt/"]),
    ("prometheus_client", &["src/observe/metrics/"]),
    ("prost", &["src/serve/"]),
    ("prost_types", &["src/serve/"]),
    ("quick_junit", &["src/cli/test/report.rs"]),
    ("rustls_native_certs", &["src/serve/jwt/fetch.rs"]),
    ("serde_saphyr", &["src/config.rs"]),
    ("serde_path_to_error", &["src/serve/wire/json.rs"]),
    ("sha2", &["src/source/", "src/serve/"]),
    ("similar", &["src/cli/fmt.rs"]),
    ("simdutf8", &["src/serve/wire/scan.rs"]),
    ("socket2", &["src/serve/listener.rs"]),
    ("subtle", &["src/serve/callers/secret.rs"]),
    ("tar", &["src/source/archive.rs"]),
    ("tempfile", &["src/cli/run.rs", "src/cli/write.rs", "src/reload/sequence.rs"]),
    ("thread_priority", &["src/reload/priority.rs"]),
    ("tokio", &["src/serve/", "src/cli/"]),
    ("tokio_rustls", &["src/serve/"]),
    ("tonic", &["src/serve/"]),
    ("tonic_health", &["src/serve/"]),
    ("tonic_prost", &["src/serve/proto/"]),
    ("tonic_reflection", &["src/serve/mod.rs", "src/serve/services.rs"]),
    ("tonic_types", &["src/serve/wire/"]),
    ("tower", &["src/serve/services.rs"]),
    ("tracing", &["src/observe/", "src/reload/", "src/serve/", "src/cli/"]),
    ("tracing_subscriber", &["src/observe/trace.rs"]),
    ("x509_cert", &["src/serve/callers/certificate.rs"]),
];

#[test]
fn each_foreign_library_stays_in_its_layer() {
    let libraries: Vec<_> = libraries().into_iter().map(|library| library.name.replace('-', "_")).collect();
    let mut findings = Vec::new();
    for library in &libraries {
        if !HOMES.iter().any(|(name, _)| name == library) {
            findings.push(format!("`{library}` has no row in `HOMES`"));
        }
    }
    for (library, homes) in HOMES {
        if !libraries.iter().any(|name| name == library) {
            findings.push(format!("`{library}` is no dependency any more"));
        }
        let mut used: Vec<_> = Vec::new();
        for Code { file, named } in code() {
            let is_named = |named: &&Named| named.path.strip_prefix(library).is_some_and(|rest| rest.starts_with("::"));
            if let Some(Named { line, path }) = named.iter().find(is_named) {
                match homes.iter().find(|home| file.name.starts_with(*home)) {
                    Some(home) => used.push(*home),
                    None => {
                        findings.push(format!("{}:{line}: `{path}`, which is kept in {}", file.name, homes.join(", ")))
                    }
                }
            }
        }
        let idle = homes.iter().filter(|home| !used.contains(*home));
        findings.extend(idle.map(|home| format!("`{library}` is not named in {home}")));
    }
    none(&findings, "use the library where it is kept, or change its row in `HOMES`");
}

/// Where code outside of comments and tests names `banned`.
fn mentions(banned: &str, is_meant: impl Fn(&File) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for Code { file, named } in code().filter(|code| is_meant(&code.file)) {
        let found = named.iter().filter(|named| names(&named.path, banned));
        findings.extend(found.map(|Named { line, path }| format!("{}:{line}: `{path}`", file.name)));
    }
    findings
}
