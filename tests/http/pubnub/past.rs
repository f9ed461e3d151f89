//! Every GET can be asked of the past. Beyond the reference: Strata's own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, Keyset, OK, Revision, at, before};
use super::stage::function;

/// An account in which there is something of everything.
struct Account {
    bed: Bed,
    keyset: Keyset,
    revision: Revision,
    deployment: String,
    input: String,
    event: String,
    blueprint: String,
    function_blueprint: String,
    parameter: String,
}

fn id(row: &Value) -> String {
    row["id"].as_str().expect("an id").to_owned()
}

/// A time so many hours from now.
fn hours(count: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(count);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

impl Account {
    async fn new() -> Self {
        let bed = Bed::new().await;
        let keyset = bed.keyset().await;
        let api = function("api", "ON_REQUEST", json!({"path": "hello"}), ANSWERS);
        let revision = bed.package(&[before("mask", "chat.*", OK), api]).await;
        let deployment = bed.running(&revision, &keyset).await;
        let client = &bed.client;
        let inputs = Self::inputs(&revision);
        let input = json!({"payload": {"text": "hi"}, "description": "a greeting"});
        let input = id(&client.post(&inputs, input).await.data(201));
        let body = json!({
            "packageDeploymentId": deployment,
            "dttmBegin": hours(1),
            "dttmEnd": hours(2),
            "description": "peak",
        });
        let event = client.post(&at("/scheduled/events"), body).await.data(201);
        let list = async |path: &str| client.get(&at(path)).await.data(200)[0].clone();
        let blueprint = id(&list("/package-blueprints").await);
        let path = format!("/package-blueprints/{blueprint}/function-blueprints");
        let function_blueprint = id(&list(&path).await);
        let parameter = id(&list("/function-blueprint-params").await);
        Self {
            event: id(&event),
            input,
            blueprint,
            function_blueprint,
            parameter,
            deployment,
            revision,
            keyset,
            bed,
        }
    }

    fn inputs(revision: &Revision) -> String {
        let function = revision.functions[0]["functionRevisionId"].as_str();
        let function = function.expect("an id");
        at(&format!("/function-revisions/{function}/test-inputs"))
    }

    fn kv(&self, path: &str) -> String {
        at(&format!("/kv/{path}?subkey={}", self.keyset.subscribe_key))
    }

    /// Fills the store of the keyset, as of one round.
    async fn store(&self, round: u64) {
        let client = &self.bed.client;
        let texts = [
            ("strings/text", json!(format!("round {round}"))),
            ("jsons/json", json!({"round": round})),
            (&*format!("secrets/secret-{round}"), json!("hidden")),
        ];
        for (path, value) in texts {
            let set = client.put(&self.kv(path), json!({"value": value})).await;
            assert_eq!(set.status, 200, "{set:?}");
        }
        let path = self.kv("counters/count/increment");
        let added = client.post(&path, json!({"value": 2})).await;
        assert_eq!(added.status, 204, "{added:?}");
    }

    /// Every GET: what the description of the API calls it, and a request.
    fn asked(&self) -> Vec<(&'static str, String)> {
        let Revision { package, id, .. } = &self.revision;
        let (deployment, event) = (&self.deployment, &self.event);
        let (blueprint, number) = (&self.blueprint, self.keyset.number);
        let function = &self.function_blueprint;
        let catalogue = "/package-blueprints";
        vec![
            (
                "/packages",
                at("/packages?search=pack&sort=name,DESC&page=0&size=5"),
            ),
            ("/packages/{packageId}", at(&format!("/packages/{package}"))),
            (
                "/packages/{packageId}/package-revisions",
                at(&format!(
                    "/packages/{package}/package-revisions?sort=updatedDttm,DESC"
                )),
            ),
            (
                "/package-revisions/{packageRevisionId}",
                at(&format!("/package-revisions/{id}")),
            ),
            (
                "/package-revisions/{packageRevisionId}/functions",
                at(&format!("/package-revisions/{id}/functions?sort=name")),
            ),
            (
                "/package-revisions/{packageRevisionId}/package-deployments",
                at(&format!("/package-revisions/{id}/package-deployments")),
            ),
            (
                "/function-revisions/{functionRevisionId}/test-inputs",
                format!("{}?search=GREET", Self::inputs(&self.revision)),
            ),
            (
                "/package-deployments/{packageDeploymentId}",
                at(&format!("/package-deployments/{deployment}")),
            ),
            (
                "/package-deployments/intersected",
                at(&format!(
                    "/package-deployments/intersected?keyset_id={number}&channel=chat.a&channel=x"
                )),
            ),
            (
                "/scheduled/events",
                at("/scheduled/events?search=peak&sort=dttmBegin"),
            ),
            (
                "/scheduled/events/{scheduledEventId}",
                at(&format!("/scheduled/events/{event}")),
            ),
            (
                "/limits/package-deployments-running",
                at("/limits/package-deployments-running"),
            ),
            ("/kv/strings", self.kv("strings")),
            ("/kv/strings/{key}", self.kv("strings/text")),
            ("/kv/jsons", self.kv("jsons")),
            ("/kv/jsons/{key}", self.kv("jsons/json")),
            ("/kv/counters", self.kv("counters")),
            ("/kv/counters/{key}", self.kv("counters/count")),
            ("/kv/secrets", self.kv("secrets")),
            (catalogue, at(catalogue)),
            (
                "/package-blueprints/{packageBlueprintId}",
                at(&format!("{catalogue}/{blueprint}")),
            ),
            (
                "/package-blueprints/{packageBlueprintId}/function-blueprints",
                at(&format!("{catalogue}/{blueprint}/function-blueprints")),
            ),
            (
                "/function-blueprints/{functionBlueprintId}/function-blueprint-params",
                at(&format!(
                    "/function-blueprints/{function}/function-blueprint-params"
                )),
            ),
            (
                "/function-blueprint-params",
                at("/function-blueprint-params"),
            ),
            (
                "/function-blueprint-params/{functionBlueprintParamId}",
                at(&format!("/function-blueprint-params/{}", self.parameter)),
            ),
        ]
    }

    /// All answers, as of a position.
    async fn answers(&self, position: u64) -> Vec<(String, Value)> {
        let mut answers = Vec::new();
        for (_, path) in self.asked() {
            let mark = if path.contains('?') { '&' } else { '?' };
            let then = format!("{path}{mark}as_of={position}");
            let answer = self.bed.client.get(&then).await;
            let data = answer.data(200);
            let paging = answer.json()["meta"]["paging"].clone();
            answers.push((path, json!([data, paging])));
        }
        answers
    }

    async fn head(&self) -> u64 {
        let head = self.bed.strata().get("/strata/v1/head").await.json();
        head["head"].as_u64().expect("a position")
    }

    /// Changes everything that can be changed.
    async fn change(&self) {
        let client = &self.bed.client;
        let Revision { package, id, .. } = &self.revision;
        let put = async |path: String, body: Value| {
            let changed = client.put(&path, body).await;
            assert_eq!(changed.status, 200, "{path}: {changed:?}");
        };
        let tags = json!({"name": format!("packed {package}"), "tags": ["new"]});
        put(at(&format!("/packages/{package}")), tags).await;
        let renamed = json!({"name": "renamed", "description": "of it"});
        put(at(&format!("/package-revisions/{id}")), renamed).await;
        let other = json!({"payload": [1], "description": "greeted"});
        let inputs = Self::inputs(&self.revision);
        put(format!("{inputs}/{}", self.input), other).await;
        let later = json!({"dttmEnd": hours(3), "description": "peaks"});
        put(at(&format!("/scheduled/events/{}", self.event)), later).await;
        self.store(2).await;
        let next = self.bed.revision(package, &[before("x", "x", OK)]).await;
        let next = self.bed.assign(&next, &self.keyset).await;
        let rolled = self.bed.roll(&self.deployment, &next).await;
        assert_eq!(rolled.status, 200, "{rolled:?}");
        self.bed.reaches(&self.deployment, "STOPPED").await;
    }

    /// Removes everything.
    async fn remove(&self) {
        let client = &self.bed.client;
        let package = &self.revision.package;
        let stop = at(&format!("/function-deployments?package_id={package}"));
        assert_eq!(client.delete(&stop).await.status, 200);
        let inputs = Self::inputs(&self.revision);
        for path in [
            format!("{inputs}/{}", self.input),
            at(&format!("/scheduled/events/{}", self.event)),
            self.kv("strings/text"),
            self.kv("jsons/json"),
            self.kv("secrets/secret-1"),
            at(&format!("/packages/{package}")),
        ] {
            let gone = client.delete(&path).await;
            assert_eq!(gone.status, 204, "{path}: {gone:?}");
        }
        let path = format!("/strata/v1/keysets/{}", self.keyset.number);
        let gone = self.bed.strata().delete(&path).await;
        assert_eq!(gone.status, 204, "{gone:?}");
    }
}

/// A function that answers.
const ANSWERS: &str = "export default (request, response) => response.send('hello');";

#[tokio::test]
async fn every_get_answers_as_it_did() {
    let account = Account::new().await;
    account.store(1).await;
    let first = account.head().await;
    let then = account.answers(first).await;
    account.change().await;
    let second = account.head().await;
    let between = account.answers(second).await;
    account.remove().await;
    for (position, answers) in [(first, &then), (second, &between)] {
        let again = account.answers(position).await;
        for (before, after) in answers.iter().zip(&again) {
            assert_eq!(before, after, "as of {position}");
        }
    }
    // What was changed shows that these were two moments. The catalogue is part of the program.
    for (before, after) in then.iter().zip(&between) {
        let path = &before.0;
        let constant = path.contains("blueprint") || path.contains("limits");
        let constant = constant || path.contains("/functions?");
        assert_eq!(before == after, constant, "{path}");
    }
}

#[tokio::test]
async fn no_get_is_forgotten() {
    let account = Account::new().await;
    let described = account.bed.client.get("/openapi.json").await.json();
    let paths = described["paths"].as_object().expect("paths");
    let described: BTreeSet<&str> = paths
        .iter()
        .filter(|(_, methods)| methods.get("get").is_some())
        .filter_map(|(path, _)| path.strip_prefix("/v2/faas"))
        .collect();
    let asked = account.asked();
    let asked: BTreeSet<&str> = asked.iter().map(|(path, _)| *path).collect();
    assert_eq!(asked, described);
    assert_eq!(asked.len(), 25, "those of section 6 of the reference");
}
