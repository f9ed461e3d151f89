//! `/functions` and `/functions/{functionId}`.

use aggregates::function::{Change, Command, Function, Provider, ProviderChange, Settings};
use aggregates::{Dialect, FunctionId};
use projections::model;
use projections::query::{Filter, List, Operator, Scalar};

use super::catalogue::{runtimes, specifications};
use super::error::{Error, Kind};
use super::format::Model;
use super::parameters::Parameters;
use super::reply::Reply;
use super::request::Request;
use super::{queries, rules, schedules, time};
use crate::bus::Committed;

/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Lists.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let mut wanted = queries::read(&request.parameters, &queries::FUNCTIONS, request.format)?;
    schedules::resolve(&request, &mut wanted.list.filters).await?;
    let view = request.view();
    // Scripts of integrations are functions too, of which this dialect knows
    // nothing. Without an integration there are none to look at.
    let one = List {
        limit: 1,
        ..List::default()
    };
    let integrations = view.integrations(request.project.as_str(), &one).await?;
    if !integrations.rows.is_empty() {
        wanted.list.filters.push(Filter::Compare {
            column: "runtime",
            operator: Operator::NotEqual,
            values: vec![Scalar::Text("nango".to_owned())],
        });
    }
    let page = view
        .functions(request.project.as_str(), &wanted.list)
        .await?;
    let mut models = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        models.push(model_of(&request, row).await?);
    }
    let body = request.list("functions", Model::Function, page.total, models);
    Ok(Reply::json(200, body))
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let row = request.function().await?;
    answer(&request, 200, &row).await
}

/// Makes one.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let id = request.chosen_id("functionId", sent.required_text("functionId", 0..=64)?)?;
    let id = FunctionId::from(id);
    let common = Common::read(sent)?;
    let runtime = runtime(sent)?.ok_or_else(|| Error::missing("runtime"))?;
    let (build, run) = specifications(sent)?;
    let provider = common.provider.unwrap_or_default();
    check_provider(&provider)?;
    let settings = Settings {
        name: common.name,
        runtime,
        execute: common.execute,
        events: common.events,
        schedule: common.schedule,
        timeout: common.timeout,
        enabled: common.enabled,
        logging: common.logging,
        entrypoint: common.entrypoint.unwrap_or_default(),
        commands: common.commands,
        scopes: common.scopes,
        provider: Provider {
            branches: common.branches.unwrap_or_default(),
            paths: common.paths.unwrap_or_default(),
            ..provider
        },
        build_specification: build.unwrap_or_else(|| specifications::DEFAULT.to_owned()),
        runtime_specification: run.unwrap_or_else(|| specifications::DEFAULT.to_owned()),
        deployment_retention: common.retention,
        script: None,
    };
    check_rate(&request).await?;
    let command = Command::Create {
        origin: Dialect::Appwrite,
        settings,
    };
    let committed = execute(&request, &id, command).await?;
    changed(request, 201, &id, committed).await
}

/// Refuses when the project has made as many functions today as it may.
async fn check_rate(request: &Request) -> Result<(), Error> {
    let most = request.app.config.functions_per_day;
    if most == 0 || request.repeated().await?.is_some() {
        return Ok(());
    }
    let today = List {
        filters: vec![Filter::Compare {
            column: "created_at",
            operator: Operator::Greater,
            values: vec![Scalar::Integer(time::now() - DAY)],
        }],
        limit: 1,
        count_up_to: Some(most),
        ..List::default()
    };
    let made = request
        .view()
        .functions(request.project.as_str(), &today)
        .await?;
    if made.total < most {
        return Ok(());
    }
    let oldest = made.rows.first().map_or(0, |row| row.created_at);
    let left = (oldest + DAY - time::now()).clamp(0, DAY) / 1000;
    Err(Error::busy(u32::try_from(left).unwrap_or(0).max(1)))
}

