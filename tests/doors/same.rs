//! What a client is told is the error of the decision API.

use serde_json::json;

use crate::check;
use crate::server::{Doorward, OFFICE, SIGN_IN, challenge};
use crate::support::raw;

#[tokio::test]
async fn a_client_is_challenged_with_the_error_that_the_decision_api_has_for_it() {
    let doorward = Doorward::start("doors: { envoy: {} }");
    let native = json!({
        "identity": {"type": "user", "id": "u-1"}, "network": {"ipAddress": OFFICE}, "action": "GET",
    });
    let error = &raw::post(doorward.address(), "/v1/decide", &native.to_string()).json()["oauthError"];
    let expected = format!("Bearer error={}, claims={}", error["error"], error["claims"]);
    let person = check::asked_with(OFFICE, json!({"oid": "u-1", "sub": "s", "idtyp": "user"}));
    let response = doorward.envoy().await.check(person).await.unwrap().into_inner();
    let headers = check::answer_headers(&response);
    let (_, told, _) = headers.iter().find(|(name, ..)| name == "www-authenticate").unwrap();
    let (told, expected) = (challenge(Some(told)).unwrap(), challenge(Some(&expected)).unwrap());
    assert_eq!(told, format!("{expected}, {SIGN_IN}"));
}
