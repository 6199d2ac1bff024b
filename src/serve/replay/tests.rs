//! What is logged and decided again, against what is decided at once, on bundles and requests with everything that they
//! can say.

use std::time::Duration;

use fastrand::Rng;
use prost::Message;

use super::*;
use crate::observe::metrics::Surface;
use crate::review::analysis::tests::whole::bundle::Draw;
use crate::review::analysis::tests::whole::{request, seeds};
use crate::serve::decider::Arrival;
use crate::serve::record;
use crate::serve::wire::{Refusal, Refused, v1};

/// What is decided of `body` at `now`, and the line of the log that says so.
fn logged(bundle: &CompiledBundle, (encoding, body): (Encoding, &[u8]), now: Timestamp) -> (Verdict, Vec<u8>) {
    let message: DecideRequest<'_> = wire::read(encoding, body).unwrap();
    let request = TokenRequest { now: Some(now), ..wire::token_request(&message).unwrap() };
    let arrival = Arrival { surface: Surface::Grpc, encoding, body };
    let mut evaluation = Evaluation::default();
    let (verdict, mut record) = match evaluate(bundle, &request, &mut evaluation) {
        Ok(()) => {
            let record = record::decided(bundle, arrival, "id", &evaluation, (now, Duration::ZERO));
            (evaluation.decision().into(), record)
        }
        Err(error) => {
            let refused = Refused { refusal: Refusal::from(error), request_id: "id".to_owned() };
            (Verdict::Error, record::refused(bundle, arrival, (&refused, false), (now, Duration::ZERO)))
        }
    };
    if verdict != Verdict::Error {
        let country = request.network.ip_address.and_then(|address| bundle.country(address));
        record.country = country.map(|country| country.as_str().to_owned());
    }
    (verdict, serde_json::to_vec(&record).unwrap())
}

#[test]
fn what_is_logged_is_decided_again_as_it_was_and_with_another_bundle_as_that_one_decides() {
    let (mut changed, mut refused) = (0, 0);
    let now: Timestamp = "2026-05-01T00:00:00.123456789Z".parse().unwrap();
    let seeds = seeds::seeds(20);
    let is_usual = seeds == (0..20);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (draw, bundle) = Draw::new(&mut rng);
        let (edited, other) = draw.edited(&mut rng);
        for _ in 0..50 {
            let mut json = request::drawn(&mut rng);
            json.as_object_mut().unwrap().remove("time");
            let told = || format!("seed {seed}: {json}\n{}\nedited\n{}", draw.told(), edited.told());
            let text = json.to_string().into_bytes();
            let message: v1::DecideRequest = serde_json::from_slice(&text).unwrap();
            let binary = message.encode_to_vec();
            // What a test case says is what the decision API reads, in both encodings.
            request::with(&json, |written| {
                for body in [(Encoding::Json, &text), (Encoding::Protobuf, &binary)] {
                    let message: DecideRequest<'_> = wire::read(body.0, body.1).unwrap();
                    assert_eq!(wire::token_request(&message).as_ref(), Ok(written), "{}", told());
                }
            });
            for body in [(Encoding::Json, &*text), (Encoding::Protobuf, &*binary)] {
                let (before, line) = logged(&bundle, body, now);
                let again = Replayer::new(&bundle).replay(&line).unwrap();
                assert!(again.is_same && again.before == before, "{again:?}\n{}", told());
                let replayed = Replayer::new(&other).replay(&line).unwrap();
                // A country that only the other bundle cannot look up is said in the record.
                let record: serde_json::Value = serde_json::from_slice(&line).unwrap();
                let mut stated = json.clone();
                let has_country = json["network"].get("country").is_some();
                if !has_country && !other.identity().has_country_database && record.get("country").is_some() {
                    stated["network"]["country"] = record["country"].clone();
                }
                let (after, _) = logged(&other, (Encoding::Json, stated.to_string().as_bytes()), now);
                assert_eq!((replayed.before, replayed.after), (before, after), "{}", told());
                assert_eq!(replayed.change.is_some(), before != after, "{}", told());
                changed += usize::from(before != after);
                refused += usize::from(before == Verdict::Error);
            }
        }
    }
    assert!(!is_usual || changed > 20 && refused > 20, "{changed} {refused}");
}