/// Replaces the settings of one.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let id = request.function_id();
    let common = Common::read(sent)?;
    let runtime = match sent.text("runtime", 0..=128)? {
        None | Some("") => None,
        Some(_) => runtime(sent)?,
    };
    let (build_specification, runtime_specification) = specifications(sent)?;
    let connected = {
        let stored = request.function().await?;
        !stored.settings.provider.repository_id.is_empty()
    };
    let provider = match common.provider {
        None if connected => ProviderChange::Keep {
            silent_mode: common.silent_mode,
        },
        Some(provider) if connected && provider.repository_id.is_empty() => {
            ProviderChange::Disconnect
        }
        provider => {
            let provider = provider.unwrap_or_default();
            check_provider(&provider)?;
            ProviderChange::Connect(provider)
        }
    };
    let command = Command::Update {
        change: Change {
            name: common.name,
            runtime,
            execute: common.execute,
            events: common.events,
            schedule: common.schedule,
            timeout: common.timeout,
            enabled: common.enabled,
            logging: common.logging,
            entrypoint: common.entrypoint,
            commands: common.commands,
            scopes: common.scopes,
            provider,
            provider_branches: common.branches,
            provider_paths: common.paths,
            build_specification,
            runtime_specification,
            deployment_retention: common.retention,
        },
    };
    let committed = execute(&request, &id, command).await?;
    changed(request, 200, &id, committed).await
}

/// Deletes one and everything below it.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let committed = execute(&request, &request.function_id(), Command::Delete).await?;
    Ok(Reply::empty().committed(committed))
}

/// Sends a command to a function.
pub async fn execute(
    request: &Request,
    id: &FunctionId,
    command: Command,
) -> Result<Committed, Error> {
    let key = id.key(&request.project);
    let bus = &request.app.bus;
    Ok(bus
        .execute::<Function>(&key, command, &request.context)
        .await?)
}

/// Answers a command with the function as the command left it.
pub async fn changed(
    mut request: Request,
    status: u16,
    id: &FunctionId,
    committed: Committed,
) -> Result<Reply, Error> {
    request.at = Some(committed.position);
    let found = request
        .view()
        .function(request.project.as_str(), id.as_str())
        .await?;
    let row = found.ok_or_else(|| Error::new(Kind::FunctionNotFound))?;
    Ok(answer(&request, status, &row).await?.committed(committed))
}

async fn answer(request: &Request, status: u16, row: &model::Function) -> Result<Reply, Error> {
    let value = model_of(request, row).await?;
    Ok(Reply::json(status, request.shaped(Model::Function, value)))
}

async fn model_of(request: &Request, row: &model::Function) -> Result<serde_json::Value, Error> {
    let all = List {
        limit: Function::MAX_VARIABLES as u32,
        ..List::default()
    };
    let view = request.view();
    let variables = view
        .variables(request.project.as_str(), &row.id, &all)
        .await?;
    Ok(super::model::function(row, &variables.rows))
}

/// What create and update take alike.
struct Common {
    name: String,
    execute: Vec<String>,
    events: Vec<String>,
    schedule: String,
    timeout: u32,
    enabled: bool,
    logging: bool,
    /// None: keep or default.
    entrypoint: Option<String>,
    commands: String,
    scopes: Vec<String>,
    /// None: `providerRepositoryId` was not sent.
    provider: Option<Provider>,
    silent_mode: bool,
    branches: Option<Vec<String>>,
    paths: Option<Vec<String>>,
    retention: u32,
}

