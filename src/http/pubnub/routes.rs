//! The one table of routes: the router and the description of the API are both made from it.

use futures::future::BoxFuture;
use http::Method;

use super::error::Error;
use super::reply::Reply;
use super::request::Request;
use super::{
    catalogue, deployments, import, inputs, kv, limits, packages, revisions, scheduled, secrets,
};

/// One operation.
pub struct Route {
    /// HTTP method.
    pub verb: Verb,
    /// Below the prefix.
    pub path: &'static str,
    /// Unique name.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// A key must hold all of these on the account.
    pub permissions: &'static [&'static str],
    /// A key must hold all of these on the keyset that is meant.
    pub on_keyset: &'static [&'static str],
    /// Names in the query, beside `as_of`.
    pub query: &'static [&'static str],
    /// Schema of the body, or empty.
    pub takes: &'static str,
    /// Status of a good answer.
    pub status: u16,
    /// Schema of `data`, or empty.
    pub data: &'static str,
    /// Whether `data` is a list of these.
    pub list: bool,
    /// Does it.
    pub handler: Handler,
}

/// What does an operation.
pub type Handler = fn(Request) -> BoxFuture<'static, Result<Reply, Error>>;

/// The methods of this API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    /// The method.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Route {
    const fn new(
        verb: Verb,
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            verb,
            path,
            name,
            summary,
            permissions: &[],
            on_keyset: &[],
            query: &[],
            takes: "",
            status: match verb {
                Verb::Get | Verb::Put => 200,
                Verb::Post => 201,
                Verb::Delete => 204,
            },
            data: "",
            list: false,
            handler,
        }
    }

    /// Needs these permissions on the account.
    const fn needs(mut self, permissions: &'static [&'static str]) -> Self {
        self.permissions = permissions;
        self
    }

    /// Needs these permissions on a keyset.
    const fn on_keyset(mut self, permissions: &'static [&'static str]) -> Self {
        self.on_keyset = permissions;
        self
    }

    /// The query may have these.
    const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// The body has this schema.
    const fn takes(mut self, schema: &'static str) -> Self {
        self.takes = schema;
        self
    }

    /// The data of the answer have this schema.
    const fn gives(mut self, schema: &'static str) -> Self {
        self.data = schema;
        self
    }

    /// The data of the answer are a list of this.
    const fn lists(mut self, schema: &'static str) -> Self {
        self.list = true;
        self.gives(schema)
    }

    /// A good answer has another status than the method's own.
    const fn answers(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

macro_rules! route {
    ($verb:ident $path:literal $name:ident $summary:literal $($handler:ident)::+) => {
        Route::new(
            Verb::$verb,
            $path,
            stringify!($name),
            $summary,
            |request| Box::pin($($handler)::+(request)),
        )
    };
}

const READ: &[&str] = &["functions.package:read"];
const WRITE: &[&str] = &["functions.package:write"];
const DEPLOYMENT_READ: &[&str] = &["functions.package-deployment:read"];
const DEPLOYMENT_WRITE: &[&str] = &["functions.package-deployment:write"];
const STORE_READ: &[&str] = &["keyset:read"];
const STORE_WRITE: &[&str] = &["keyset:write"];

/// Every call of the store names its keyset.
const SUBKEY: &[&str] = &["subkey"];

/// The query of a list with tokens.
const CURSOR: &[&str] = &["subkey", "size", "page_token"];

/// The query of a list with numbered pages.
const PAGE: &[&str] = &["search", "page", "size", "sort"];

/// Every operation, in the order of section 6 of the reference.
pub static ALL: &[Route] = &[
    route!(Get "/packages" listPackages "Lists packages" packages::list)
        .needs(READ)
        .query(PAGE)
        .lists("Package"),
    route!(Post "/packages" createPackage "Makes a package with its first revision" packages::create)
        .needs(WRITE)
        .takes("PackageInput")
        .gives("Package"),
    route!(Get "/packages/{packageId}" getPackage "Gets a package" packages::get)
        .needs(READ)
        .gives("Package"),
    route!(Put "/packages/{packageId}" updatePackage "Changes what describes a package" packages::update)
        .needs(WRITE)
        .takes("PackageChange")
        .gives("Package"),
    route!(Delete "/packages/{packageId}" deletePackage "Deletes a package with its revisions" packages::delete)
        .needs(WRITE),
    route!(Get "/packages/{packageId}/package-revisions" listPackageRevisions "Lists the revisions of a package" packages::revisions)
        .needs(READ)
        .query(PAGE)
        .lists("PackageRevision"),
    route!(Post "/package-revisions" createPackageRevision "Adds a revision to a package" revisions::create)
        .needs(WRITE)
        .takes("PackageRevisionInput")
        .gives("PackageRevision"),
    route!(Get "/package-revisions/{packageRevisionId}" getPackageRevision "Gets a revision" revisions::get)
        .needs(READ)
        .gives("PackageRevision"),
    route!(Put "/package-revisions/{packageRevisionId}" updatePackageRevision "Changes what describes a revision" revisions::update)
        .needs(WRITE)
        .takes("PackageRevisionChange")
        .gives("PackageRevision"),
    route!(Delete "/package-revisions/{packageRevisionId}" deletePackageRevision "Deletes a revision" revisions::delete)
        .needs(WRITE),
    route!(Get "/package-revisions/{packageRevisionId}/functions" listFunctionRevisions "Lists the functions of a revision" revisions::functions)
        .needs(READ)
        .query(PAGE)
        .lists("FunctionRevision"),
    route!(Get "/package-revisions/{packageRevisionId}/package-deployments" listPackageDeployments "Lists the deployments of a revision" revisions::deployments)
        .on_keyset(DEPLOYMENT_READ)
        .query(PAGE)
        .lists("PackageDeployment"),
    route!(Get "/function-revisions/{functionRevisionId}/test-inputs" listTestInputs "Lists the test inputs of a function" inputs::list)
        .needs(READ)
        .query(PAGE)
        .lists("TestInput"),
    route!(Post "/function-revisions/{functionRevisionId}/test-inputs" createTestInput "Adds a test input" inputs::create)
        .needs(WRITE)
        .takes("TestInputInput")
        .gives("TestInput"),
    route!(Put "/function-revisions/{functionRevisionId}/test-inputs/{functionTestInputId}" updateTestInput "Changes a test input" inputs::update)
        .needs(WRITE)
        .takes("TestInputInput")
        .gives("TestInput"),
    route!(Delete "/function-revisions/{functionRevisionId}/test-inputs/{functionTestInputId}" deleteTestInput "Deletes a test input" inputs::delete)
        .needs(WRITE),
    route!(Get "/package-blueprints" listPackageBlueprints "Lists packages of the catalogue" catalogue::list)
        .query(&["name", "tag", "page", "size", "sort"])
        .lists("PackageBlueprint"),
    route!(Get "/package-blueprints/{packageBlueprintId}" getPackageBlueprint "Gets a package of the catalogue" catalogue::get)
        .gives("PackageBlueprint"),
    route!(Get "/package-blueprints/{packageBlueprintId}/function-blueprints" listFunctionBlueprints "Lists the functions of a package of the catalogue" catalogue::functions)
        .lists("FunctionBlueprint"),
    route!(Get "/function-blueprints/{functionBlueprintId}/function-blueprint-params" listParamsOfFunctionBlueprint "Lists the parameters of a function of the catalogue" catalogue::params_of_function)
        .lists("BlueprintParam"),
    route!(Get "/function-blueprint-params" listFunctionBlueprintParams "Lists parameters of functions of the catalogue" catalogue::params)
        .query(&["name", "package_blueprint_id", "page", "size", "sort"])
        .lists("BlueprintParam"),
    route!(Get "/function-blueprint-params/{functionBlueprintParamId}" getFunctionBlueprintParam "Gets a parameter of a function of the catalogue" catalogue::get_param)
        .gives("BlueprintParam"),
    route!(Post "/package-blueprints/{packageBlueprintId}/packages" importPackage "Makes a package from the catalogue and puts it on a keyset, stopped" import::create)
        .needs(WRITE)
        .on_keyset(DEPLOYMENT_WRITE)
        .takes("Import")
        .gives("Package"),
    route!(Get "/kv/strings" listStrings "Lists texts of a keyset" kv::list_strings)
        .on_keyset(STORE_READ)
        .query(CURSOR)
        .lists("StringEntry"),
    route!(Get "/kv/strings/{key}" getString "Gets a text" kv::get_string)
        .on_keyset(STORE_READ)
        .query(SUBKEY)
        .gives("StringEntry"),
    route!(Put "/kv/strings/{key}" setString "Sets a text" kv::set_string)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY)
        .takes("EntryInput")
        .gives("StringEntry"),
    route!(Delete "/kv/strings/{key}" deleteString "Deletes a text" kv::delete_string)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY),
    route!(Get "/kv/jsons" listJsons "Lists JSON values of a keyset" kv::list_jsons)
        .on_keyset(STORE_READ)
        .query(CURSOR)
        .lists("JsonEntry"),
    route!(Get "/kv/jsons/{key}" getJson "Gets a JSON value" kv::get_json)
        .on_keyset(STORE_READ)
        .query(SUBKEY)
        .gives("JsonEntry"),
    route!(Put "/kv/jsons/{key}" setJson "Sets a JSON value" kv::set_json)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY)
        .takes("EntryInput")
        .gives("JsonEntry"),
    route!(Delete "/kv/jsons/{key}" deleteJson "Deletes a JSON value" kv::delete_json)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY),
    route!(Get "/kv/counters" listCounters "Lists counters of a keyset" kv::list_counters)
        .on_keyset(STORE_READ)
        .query(CURSOR)
        .lists("Counter"),
    route!(Get "/kv/counters/{key}" getCounter "Gets a counter" kv::get_counter)
        .on_keyset(STORE_READ)
        .query(SUBKEY)
        .gives("Counter"),
    route!(Post "/kv/counters/{key}/increment" incrementCounter "Adds to a counter" kv::increment)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY)
        .takes("CounterAmount")
        .answers(204),
    route!(Post "/kv/counters/{key}/decrement" decrementCounter "Takes away from a counter" kv::decrement)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY)
        .takes("CounterAmount")
        .answers(204),
    route!(Get "/kv/secrets" listSecrets "Lists the names of a keyset's secrets" secrets::list)
        .on_keyset(STORE_READ)
        .query(SUBKEY)
        .lists("Secret"),
    route!(Put "/kv/secrets/{key}" setSecret "Sets a secret" secrets::set)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY)
        .takes("SecretInput")
        .gives("Secret"),
    route!(Delete "/kv/secrets/{key}" deleteSecret "Deletes a secret" secrets::delete)
        .on_keyset(STORE_WRITE)
        .query(SUBKEY),
    route!(Get "/limits/package-deployments-running" getRunningLimit "How many deployments run, and how many may" limits::running)
        .needs(READ)
        .gives("Limit"),
    route!(Post "/package-deployments" createPackageDeployment
        "Assign a package revision to a keyset" deployments::create)
    .on_keyset(DEPLOYMENT_WRITE)
    .takes("PackageDeploymentInput")
    .gives("PackageDeployment"),
    route!(Get "/package-deployments/intersected" listIntersectedPackageDeployments
        "Running package deployments that listen on given channels" deployments::intersected)
    .on_keyset(DEPLOYMENT_READ)
    .query(&["keyset_id", "channel", "function_type"])
    .lists("Intersection"),
    route!(Get "/package-deployments/{packageDeploymentId}" getPackageDeployment
        "Get a package deployment" deployments::get)
    .on_keyset(DEPLOYMENT_READ)
    .gives("PackageDeployment"),
    route!(Delete "/package-deployments/{packageDeploymentId}" deletePackageDeployment
        "Remove a package deployment from its keyset" deployments::delete)
    .on_keyset(DEPLOYMENT_WRITE),
    route!(Post "/package-deployments/{packageDeploymentId}/function-deployments"
        startFunctionDeployments "Start a package deployment, or restart it" deployments::start)
    .on_keyset(DEPLOYMENT_WRITE)
    .answers(200)
    .gives("PackageDeployment"),
    route!(Delete "/package-deployments/{packageDeploymentId}/function-deployments"
        stopFunctionDeployments "Stop a package deployment" deployments::stop)
    .on_keyset(DEPLOYMENT_WRITE)
    .query(&["force"])
    .answers(200)
    .gives("PackageDeployment"),
    route!(Put "/package-deployments/{packageDeploymentId}/function-deployments"
        updateFunctionDeployments "Replace a running package deployment by another"
        deployments::roll)
    .on_keyset(DEPLOYMENT_WRITE)
    .takes("RollingUpdate")
    .gives("PackageDeployment"),
    route!(Delete "/function-deployments" stopFunctionDeploymentsBy
        "Stop all package deployments of a package or of a revision" deployments::stop_by)
    .needs(DEPLOYMENT_WRITE)
    .query(&["package_id", "package_revision_id"])
    .answers(200)
    .lists("PackageDeployment"),
    route!(Get "/scheduled/events" listScheduledEvents
        "List scheduled events" scheduled::list)
    .on_keyset(DEPLOYMENT_READ)
    .query(PAGE)
    .lists("ScheduledEvent"),
    route!(Post "/scheduled/events" createScheduledEvent
        "Schedule a window of time in which a package deployment runs" scheduled::create)
    .on_keyset(DEPLOYMENT_WRITE)
    .takes("ScheduledEventInput")
    .gives("ScheduledEvent"),
    route!(Get "/scheduled/events/{scheduledEventId}" getScheduledEvent
        "Get a scheduled event" scheduled::get)
    .on_keyset(DEPLOYMENT_READ)
    .gives("ScheduledEvent"),
    route!(Put "/scheduled/events/{scheduledEventId}" updateScheduledEvent
        "Change a scheduled event" scheduled::update)
    .on_keyset(DEPLOYMENT_WRITE)
    .takes("ScheduledEventChange")
    .gives("ScheduledEvent"),
    route!(Delete "/scheduled/events/{scheduledEventId}" deleteScheduledEvent
        "Remove a scheduled event" scheduled::delete)
    .on_keyset(DEPLOYMENT_WRITE),];
