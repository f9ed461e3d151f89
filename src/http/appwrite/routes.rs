//! The one table of routes: the router and the description of the API are both
//! made from it.

use futures::future::BoxFuture;
use http::Method;

use super::error::{Error, Kind};
use super::reply::Reply;
use super::request::Request;
use super::{deployments, executions, functions, system, variables};
use crate::config::Config;

/// One operation.
pub struct Route {
    /// HTTP method.
    pub method: Method,
    /// Relative to `/v1`.
    pub path: &'static str,
    /// The method's name in the SDKs.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Who may call it.
    pub access: Access,
    /// In the query string of a GET, else in the body.
    pub parameters: &'static [Parameter],
    /// Status and model of a good answer.
    pub answer: (u16, &'static str),
    /// Most bytes of a body.
    pub body_limit: fn(&Config) -> usize,
    /// What a larger body is refused with.
    pub too_large: Kind,
    /// Does it.
    pub handler: fn(Request) -> BoxFuture<'static, Result<Reply, Error>>,
}

/// Who may call a route.
#[derive(Clone, Copy)]
pub enum Access {
    /// Anybody, without a project.
    Open,
    /// Whoever holds one of the scopes in a project; no scopes: anybody.
    Project(&'static [&'static str]),
}

/// A parameter as the description of the API shows it.
pub struct Parameter {
    /// On the wire.
    pub name: &'static str,
    /// `string`, `strings`, `integer`, `boolean`, `object` or `file`.
    pub kind: &'static str,
    /// What it is when it is not sent, as JSON; none: it must be sent.
    pub default: Option<&'static str>,
    /// One sentence.
    pub about: &'static str,
}

const fn required(name: &'static str, kind: &'static str, about: &'static str) -> Parameter {
    Parameter {
        name,
        kind,
        default: None,
        about,
    }
}

const fn optional(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    about: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        default: Some(default),
        about,
    }
}

const QUERIES: Parameter = optional(
    "queries",
    "strings",
    "[]",
    "Queries as JSON strings: filters, order, limit, offset, cursor. At most 100 of 4096 characters.",
);
const SEARCH: Parameter = optional(
    "search",
    "string",
    "\"\"",
    "Words to look for. At most 256 characters.",
);
const TOTAL: Parameter = optional(
    "total",
    "boolean",
    "true",
    "Whether to count all matching rows.",
);
const ENTRYPOINT: Parameter = optional(
    "entrypoint",
    "string",
    "\"\"",
    "Entry file, relative to the source.",
);
const COMMANDS: Parameter = optional("commands", "string", "\"\"", "Build commands.");
const DEPLOYMENT_ID: Parameter = required("deploymentId", "string", "Deployment ID.");

/// Everything that create and update of a function share.
macro_rules! settings {
    ($($own:expr)? ; $runtime:ident $($default:literal)?) => {
        &[
            $($own,)?
            required("name", "string", "Function name. At most 128 characters."),
            $runtime("runtime", "string", $($default,)? "Execution runtime, as listed by GET /functions/runtimes."),
            optional("execute", "strings", "[]", "Roles that may execute the function. At most 100 of 64 characters."),
            optional("events", "strings", "[]", "Events that trigger it. At most 100."),
            optional("schedule", "string", "\"\"", "Cron expression of five fields, in UTC."),
            optional("timeout", "integer", "15", "Longest execution in seconds, 1 to 900."),
            optional("enabled", "boolean", "true", "Off: only API keys may execute it."),
            optional("logging", "boolean", "true", "Off: executions keep no logs and errors."),
            ENTRYPOINT,
            COMMANDS,
            optional("scopes", "strings", "[]", "Scopes of the key that every execution is given. At most 100."),
            optional("installationId", "string", "\"\"", "Installation ID of a VCS (Version Control System) connection."),
            optional("providerRepositoryId", "string", "\"\"", "Repository ID of a VCS connection."),
            optional("providerBranch", "string", "\"\"", "Production branch of a VCS connection."),
            optional("providerSilentMode", "boolean", "false", "No comments on commits and pull requests."),
            optional("providerRootDirectory", "string", "\"\"", "Path to the function's code in the repository."),
            optional("providerBranches", "strings", "[]", "Branches that are deployed."),
            optional("providerPaths", "strings", "[]", "Paths whose changes are deployed."),
            optional("specification", "string", "[]", "Machine size of builds and executions, in the old spelling."),
            optional("buildSpecification", "string", "\"\"", "Machine size of builds."),
            optional("runtimeSpecification", "string", "\"\"", "Machine size of executions."),
            optional("deploymentRetention", "integer", "0", "Days after which inactive deployments are removed; 0 keeps them."),
        ]
    };
}