impl Common {
    fn read(sent: &Parameters) -> Result<Self, Error> {
        let name = sent.required_text("name", 1..=128)?.to_owned();
        let role = |role: &str| role.chars().count() <= 64 && rules::is_role(role);
        let execute = sent.list("execute", 100, role, "Role must be a valid role")?;
        let events = sent.texts("events", 100, 1024)?.unwrap_or_default();
        for event in &events {
            rules::check_event(event).map_err(|rule| Error::invalid("events", rule))?;
        }
        let schedule = sent.text_or_empty("schedule", 256)?;
        if !schedule.is_empty() && !rules::is_schedule(&schedule) {
            return Err(Error::invalid("schedule", rules::CRON));
        }
        let scopes = sent.list(
            "scopes",
            100,
            rules::is_scope,
            "Value must be one of the scopes of API keys",
        )?;
        let silent_mode = sent.boolean("providerSilentMode")?.unwrap_or(false);
        let installation_id = sent.text_or_empty("installationId", 128)?;
        let repository_id = sent.text("providerRepositoryId", 0..=128)?;
        let branch = sent.text_or_empty("providerBranch", 128)?;
        let root_directory = sent.text_or_empty("providerRootDirectory", 128)?;
        let named = !(installation_id.is_empty() && branch.is_empty() && root_directory.is_empty());
        let provider = (repository_id.is_some() || named).then(|| Provider {
            installation_id,
            repository_id: repository_id.unwrap_or_default().to_owned(),
            branch,
            root_directory,
            silent_mode,
            ..Provider::default()
        });
        Ok(Self {
            name,
            execute: execute.unwrap_or_default(),
            events,
            schedule,
            timeout: sent.integer("timeout", 1..=900)?.unwrap_or(15),
            enabled: sent.boolean("enabled")?.unwrap_or(true),
            logging: sent.boolean("logging")?.unwrap_or(true),
            entrypoint: sent
                .text("entrypoint", 0..=1028)?
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            commands: sent.text_or_empty("commands", 8192)?,
            scopes: scopes.unwrap_or_default(),
            provider,
            silent_mode,
            branches: sent.texts("providerBranches", 100, 128)?,
            paths: sent.texts("providerPaths", 100, 128)?,
            retention: sent.integer("deploymentRetention", 0..=36500)?.unwrap_or(0),
        })
    }
}

/// The runtime that was sent, when it is one that runs here.
fn runtime(sent: &Parameters) -> Result<Option<String>, Error> {
    let Some(id) = sent.text("runtime", 0..=128)? else {
        return Ok(None);
    };
    match runtimes::find(id) {
        Some(runtime) if runtime.enabled => Ok(Some(id.to_owned())),
        Some(_) => Err(Error::with(
            Kind::RuntimeUnsupported,
            format!(
                "Runtime \"{id}\" is not supported by this server: it runs JavaScript and WebAssembly (node, bun and deno)."
            ),
        )),
        None => {
            let rule = format!("Value must be one of ({})", runtimes::ids().join(", "));
            Err(Error::invalid("runtime", rule))
        }
    }
}

/// Build and runtime specification; the old name stands for both.
fn specifications(sent: &Parameters) -> Result<(Option<String>, Option<String>), Error> {
    let read = |name: &str| match sent.get(name) {
        // The published default of the old name is an empty list.
        Some(serde_json::Value::Array(items)) if items.is_empty() => Ok(None),
        _ => match sent.text(name, 0..=128)? {
            None | Some("") => Ok(None),
            Some(slug) if specifications::find(slug).is_some() => Ok(Some(slug.to_owned())),
            Some(_) => Err(Error::invalid(name, specifications::rule())),
        },
    };
    let old = read("specification")?;
    Ok((
        read("buildSpecification")?.or_else(|| old.clone()),
        read("runtimeSpecification")?.or(old),
    ))
}

/// There is no connection to any version control system, so no installation can
/// exist.
fn check_provider(provider: &Provider) -> Result<(), Error> {
    if !provider.repository_id.is_empty()
        && (provider.installation_id.is_empty() || provider.branch.is_empty())
    {
        return Err(Error::with(
            Kind::ArgumentInvalid,
            "A connection to VCS (Version Control System) needs both \"installationId\" and \"providerBranch\".",
        ));
    }
    if !provider.installation_id.is_empty() {
        return Err(Error::new(Kind::InstallationNotFound));
    }
    Ok(())
}
