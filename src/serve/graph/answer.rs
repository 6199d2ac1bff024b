//! The bodies of the Graph door's answers, each of one bundle.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::route::{Kind, Page, Route, Target};
use crate::compile::CompiledBundle;
use crate::evaluate::{AnalysisReason, WhatIf, what_if};
use crate::limits;
use crate::model::decision::InputError;
use crate::reload::{GraphView, Shelf};
use crate::review::graph::{Version, to_v1};
use crate::review::what_if;
use crate::text::{Diagnostic, Diagnostics, SourceFile, Sources, json};

/// Answers `route`; `body` is that of a request of What If. `view` is `bundle` in Graph's shape.
///
/// Errors: a request that cannot be used, an object that does not exist.
pub fn answer(bundle: &CompiledBundle, view: &GraphView, route: &Route, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    match &route.target {
        Target::Evaluate => evaluate(bundle, view, route, body),
        Target::List(page) => list(bundle, shelf(view, page.kind), route, page),
        Target::Object(kind, id) => object(shelf(view, *kind), route, *kind, id),
    }
}

const fn shelf(view: &GraphView, kind: Kind) -> &Shelf {
    match kind {
        Kind::Policies => &view.policies,
        Kind::Locations => &view.locations,
    }
}

/// The object as `version` has it, if it has it.
fn seen(version: Version, object: Value, keeps_nulls: bool) -> Option<Map<String, Value>> {
    let object = match version {
        Version::V1 => to_v1(object, keeps_nulls),
        Version::Beta => Some(object),
    };
    match object {
        Some(Value::Object(members)) => Some(members),
        _ => None,
    }
}

fn object(shelf: &Shelf, route: &Route, kind: Kind, id: &str) -> Result<Vec<u8>, Refusal> {
    let found = shelf.find(id).and_then(|place| seen(route.version, shelf.reader().take(place), false));
    let Some(members) = found else {
        return Err(Refusal::not_found(format!("nothing in `{}` has the id `{id}`", kind.as_str())));
    };
    let context = format!("{}/$metadata#identity/conditionalAccess/{}/$entity", route.base, kind.as_str());
    let object = Map::from_iter([("@odata.context".to_owned(), context.into())]).into_iter().chain(members);
    Ok(Value::Object(object.collect()).to_string().into_bytes())
}

fn list(bundle: &CompiledBundle, shelf: &Shelf, route: &Route, page: &Page) -> Result<Vec<u8>, Refusal> {
    let start = page.token.as_deref().map_or(Ok(0), |token| start(bundle, token))?;
    let most = page.top.unwrap_or(limits::GRAPH_PAGE_MAX);
    let kind = page.kind.as_str();
    let mut body = Body::new(&format!("{}/$metadata#identity/conditionalAccess/{kind}", route.base));
    let mut reader = shelf.reader();
    for place in start..shelf.len() {
        let Some(members) = seen(route.version, reader.take(place), false) else { continue };
        // WHY: only now it is known that there is more, so that the last page never promises another.
        if body.count == most || body.text.len() >= limits::GRAPH_PAGE_BYTES {
            let top = page.top.map(|top| format!("&$top={top}")).unwrap_or_default();
            let token = format!("{}-{place}", label(bundle));
            let next = format!("{}/identity/conditionalAccess/{kind}?$skiptoken={token}{top}", route.base);
            return Ok(body.end(Some(&next)));
        }
        body.add(members);
    }
    Ok(body.end(None))
}

/// What a token says of the bundle that its list began with.
fn label(bundle: &CompiledBundle) -> &str {
    bundle.digest().get(..16).unwrap_or(bundle.digest())
}

/// Where a page begins. A list that began with another bundle cannot go on: pages of two do not make one tenant.
fn start(bundle: &CompiledBundle, token: &str) -> Result<usize, Refusal> {
    let (of, place) = token.rsplit_once('-').unwrap_or((token, ""));
    let place = place.parse().map_err(|_| Refusal::bad("`$skiptoken` is none that a page has given"))?;
    if of != label(bundle) {
        return Err(Refusal::bad("`$skiptoken` is of a bundle that is in force no longer: list again from the start"));
    }
    Ok(place)
}

