//! The loop.

use std::time::Duration;

use connectors::{Catalogue, Client, Credentials, Failure, Target};
use serde_json::{Map, json};

use crate::fake::{Answers, Place, answer};

fn token(token: &str) -> Credentials {
    serde_json::from_value(json!({"type": "OAUTH2", "access_token": token})).unwrap()
}

/// Sends a call to linear that may be tried again twice.
async fn call(
    transport: &Answers,
    place: &Place,
) -> Result<connectors::Exchange, connectors::send::Error> {
    let catalogue = Catalogue::built_in();
    let config = Map::new();
    let credentials = token("old");
    let target = Target {
        provider: catalogue.get("linear").unwrap(),
        credentials: &credentials,
        connection_config: &config,
        metadata: None,
        client: None,
        user_agent: "strata",
    };
    let call = serde_json::from_value(json!({"endpoint": "x", "retries": 2})).unwrap();
    connectors::send(transport, place, target, &call).await
}

fn tokens(transport: &Answers) -> Vec<String> {
    let requests = transport.requests();
    let tokens = requests
        .iter()
        .map(|request| request.headers["authorization"].to_str().unwrap());
    tokens.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn an_answer_is_kept_once_it_is_good() {
    let transport = Answers::new([
        Err(Failure::Reset),
        Ok(answer(429, &[("retry-after", "8")], "")),
        Ok(answer(200, &[], "yes")),
    ]);
    let place = Place::default();
    let exchange = call(&transport, &place).await.unwrap();
    assert_eq!(
        (exchange.response.body.as_slice(), exchange.attempts),
        (&b"yes"[..], 3)
    );
    let slept = place.slept.lock().unwrap().clone();
    assert_eq!(slept, [3, 8].map(Duration::from_secs));
}

#[tokio::test]
async fn the_last_answer_and_the_last_failure_are_told() {
    let transport = Answers::new([500, 502, 503].map(|status| Ok(answer(status, &[], ""))));
    let exchange = call(&transport, &Place::default()).await.unwrap();
    assert_eq!((exchange.response.status, exchange.attempts), (503, 3));

    let transport = Answers::new([
        Err(Failure::Reset),
        Err(Failure::Name),
        Err(Failure::Refused),
    ]);
    match call(&transport, &Place::default()).await.unwrap_err() {
        connectors::send::Error::Failure {
            failure, attempts, ..
        } => assert_eq!((failure, attempts), (Failure::Refused, 3)),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_401_takes_a_fresh_look_at_the_connection() {
    let transport = Answers::new([
        Ok(answer(401, &[], "")),
        Ok(answer(500, &[], "")),
        Ok(answer(200, &[], "")),
    ]);
    let place = Place::default();
    place.reloads.lock().unwrap().push_back(Some(token("new")));
    let exchange = call(&transport, &place).await.unwrap();
    assert_eq!(exchange.response.status, 200);
    // What was found stays for the attempts that follow.
    assert_eq!(
        tokens(&transport),
        ["Bearer old", "Bearer new", "Bearer new"]
    );

    for looked in [Some(token("old")), None] {
        let transport = Answers::new([Ok(answer(401, &[], "no"))]);
        let place = Place::default();
        place.reloads.lock().unwrap().push_back(looked);
        let exchange = call(&transport, &place).await.unwrap();
        assert_eq!((exchange.response.status, exchange.attempts), (401, 1));
        assert!(place.slept.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn every_attempt_is_signed_anew() {
    let catalogue = Catalogue::built_in();
    let credentials: Credentials = serde_json::from_value(
        json!({"type": "OAUTH1", "oauth_token": "t", "oauth_token_secret": "s"}),
    )
    .unwrap();
    let client: Client =
        serde_json::from_value(json!({"type": "OAUTH1", "client_id": "c", "client_secret": "s"}))
            .unwrap();
    let config = Map::new();
    let target = Target {
        provider: catalogue.get("trello").unwrap(),
        credentials: &credentials,
        connection_config: &config,
        metadata: None,
        client: Some(&client),
        user_agent: "strata",
    };
    let call = serde_json::from_value(json!({"endpoint": "x", "retries": 1})).unwrap();
    let transport = Answers::new([500, 200].map(|status| Ok(answer(status, &[], ""))));
    connectors::send(&transport, &Place::default(), target, &call)
        .await
        .unwrap();
    let headers = tokens(&transport);
    assert!(headers[0].contains("nonce00000000001") && headers[0].contains("\"1767323045\""));
    assert!(headers[1].contains("nonce00000000002") && headers[1].contains("\"1767323048\""));
}
