//! `/package-blueprints/{packageBlueprintId}/packages`: a package from the catalogue, on a keyset.

use std::collections::BTreeMap;

use aggregates::package::NewRevision;
use aggregates::pkgdeploy::{Command, PackageDeployment};
use aggregates::{AssignmentKey, PackageDeploymentId, PackageId, Sealed};
use serde_json::{Map, Value};

use super::error::{Error, Kind};
use super::functions::{self, Sent};
use super::packages::{Described, Made, answer, must_be_free, must_have_room};
use super::reply::Reply;
use super::request::Request;
use super::rules::Object;
use super::secrets::{check_name, refused};
use crate::pubnub::catalogue::{Function, Package, Param, Storage, catalogue};
use crate::pubnub::secrets;

/// Longest value of a parameter, in characters.
const LONGEST_VALUE: usize = 32_000;

/// C7.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageBlueprintId")?;
    let mut sent = Object::body(request.body.as_ref())?;
    let number = sent.positive("keysetId");
    let name = sent.optional_text("name", 1..=100);
    let mut described = Described::read_named(&mut sent, "revisionName", String::new());
    let wanted = Wanted::read_all(&mut sent);
    sent.finish()?;
    request.must_be_allowed()?;
    let blueprint = catalogue().package(&id);
    let blueprint = blueprint.ok_or_else(|| Error::missing("Package Blueprint", &id))?;
    let view = request.app.reads.view(None);
    let keyset = view.keyset(request.project.as_str(), number).await?;
    let keyset = keyset.ok_or_else(|| Error::missing("Keyset", number))?;
    for wanted in &wanted {
        if !blueprint.functions.iter().any(|have| have.id == wanted.id) {
            return Err(Error::missing("Function Blueprint", &wanted.id));
        }
    }
    request.must_be_allowed_on(keyset.number)?;
    described.settings.name = name.unwrap_or_else(|| blueprint.name.clone());
    let (functions, values) = fill(blueprint, &wanted)?;
    functions::must_fit(&functions)?;
    functions::must_not_meet(&functions)?;
    if !request.is_repeat().await? {
        must_be_free(&request, &described.settings.name, None).await?;
        must_have_room(&request).await?;
    }
    // All that can fail comes before anything is there.
    let mut sealed = Vec::with_capacity(values.len());
    for (name, value) in values {
        let value = secrets::seal(request.shared(), &request.project, &value).await;
        let value = value.map_err(|error| refused(error, &keyset.subscribe_key))?;
        sealed.push((name, value));
    }
    let revision = NewRevision {
        id: request.new_uuid("revision").into(),
        name: Some(described.revision_name),
        description: None,
        handlers: functions::compile(&request, functions).await?,
    };
    let made = Made {
        settings: described.settings,
        api_managed: false,
        blueprint: Some(blueprint.id.clone()),
        revision: revision.clone(),
    };
    import(&request, keyset.number, made, sealed).await
}

/// Makes the package, puts it on the keyset, stopped, and sets its secrets: nothing of it runs before
/// all is there. Each step has a command id of its own, so that a repeat goes on where it ended.
async fn import(
    request: &Request,
    keyset: u64,
    made: Made,
    sealed: Vec<(String, Sealed)>,
) -> Result<Reply, Error> {
    let revision = made.revision.id.clone();
    let mut handlers: Vec<_> = made.revision.handlers.iter().collect();
    handlers.sort_by(|a, b| (a.sort_order, &a.name).cmp(&(b.sort_order, &b.name)));
    let handlers = handlers.into_iter().map(|handler| handler.revision.clone());
    let handlers = handlers.collect();
    let (package, _) = made.create(request).await?;
    let assign = Command::Assign {
        id: PackageDeploymentId::from(request.new_uuid("deployment")),
        package: PackageId::from(&*package),
        revision: revision.clone(),
        keyset,
        handlers,
    };
    let key = AssignmentKey::new(&revision, keyset).key(&request.project);
    let (bus, context) = (&request.app.bus, request.further("assign"));
    let sent = bus.execute::<PackageDeployment>(&key, assign, &context);
    let mut committed = sent.await?;
    for (name, value) in sealed {
        let context = request.further(&format!("secret/{name}"));
        let (shared, project) = (request.shared(), &request.project);
        let put = secrets::put(shared, project, keyset, (&name, value), &context);
        committed = put
            .await
            .map_err(|error| refused(error, &keyset.to_string()))?;
    }
    answer(request, 201, &package, &committed).await
}

/// What is to be other than in the blueprint.
struct Wanted {
    /// Of the function blueprint.
    id: String,
    name: Option<String>,
    config: Option<Map<String, Value>>,
    /// By id of the parameter.
    params: BTreeMap<String, String>,
}

