//! The judges that hold the properties: the engine, and the oracle.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{self, Evaluation};
use doorward::model::location::CountryFact;
use doorward::model::policy::Policy;
use doorward::model::{Bundle, Decision, Reason, TokenRequest};
use doorward::text::Diagnostics;

use crate::countries;
use crate::found::corpus;
use crate::oracle;

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Judge {
    Oracle,
    Engine,
}

pub const JUDGES: [Judge; 2] = [Judge::Oracle, Judge::Engine];

/// A bundle as a judge holds it.
pub enum Bench<'a> {
    Oracle(&'a Bundle, Option<&'a Countries>),
    Engine(Box<CompiledBundle>),
}

/// A judgement, policies by id. `Err` names the field on which two sources disagree.
pub type Judgement = Result<Verdict, String>;

#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub decision: Decision,
    pub reason: Reason,
    pub policies: BTreeSet<String>,
    pub report_only: BTreeSet<String>,
    pub unmet: BTreeSet<String>,
    /// What the token comes with, in the oracle's words.
    pub session: Vec<String>,
    /// What is owed for the decision, in the oracle's words.
    pub owed: Vec<String>,
    pub is_told_to_use_work_account: bool,
}

/// A country database, for the engine as bytes and for the oracle as something to look up in.
pub struct Countries {
    bytes: Vec<u8>,
    reader: maxminddb::Reader<Vec<u8>>,
}

impl Countries {
    /// A few networks.
    pub fn few() -> Self {
        Self::read(countries::database())
    }

    /// MaxMind's test database, where the published documents are.
    pub fn published() -> Option<Self> {
        Some(Self::read(
            std::fs::read(corpus("ip/maxmind-test/test-data/GeoIP2-Country-Test.mmdb")?).expect("it is there"),
        ))
    }

    fn read(bytes: Vec<u8>) -> Self {
        let reader = maxminddb::Reader::from_source(bytes.clone()).expect("the database opens");
        Self { bytes, reader }
    }

    pub fn of(&self, address: IpAddr) -> CountryFact {
        let path = [maxminddb::PathElement::Key("country"), maxminddb::PathElement::Key("iso_code")];
        let found = self.reader.lookup(address).expect("the database is sound");
        let code: Option<String> = found.decode_path(&path).expect("the database is sound");
        code.and_then(|code| CountryFact::new(&code)).unwrap_or(CountryFact::Unmapped)
    }
}

impl Judge {
    pub fn bench<'a>(self, bundle: &'a Bundle, countries: Option<&'a Countries>) -> Bench<'a> {
        let countries = countries.filter(|_| bundle.settings.country_database.is_some());
        match self {
            Self::Oracle => Bench::Oracle(bundle, countries),
            Self::Engine => {
                let mut diagnostics = Diagnostics::default();
                let bytes = countries.map(|countries| &*countries.bytes);
                let compiled = compile::build(bundle.clone(), "digest", bytes, &mut diagnostics);
                let problems: Vec<_> = diagnostics.iter().map(|problem| (problem.rule.id, &problem.what)).collect();
                Bench::Engine(Box::new(compiled.unwrap_or_else(|| panic!("the bundle compiles: {problems:?}"))))
            }
        }
    }
}

impl Bench<'_> {
    pub fn judge(&self, request: &TokenRequest<'_>) -> Judgement {
        match self {
            Self::Oracle(bundle, countries) => {
                let country_of = |address| countries.map(|countries| countries.of(address));
                let answer = oracle::decide(bundle, &country_of, request).map_err(|error| error.field)?;
                let ids = |indices: &[usize]| indices.iter().map(|index| id(&bundle.policies[*index])).collect();
                Ok(Verdict {
                    decision: answer.decision,
                    reason: answer.reason,
                    policies: ids(&answer.policies),
                    report_only: ids(&answer.report_only),
                    unmet: answer.unmet.into_iter().collect(),
                    session: answer.session,
                    owed: answer.owed,
                    is_told_to_use_work_account: answer.is_told_to_use_work_account,
                })
            }
            Self::Engine(compiled) => {
                let mut evaluation = EVALUATION.take();
                let decided = evaluate::evaluate(compiled, request, &mut evaluation);
                let verdict = decided.map(|()| told(compiled, &evaluation)).map_err(|error| error.field);
                EVALUATION.set(evaluation);
                verdict
            }
        }
    }

    /// The judgement, or `None` where the request is refused.
    pub fn verdict(&self, request: &TokenRequest<'_>) -> Option<Verdict> {
        self.judge(request).ok()
    }
}

thread_local! {
    /// WHY one for all bundles: what one decision leaves behind must not be seen by another.
    static EVALUATION: Cell<Evaluation> = Cell::default();
}

fn told(compiled: &CompiledBundle, evaluation: &Evaluation) -> Verdict {
    let ids =
        |indices: &[compile::PolicyIndex]| indices.iter().map(|index| compiled.policy(*index).id.to_string()).collect();
    Verdict {
        decision: evaluation.decision(),
        reason: evaluation.reason(),
        policies: ids(evaluation.policies()),
        report_only: ids(evaluation.report_only()),
        unmet: evaluation.unmet(compiled).map(|control| control.name()).collect(),
        session: evaluation.session(compiled).map(oracle::words::session_in_words).unwrap_or_default(),
        owed: oracle::words::owed_in_words(&evaluation.obligations(compiled)),
        is_told_to_use_work_account: evaluation.message().is_some(),
    }
}

pub fn id(policy: &Policy) -> String {
    policy.id.as_ref().expect("a generated policy has an id").value.to_string()
}