const FUNCTIONS_READ: Access = Access::Project(&["functions.read"]);
const FUNCTIONS_WRITE: Access = Access::Project(&["functions.write"]);
const EXECUTIONS_READ: Access = Access::Project(&["executions.read", "execution.read"]);
const EXECUTIONS_WRITE: Access = Access::Project(&["executions.write", "execution.write"]);
const PUBLIC: Access = Access::Project(&[]);

const MIB: usize = 1024 * 1024;

fn small(_: &Config) -> usize {
    MIB
}

/// Room for the form around the file, and for a file that is a little too large
/// to be read to its end and refused with a clear answer.
fn upload(config: &Config) -> usize {
    match config.max_source_bytes {
        0 => 1024 * MIB,
        most => usize::try_from(most)
            .unwrap_or(1024 * MIB)
            .saturating_add(8 * MIB),
    }
}

/// The longest execution body, every character of four bytes.
fn execution(_: &Config) -> usize {
    41 * MIB
}

/// A route with a body of the usual size.
#[expect(clippy::too_many_arguments, reason = "a row of a table")]
const fn route(
    method: Method,
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    access: Access,
    parameters: &'static [Parameter],
    answer: (u16, &'static str),
    handler: fn(Request) -> BoxFuture<'static, Result<Reply, Error>>,
) -> Route {
    let body = (small as fn(&Config) -> usize, Kind::PayloadTooLarge);
    sized(
        body, method, path, name, summary, access, parameters, answer, handler,
    )
}

/// A route with a body of another size.
#[expect(clippy::too_many_arguments, reason = "a row of a table")]
const fn sized(
    (body_limit, too_large): (fn(&Config) -> usize, Kind),
    method: Method,
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    access: Access,
    parameters: &'static [Parameter],
    answer: (u16, &'static str),
    handler: fn(Request) -> BoxFuture<'static, Result<Reply, Error>>,
) -> Route {
    Route {
        method,
        path,
        name,
        summary,
        access,
        parameters,
        answer,
        body_limit,
        too_large,
        handler,
    }
}

/// All routes.
pub static ALL: &[Route] = &[
    route(
        Method::GET,
        "/functions",
        "list",
        "List the functions of the project.",
        FUNCTIONS_READ,
        &[QUERIES, SEARCH, TOTAL],
        (200, "FunctionList"),
        |request| Box::pin(functions::list(request)),
    ),
    route(
        Method::POST,
        "/functions",
        "create",
        "Create a function.",
        FUNCTIONS_WRITE,
        settings!(required("functionId", "string", "Function ID, or `unique()`."); required),
        (201, "Function"),
        |request| Box::pin(functions::create(request)),
    ),
    route(
        Method::GET,
        "/functions/runtimes",
        "listRuntimes",
        "List the runtimes of this server.",
        PUBLIC,
        &[],
        (200, "RuntimeList"),
        |request| Box::pin(system::runtimes(request)),
    ),
    route(
        Method::GET,
        "/functions/specifications",
        "listSpecifications",
        "List the machine sizes of this server.",
        FUNCTIONS_READ,
        &[optional(
            "type",
            "string",
            "\"runtimes\"",
            "`runtimes` or `builds`.",
        )],
        (200, "SpecificationList"),
        |request| Box::pin(system::specifications(request)),
    ),
    route(
        Method::GET,
        "/functions/templates",
        "listTemplates",
        "List the functions that can be deployed without code.",
        PUBLIC,
        &[
            optional(
                "runtimes",
                "strings",
                "[]",
                "Runtimes, one of which a template must have.",
            ),
            optional(
                "useCases",
                "strings",
                "[]",
                "Use cases, one of which a template must serve.",
            ),
            optional("limit", "integer", "25", "1 to 5000."),
            optional("offset", "integer", "0", "0 to 5000."),
            TOTAL,
        ],
        (200, "TemplateFunctionList"),
        |request| Box::pin(system::templates(request)),
    ),
    route(
        Method::GET,
        "/functions/templates/{templateId}",
        "getTemplate",
        "Get a template.",
        PUBLIC,
        &[],
        (200, "TemplateFunction"),
        |request| Box::pin(system::template(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}",
        "get",
        "Get a function.",
        FUNCTIONS_READ,
        &[],
        (200, "Function"),
        |request| Box::pin(functions::get(request)),
    ),
    route(
        Method::PUT,
        "/functions/{functionId}",
        "update",
        "Replace the settings of a function.",
        FUNCTIONS_WRITE,
        settings!(; optional "\"\""),
        (200, "Function"),
        |request| Box::pin(functions::update(request)),
    ),
    route(
        Method::DELETE,
        "/functions/{functionId}",
        "delete",
        "Delete a function and everything below it.",
        FUNCTIONS_WRITE,
        &[],
        (204, ""),
        |request| Box::pin(functions::delete(request)),
    ),
    route(
        Method::PATCH,
        "/functions/{functionId}/deployment",
        "updateFunctionDeployment",
        "Set the active deployment.",
        FUNCTIONS_WRITE,
        &[DEPLOYMENT_ID],
        (200, "Function"),
        |request| Box::pin(deployments::activate(request)),
    ),
    route(
        Method::PATCH,
        "/functions/{functionId}/deployments/{deploymentId}",
        "activateDeployment",
        "Set the active deployment.",
        FUNCTIONS_WRITE,
        &[],
        (200, "Function"),
        |request| Box::pin(deployments::activate_in_path(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/deployments",
        "listDeployments",
        "List the deployments of a function.",
        FUNCTIONS_READ,
        &[QUERIES, SEARCH, TOTAL],
        (200, "DeploymentList"),
        |request| Box::pin(deployments::list(request)),
    ),
    sized(
        (upload, Kind::InvalidFileSize),
        Method::POST,
        "/functions/{functionId}/deployments",
        "createDeployment",
        "Upload code as a gzip-compressed tar, whole or in chunks of 5 MiB.",
        FUNCTIONS_WRITE,
        &[
            ENTRYPOINT,
            COMMANDS,
            required("code", "file", "The archive; its file name ends in `.gz`."),
            required(
                "activate",
                "boolean",
                "Whether it becomes the active deployment when it is built.",
            ),
        ],
        (202, "Deployment"),
        |request| Box::pin(deployments::create(request)),
    ),
    route(
        Method::POST,
        "/functions/{functionId}/deployments/duplicate",
        "createDuplicateDeployment",
        "Build the source of a deployment again, with the function's settings of now.",
        FUNCTIONS_WRITE,
        &[
            DEPLOYMENT_ID,
            optional("buildId", "string", "\"\"", "Not used."),
        ],
        (202, "Deployment"),
        |request| Box::pin(deployments::duplicate(request)),
    ),
    route(
        Method::POST,
        "/functions/{functionId}/deployments/template",
        "createTemplateDeployment",
        "Deploy a template, as listed by GET /functions/templates.",
        FUNCTIONS_WRITE,
        &[
            required("repository", "string", "Repository of the template."),
            required("owner", "string", "Owner of the repository."),
            required(
                "rootDirectory",
                "string",
                "Path to the template in the repository.",
            ),
            optional("type", "string", "\"tag\"", "`commit`, `branch` or `tag`."),
            optional(
                "reference",
                "string",
                "\"\"",
                "Which commit, branch or tag.",
            ),
            optional(
                "version",
                "string",
                "\"\"",
                "Which tag, in the old spelling.",
            ),
            optional(
                "activate",
                "boolean",
                "false",
                "Whether it becomes the active deployment when it is built.",
            ),
        ],
        (202, "Deployment"),
        |request| Box::pin(deployments::from_template(request)),
    ),
    route(
        Method::POST,
        "/functions/{functionId}/deployments/vcs",
        "createVcsDeployment",
        "Deploy a branch or commit of the connected repository.",
        FUNCTIONS_WRITE,
        &[
            required("type", "string", "`branch` or `commit`."),
            required("reference", "string", "Which branch or commit."),
            optional(
                "activate",
                "boolean",
                "false",
                "Whether it becomes the active deployment when it is built.",
            ),
        ],
        (202, "Deployment"),
        |request| Box::pin(deployments::from_repository(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/deployments/{deploymentId}",
        "getDeployment",
        "Get a deployment.",
        FUNCTIONS_READ,
        &[],
        (200, "Deployment"),
        |request| Box::pin(deployments::get(request)),
    ),
    route(
        Method::DELETE,
        "/functions/{functionId}/deployments/{deploymentId}",
        "deleteDeployment",
        "Delete a deployment.",
        FUNCTIONS_WRITE,
        &[],
        (204, ""),
        |request| Box::pin(deployments::delete(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/deployments/{deploymentId}/download",
        "getDeploymentDownload",
        "Download the source or the build of a deployment.",
        PUBLIC,
        &[optional(
            "type",
            "string",
            "\"source\"",
            "`source` or `output`.",
        )],
        (200, "file"),
        |request| Box::pin(deployments::download(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/deployments/{deploymentId}/build/download",
        "getBuildDownload",
        "Download the build of a deployment.",
        PUBLIC,
        &[],
        (200, "file"),
        |request| Box::pin(deployments::download_build(request)),
    ),
    route(
        Method::PATCH,
        "/functions/{functionId}/deployments/{deploymentId}/status",
        "updateDeploymentStatus",
        "Cancel the build of a deployment.",
        FUNCTIONS_WRITE,
        &[],
        (200, "Deployment"),
        |request| Box::pin(deployments::cancel(request)),
    ),
    route(
        Method::PATCH,
        "/functions/{functionId}/deployments/{deploymentId}/build",
        "updateDeploymentBuild",
        "Cancel the build of a deployment.",
        FUNCTIONS_WRITE,
        &[],
        (200, "Deployment"),
        |request| Box::pin(deployments::cancel(request)),
    ),
    route(
        Method::POST,
        "/functions/{functionId}/deployments/{deploymentId}/build",
        "createDeploymentBuild",
        "Build the source of a deployment again.",
        FUNCTIONS_WRITE,
        &[],
        (202, "Deployment"),
        |request| Box::pin(deployments::duplicate_in_path(request)),
    ),
    route(
        Method::POST,
        "/functions/{functionId}/deployments/{deploymentId}/builds/{buildId}",
        "createBuild",
        "Build the source of a deployment again.",
        FUNCTIONS_WRITE,
        &[],
        (202, "Deployment"),
        |request| Box::pin(deployments::duplicate_in_path(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/executions",
        "listExecutions",
        "List the executions of a function.",
        EXECUTIONS_READ,
        &[QUERIES, TOTAL],
        (200, "ExecutionList"),
        |request| Box::pin(executions::list(request)),
    ),
    sized(
        (execution, Kind::PayloadTooLarge),
        Method::POST,
        "/functions/{functionId}/executions",
        "createExecution",
        "Execute a function now, in the background, or at a later time.",
        EXECUTIONS_WRITE,
        &[
            optional(
                "body",
                "string",
                "\"\"",
                "Body of the request. At most 10485760 characters.",
            ),
            optional(
                "async",
                "boolean",
                "false",
                "Whether to answer before it has run.",
            ),
            optional(
                "path",
                "string",
                "\"/\"",
                "Path of the request, which may hold a query.",
            ),
            optional(
                "method",
                "string",
                "\"POST\"",
                "GET, POST, PUT, PATCH, DELETE, OPTIONS or HEAD.",
            ),
            optional("headers", "object", "{}", "Headers of the request."),
            optional(
                "scheduledAt",
                "string",
                "null",
                "When to run, ISO 8601, in whole minutes.",
            ),
        ],
        (201, "Execution"),
        |request| Box::pin(executions::create(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/executions/{executionId}",
        "getExecution",
        "Get an execution.",
        EXECUTIONS_READ,
        &[],
        (200, "Execution"),
        |request| Box::pin(executions::get(request)),
    ),
    route(
        Method::DELETE,
        "/functions/{functionId}/executions/{executionId}",
        "deleteExecution",
        "Delete an execution.",
        EXECUTIONS_WRITE,
        &[],
        (204, ""),
        |request| Box::pin(executions::delete(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/variables",
        "listVariables",
        "List the variables of a function.",
        FUNCTIONS_READ,
        &[QUERIES, TOTAL],
        (200, "VariableList"),
        |request| Box::pin(variables::list(request)),
    ),
    route(
        Method::POST,
        "/functions/{functionId}/variables",
        "createVariable",
        "Create a variable.",
        FUNCTIONS_WRITE,
        &[
            optional(
                "variableId",
                "string",
                "\"unique()\"",
                "Variable ID, or `unique()`.",
            ),
            required(
                "key",
                "string",
                "Name in the environment. At most 255 characters.",
            ),
            required("value", "string", "Value. At most 8192 characters."),
            optional(
                "secret",
                "boolean",
                "true",
                "Whether only functions can read it.",
            ),
        ],
        (201, "Variable"),
        |request| Box::pin(variables::create(request)),
    ),
    route(
        Method::GET,
        "/functions/{functionId}/variables/{variableId}",
        "getVariable",
        "Get a variable.",
        FUNCTIONS_READ,
        &[],
        (200, "Variable"),
        |request| Box::pin(variables::get(request)),
    ),
    route(
        Method::PUT,
        "/functions/{functionId}/variables/{variableId}",
        "updateVariable",
        "Change a variable.",
        FUNCTIONS_WRITE,
        &[
            optional(
                "key",
                "string",
                "null",
                "Name in the environment; kept when not sent.",
            ),
            optional("value", "string", "null", "Value; kept when not sent."),
            optional(
                "secret",
                "boolean",
                "null",
                "Whether only functions can read it; kept when not sent.",
            ),
        ],
        (200, "Variable"),
        |request| Box::pin(variables::update(request)),
    ),
    route(
        Method::DELETE,
        "/functions/{functionId}/variables/{variableId}",
        "deleteVariable",
        "Delete a variable.",
        FUNCTIONS_WRITE,
        &[],
        (204, ""),
        |request| Box::pin(variables::delete(request)),
    ),
    route(
        Method::GET,
        "/ping",
        "ping",
        "Answers `Pong!`.",
        Access::Open,
        &[],
        (200, "text"),
        |request| Box::pin(system::ping(request)),
    ),
    route(
        Method::GET,
        "/health/version",
        "getVersion",
        "The version of the API.",
        Access::Open,
        &[],
        (200, "HealthVersion"),
        |request| Box::pin(system::version(request)),
    ),
    route(
        Method::GET,
        "/proxy/rules",
        "listRules",
        "Domain rules; there are none.",
        Access::Project(&["rules.read"]),
        &[QUERIES, TOTAL],
        (200, "ProxyRuleList"),
        |request| Box::pin(system::rules(request)),
    ),
    route(
        Method::GET,
        "/console/variables",
        "consoleVariables",
        "What the command line asks of a console.",
        Access::Open,
        &[],
        (200, "ConsoleVariables"),
        |request| Box::pin(system::console(request)),
    ),
];
