//! The settings file of `serve`: what was said there, and what it means.
//!
//! YAML. Each section is read into the settings of the part that it is for, which say what is allowed; what nobody knows
//! is an error. What flags say is not here. Start with [`Config`].

use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::serve::Doors;
use crate::serve::callers::CallerSettings;
use crate::serve::jwt::IssuerSettings;

/// The settings of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Which doors are open, and how each asks.
    pub doors: Doors,
    /// Who may ask; everybody who reaches a listener, if it is left out.
    #[serde(deserialize_with = "somebody")]
    pub callers: CallerSettings,
    /// Whose tokens gateways' doors believe.
    pub issuers: Vec<IssuerSettings>,
}

/// WHY: who begins the section means that not everybody may ask.
fn somebody<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CallerSettings, D::Error> {
    let callers = CallerSettings::deserialize(deserializer)?;
    if callers.is_empty() { Err(D::Error::custom("say who may ask, or leave `callers` out")) } else { Ok(callers) }
}

/// Why a settings file cannot be used: where, and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the settings in `{path}` cannot be used: {problem}")]
pub struct ConfigError {
    path: String,
    problem: String,
}

/// Reads settings; `path` is where they came from.
///
/// # Errors
/// What is no YAML, unknown, of the wrong type or not allowed, with line and column.
pub fn read(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let config: Result<Option<Config>, _> = serde_saphyr::from_str(text);
    match config {
        Ok(config) => Ok(config.unwrap_or_default()),
        Err(error) => Err(ConfigError { path: path.display().to_string(), problem: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        read(Path::new("doorward.yaml"), text).expect_err("it cannot be used").to_string()
    }

    #[test]
    fn what_is_said_is_read_and_what_is_not_said_is_the_default() {
        for nothing in ["", "# nothing is said\n"] {
            assert!(!read(Path::new("x"), nothing).unwrap().doors.graph);
        }
        assert!(read(Path::new("x"), "doors: { graph: true }").unwrap().doors.graph);
    }

    #[test]
    fn what_nobody_knows_is_an_error_with_its_place() {
        let told = problem("doors:\n  grpah: true\n");
        assert!(told.contains("doorward.yaml") && told.contains("grpah") && told.contains('2'), "{told}");
        assert!(problem("doors: [").contains('1'));
    }

    #[test]
    fn what_is_said_twice_is_an_error() {
        let callers = "callers: { tls: { certificate: a, key: b } }\n";
        assert!(problem(&format!("{callers}callers: {{}}\n")).contains("callers"));
        assert!(problem("doors: { api: false, api: true }").contains("api"));
        assert!(problem("doors: {}\n---\ndoors: {}\n").contains('2'));
    }

    #[test]
    fn callers_of_whom_nothing_is_said_are_not_everybody() {
        for text in ["callers:\n  # bearer: later\n", "callers: {}", "callers: null", "callers: { unix: }"] {
            assert!(problem(text).contains("callers"), "{text}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_an_error_with_its_place() {
        let told = problem("issuers:\n- issuer: https://login.example\n  jwks: keys.json\n  audiences: []\n");
        assert!(told.contains("doorward.yaml") && told.contains("at least one audience"), "{told}");
        assert!(told.contains("line 4"), "{told}");
    }

    #[test]
    fn the_decision_api_is_open_until_it_is_shut() {
        assert!(read(Path::new("x"), "doors: { graph: true }").unwrap().doors.api.0);
        assert!(!read(Path::new("x"), "doors: { api: false }").unwrap().doors.api.0);
    }
}