fn evaluate(bundle: &CompiledBundle, view: &GraphView, route: &Route, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let results = results(bundle, route.version, body)?;
    if results.len() > limits::EXPLAINED_POLICIES_MAX {
        let most = limits::EXPLAINED_POLICIES_MAX;
        let message = format!("the answer has {} policies, {most} are the most", results.len());
        return Err(Refusal::bad(format!("{message}; ask with `appliedPoliciesOnly`")));
    }
    let context = format!("{}/$metadata#Collection(microsoft.graph.whatIfAnalysisResult)", route.base);
    let mut body = Body::new(&context);
    let mut reader = view.policies.reader();
    for result in results {
        let policy = reader.take(result.policy.as_usize());
        let mut members = seen(route.version, policy, true).ok_or_else(Refusal::failed)?;
        members.insert("policyApplies".to_owned(), result.applies().into());
        members.insert("analysisReasons".to_owned(), reason(result, route.version).into());
        body.add(members);
    }
    Ok(body.end(None))
}

/// The results that the request in `body` asks for.
fn results(bundle: &CompiledBundle, version: Version, body: &[u8]) -> Result<Vec<WhatIf>, Refusal> {
    let text = String::from_utf8(body.to_vec()).map_err(|_| Refusal::bad("the body is not valid UTF-8"))?;
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let file = sources.add(SourceFile::new("request.json", text));
    let text = sources.file(file).map_or("", SourceFile::text);
    let Some(node) = json::parse(text, file, &mut diagnostics) else {
        return Err(unreadable(&diagnostics, &sources));
    };
    let Some(asked) = what_if::read(&node, bundle, version, &mut diagnostics) else {
        return Err(Refusal::all_bad(diagnostics.iter().map(problem).collect()));
    };
    let mut results = what_if(bundle, &asked.request).map_err(|error| contradiction(&error))?;
    results.retain(|result| result.applies() || !asked.is_applied_only);
    Ok(results)
}

/// The reason in the words of `version`; v1.0 has none for agents.
const fn reason(result: WhatIf, version: Version) -> &'static str {
    match version {
        Version::V1 if result.reason.is_beta() => AnalysisReason::UnknownFutureValue.as_str(),
        _ => result.reason.as_str(),
    }
}

/// The body is no JSON that can be used: told with the place alone, as what is said of it is said to authors of files.
fn unreadable(diagnostics: &Diagnostics, sources: &Sources) -> Refusal {
    let findings = diagnostics.findings(sources);
    let place = findings.first().map(|first| format!(" at line {} column {}", first.line, first.column));
    Refusal::bad(format!("the body is not valid JSON{}", place.unwrap_or_default()))
}

/// A problem of the request in one line.
fn problem(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}: {help}", diagnostic.what),
        None => diagnostic.what.clone(),
    }
}

/// The request contradicts the bundle's catalogue: told of the part of the request that the fact came from.
fn contradiction(error: &InputError) -> Refusal {
    let part = match error.field.split('.').next() {
        Some("identity") => "signInIdentity",
        Some("resource") => "signInContext",
        _ => "signInConditions",
    };
    Refusal::bad(format!("`{part}` {}", error.problem))
}

/// A list in the making. Members that tell of the whole come first, as OData wants it.
struct Body {
    context: String,
    /// The objects so far, with commas.
    text: Vec<u8>,
    count: usize,
}

impl Body {
    fn new(context: &str) -> Self {
        Self { context: context.to_owned(), text: Vec::new(), count: 0 }
    }

    fn add(&mut self, members: Map<String, Value>) {
        if self.count > 0 {
            self.text.push(b',');
        }
        self.count += 1;
        // INVARIANT: a value has string keys, and a `Vec` takes every byte.
        let _ = serde_json::to_writer(&mut self.text, &members);
    }

    fn end(self, next: Option<&str>) -> Vec<u8> {
        let mut body = format!(r#"{{"@odata.context":{}"#, Value::from(self.context)).into_bytes();
        if let Some(next) = next {
            body.extend(format!(r#","@odata.nextLink":{}"#, Value::from(next)).into_bytes());
        }
        body.extend(br#","value":["#);
        body.extend(self.text);
        body.extend(b"]}");
        body
    }
}