impl Wanted {
    fn read_all(body: &mut Object<'_>) -> Vec<Self> {
        let items = match body.any("functions") {
            Some(Value::Array(items)) => items,
            None => {
                body.wrong("functions", "is missing");
                return Vec::new();
            }
            Some(_) => {
                body.wrong("functions", "must be an array");
                return Vec::new();
            }
        };
        let mut all: Vec<Self> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Value::Object(item) = item else {
                body.wrong(&format!("functions[{index}]"), "must be an object");
                continue;
            };
            let mut sent = Object::of(item, format!("functions[{index}]."));
            let wanted = Self::read(&mut sent, index);
            if all.iter().any(|have| have.id == wanted.id) {
                sent.wrong("functionBlueprintId", "comes twice");
            }
            body.take(sent);
            all.push(wanted);
        }
        all
    }

    fn read(sent: &mut Object<'_>, index: usize) -> Self {
        let id = sent.id("functionBlueprintId");
        let name = sent.optional_text("name", 1..=100);
        let config = match sent.any("config") {
            None | Some(Value::Null) => None,
            Some(Value::Object(config)) => Some(config.clone()),
            Some(_) => {
                sent.wrong("config", "must be an object");
                None
            }
        };
        let mut params = BTreeMap::new();
        match sent.any("params") {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for (place, item) in items.iter().enumerate() {
                    let below = format!("functions[{index}].params[{place}].");
                    let Value::Object(item) = item else {
                        sent.wrong(&format!("params[{place}]"), "must be an object");
                        continue;
                    };
                    let mut param = Object::of(item, below);
                    let id = param.id("id");
                    match param.any("value") {
                        Some(Value::String(value)) => {
                            params.insert(id, value.clone());
                        }
                        Some(_) => param.wrong("value", "must be a string"),
                        None => param.wrong("value", "is missing"),
                    }
                    sent.take(param);
                }
            }
            Some(_) => sent.wrong("params", "must be an array"),
        }
        Self {
            id,
            name,
            config,
            params,
        }
    }
}

/// The functions of a package with values for their parameters, and the values that go into secrets.
fn fill(
    blueprint: &Package,
    wanted: &[Wanted],
) -> Result<(Vec<Sent>, BTreeMap<String, String>), Error> {
    let (mut functions, mut vault, mut wrong) = (Vec::new(), BTreeMap::new(), Vec::new());
    for function in &blueprint.functions {
        let wanted = wanted.iter().find(|wanted| wanted.id == function.id);
        let values = values(function, wanted, &mut wrong);
        for param in &function.params {
            if param.storage == Storage::Vault {
                let value = values.get(&*param.id).copied().unwrap_or_default();
                vault.insert(param.source_name.clone(), value.to_owned());
            }
        }
        let code = function.filled(|param| {
            let value = values.get(&*param.id).copied().unwrap_or_default();
            value.to_owned()
        });
        let changed = wanted.and_then(|wanted| wanted.config.as_ref());
        let config = changed.or(function.config.as_object());
        let config = config.cloned().unwrap_or_default();
        let place = wanted.map_or(String::new(), |_| format!("'{}': config.", function.name));
        let mut config = Object::of(&config, place);
        let kind = functions::kind(&function.kind).ok();
        let trigger = functions::trigger(&mut config, kind);
        config.finish()?;
        let name = wanted.and_then(|wanted| wanted.name.clone());
        functions.push(Sent {
            name: name.unwrap_or_else(|| function.name.clone()),
            trigger,
            sort_order: function.sort_order,
            code,
        });
    }
    match wrong.is_empty() {
        true => Ok((functions, vault)),
        false => Err(Error::several(Kind::Parameter, wrong)),
    }
}

/// The value of each parameter by its id: the one that was sent, or the default.
fn values<'a>(
    function: &'a Function,
    wanted: Option<&'a Wanted>,
    wrong: &mut Vec<String>,
) -> BTreeMap<&'a str, &'a str> {
    let sent = wanted.map(|wanted| &wanted.params);
    for id in sent.into_iter().flat_map(BTreeMap::keys) {
        if !function.params.iter().any(|param| param.id == *id) {
            wrong.push(format!(
                "The function '{}' has no parameter {id}",
                function.name
            ));
        }
    }
    let mut values = BTreeMap::new();
    for param in &function.params {
        let value = sent.and_then(|sent| sent.get(&param.id));
        let value = value.or(param.default_value.as_ref());
        match value.map(|value| (value, check(param, value))) {
            Some((value, Ok(()))) => {
                values.insert(&*param.id, &**value);
            }
            Some((_, Err(what))) => {
                wrong.push(format!("The parameter '{}' {what}", param.name));
            }
            None => {
                let name = &param.name;
                wrong.push(format!("The parameter '{name}' needs a value"));
            }
        }
    }
    values
}

fn check(param: &Param, value: &str) -> Result<(), String> {
    let least = usize::from(param.storage == Storage::Vault);
    if !(least..=LONGEST_VALUE).contains(&value.chars().count()) {
        return Err(format!("must have {least} to {LONGEST_VALUE} characters"));
    }
    if !param.value_type.takes(value) {
        return Err(format!("must be of type {}", param.value_type.as_str()));
    }
    match param.storage {
        Storage::Vault => check_name(&param.source_name),
        Storage::SourceCode => Ok(()),
    }
}
