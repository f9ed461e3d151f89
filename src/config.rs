//! Configuration: command-line flags, else `STRATA_*` environment variables,
//! else a TOML file, else the default. `docs/configuration.md` has the table.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// What can be set, as given. The same names serve as flags (`--data-dir`),
/// variables (`STRATA_DATA_DIR`) and keys of the file (`data-dir`).
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Settings {
    /// Folder of everything that Strata stores [default: ./strata-data]
    #[arg(long, env = "STRATA_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address to answer HTTP on; port 0 takes a free one [default: 127.0.0.1:8787]
    #[arg(long, env = "STRATA_LISTEN", value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// URL under which functions and users reach this server
    /// [default: http://LISTEN]
    #[arg(long, env = "STRATA_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Root API key; made and stored in the data directory when absent
    #[arg(
        long,
        env = "STRATA_ROOT_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    pub root_key: Option<String>,
    /// Master key, 64 hexadecimal digits; made and stored in the data directory
    /// when absent. Servers on one database need the same
    #[arg(
        long,
        env = "STRATA_MASTER_KEY",
        value_name = "HEX",
        hide_env_values = true
    )]
    pub master_key: Option<String>,
    /// Where sources and artefacts go: a folder, or s3://bucket/prefix (with
    /// the usual AWS_* variables) [default: DATA_DIR/blobs]
    #[arg(long, env = "STRATA_BLOBS", value_name = "URL")]
    pub blobs: Option<String>,
    /// What to log, for example `info` or `strata=debug,warn` [default: info]
    #[arg(long, env = "STRATA_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// `human` or `json` [default: human on a terminal, else json]
    #[arg(long, env = "STRATA_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Builds that run at the same time [default: number of cores]
    #[arg(long, env = "STRATA_BUILD_PARALLELISM", value_name = "N")]
    pub build_parallelism: Option<usize>,
    /// Seconds after which a build fails [default: 900]
    #[arg(long, env = "STRATA_BUILD_TIMEOUT", value_name = "SECONDS")]
    pub build_timeout: Option<u64>,
    /// Seconds after which an upload that was never completed fails [default: 86400]
    #[arg(long, env = "STRATA_UPLOAD_TIMEOUT", value_name = "SECONDS")]
    pub upload_timeout: Option<u64>,
    /// Largest source archive in bytes; 0 for no limit [default: 30000000]
    #[arg(long, env = "STRATA_MAX_SOURCE_BYTES", value_name = "BYTES")]
    pub max_source_bytes: Option<u64>,
    /// Address of the npm registry, when the upload's .npmrc names none
    /// [default: NPM_CONFIG_REGISTRY, else https://registry.npmjs.org]
    #[arg(long, env = "STRATA_NPM_REGISTRY", value_name = "URL")]
    pub npm_registry: Option<String>,
    /// Executions of one function that run at the same time [default: 1000]
    #[arg(long, env = "STRATA_FUNCTION_CONCURRENCY", value_name = "N")]
    pub function_concurrency: Option<usize>,
    /// Executions of all functions that run at the same time [default: 256]
    #[arg(long, env = "STRATA_MAX_INSTANCES", value_name = "N")]
    pub max_instances: Option<u32>,
    /// Lets functions reach loopback and private addresses [default: false]
    #[arg(
        long,
        env = "STRATA_ALLOW_PRIVATE_NETWORK",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub allow_private_network: Option<bool>,
    /// Functions that one project may create in a day; 0 for no limit [default: 0]
    #[arg(long, env = "STRATA_FUNCTIONS_PER_DAY", value_name = "N")]
    pub functions_per_day: Option<u32>,
    /// Checks the types of Nango functions with the TypeScript checker, which
    /// is fetched from the npm registry [default: true]
    #[arg(
        long,
        env = "STRATA_TYPE_CHECK",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub type_check: Option<bool>,
    /// YAML file of providers beside the built-in ones [default: none]
    #[arg(long, env = "STRATA_PROVIDERS", value_name = "FILE")]
    pub providers: Option<PathBuf>,
    /// Checks input and output of Nango actions against their schemas when they
    /// run [default: false]
    #[arg(
        long,
        env = "STRATA_VALIDATE_SCRIPTS",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub validate_scripts: Option<bool>,
    /// Requests of one project to the Nango API in a minute; 0 for no limit
    /// [default: 0]
    #[arg(long, env = "STRATA_NANGO_RATE_LIMIT", value_name = "N")]
    pub nango_rate_limit: Option<u32>,
    /// How the PubNub API answers an id that nothing has: 404 `FAAS-404` as in the published
    /// examples, or 400 `FAAS-1004` as in the published table of codes
    /// [default: examples]
    #[arg(long, env = "STRATA_PUBNUB_NOT_FOUND_PROFILE", value_name = "PROFILE")]
    pub pubnub_not_found_profile: Option<NotFoundProfile>,
    /// Most PubNub packages of one project [default: 100]
    #[arg(long, env = "STRATA_PUBNUB_PACKAGES", value_name = "N")]
    pub pubnub_packages: Option<u32>,
    /// Most package deployments of one project that run at the same time
    /// [default: 30]
    #[arg(long, env = "STRATA_PUBNUB_RUNNING_DEPLOYMENTS", value_name = "N")]
    pub pubnub_running_deployments: Option<u32>,
    /// Most keysets that one revision of a package is assigned to [default: 500]
    #[arg(long, env = "STRATA_PUBNUB_KEYSETS_PER_REVISION", value_name = "N")]
    pub pubnub_keysets_per_revision: Option<u32>,
    /// Takes functions of the type SUBSCRIBE_ON_INTERVAL [default: false]
    #[arg(
        long,
        env = "STRATA_PUBNUB_SUBSCRIBE_ON_INTERVAL",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub pubnub_subscribe_on_interval: Option<bool>,
    /// Requests of one project to the PubNub admin API in a minute; 0 for no
    /// limit [default: 0]
    #[arg(long, env = "STRATA_PUBNUB_RATE_LIMIT", value_name = "N")]
    pub pubnub_rate_limit: Option<u32>,
    /// Seconds that open requests and builds are given at shutdown [default: 30]
    #[arg(long, env = "STRATA_DRAIN_TIMEOUT", value_name = "SECONDS")]
    pub drain_timeout: Option<u64>,
    /// postgres://… keeps events and read models there, not in the data
    /// directory [default: none]
    #[arg(
        long,
        env = "STRATA_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// kurrentdb://… keeps events there, not in the data directory; needs a
    /// program that was built with the feature `kurrentdb` [default: none]
    #[arg(
        long,
        env = "STRATA_KURRENTDB_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub kurrentdb_url: Option<String>,
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// How the PubNub dialect answers an id that nothing has; published material contradicts itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotFoundProfile {
    /// As every published example of an endpoint: 404 `FAAS-404`.
    #[default]
    Examples,
    /// As the published table of codes: 400 `FAAS-1004`.
    Table,
}

/// The configuration in force.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is documented in `Settings`")]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    pub root_key: Option<String>,
    pub master_key: Option<[u8; 32]>,
    pub blobs: Option<String>,
    pub log: String,
    pub log_format: Option<LogFormat>,
    pub build_parallelism: usize,
    pub build_timeout: Duration,
    pub upload_timeout: Duration,
    pub max_source_bytes: u64,
    pub npm_registry: Option<String>,
    pub function_concurrency: usize,
    pub max_instances: u32,
    pub allow_private_network: bool,
    pub functions_per_day: u32,
    pub type_check: bool,
    pub providers: Option<PathBuf>,
    pub nango_rate_limit: u32,
    pub validate_scripts: bool,
    pub pubnub_not_found_profile: NotFoundProfile,
    pub pubnub_packages: u32,
    pub pubnub_running_deployments: u32,
    pub pubnub_keysets_per_revision: u32,
    pub pubnub_subscribe_on_interval: bool,
    pub pubnub_rate_limit: u32,
    pub drain_timeout: Duration,
    pub database_url: Option<String>,
    pub kurrentdb_url: Option<String>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {message}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A value is out of its range.
    #[error("{name}: {message}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
}

macro_rules! merge {
    ($first:ident, $second:ident: $($field:ident),+ $(,)?) => {
        Settings { $($field: $first.$field.or($second.$field)),+ }
    };
}

impl Settings {
    /// Reads a TOML file.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| Error::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    /// These settings, and where they say nothing, the others.
    pub fn or(self, other: Self) -> Self {
        let this = self;
        merge!(this, other: data_dir, listen, public_url, root_key, master_key, blobs, log, log_format,
            build_parallelism, build_timeout, upload_timeout, max_source_bytes, npm_registry,
            function_concurrency, max_instances, allow_private_network, functions_per_day,
            type_check, providers, nango_rate_limit, validate_scripts, pubnub_not_found_profile, pubnub_packages,
            pubnub_running_deployments, pubnub_keysets_per_revision, pubnub_subscribe_on_interval,
            pubnub_rate_limit, drain_timeout, database_url, kurrentdb_url)
    }

    /// Checks every value and fills in the defaults.
    pub fn build(self) -> Result<Config, Error> {
        let invalid = |name, message: &str| Error::Value {
            name,
            message: message.to_owned(),
        };
        let postgres = self.database_url.as_deref().is_none_or(|text| {
            url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql"))
        });
        if !postgres {
            return Err(invalid("database-url", "a postgres:// URL is needed"));
        }
        if self.kurrentdb_url.is_some() && self.database_url.is_some() {
            return Err(invalid(
                "kurrentdb-url",
                "events are kept in one place: not with database-url",
            ));
        }
        if self.kurrentdb_url.is_some() && !cfg!(feature = "kurrentdb") {
            return Err(invalid(
                "kurrentdb-url",
                "this program was built without the feature `kurrentdb`",
            ));
        }
        let log = self.log.unwrap_or_else(|| "info".to_owned());
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log) {
            return Err(invalid("log", &format!("{log:?} is no filter: {error}")));
        }
        if let Some(key) = &self.root_key
            && (key.len() < 16 || !key.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(invalid(
                "root-key",
                "at least 16 printable ASCII characters without blanks are needed",
            ));
        }
        let master_key = self.master_key.map(|text| {
            let bytes = hex::decode(text)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            bytes.ok_or_else(|| invalid("master-key", "64 hexadecimal digits are needed"))
        });
        for (name, url) in [
            ("public-url", &self.public_url),
            ("npm-registry", &self.npm_registry),
        ] {
            let http = url.as_deref().is_none_or(|text| {
                url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
            });
            if !http {
                return Err(invalid(name, "an http:// or https:// URL is needed"));
            }
        }
        let at_least_one = |name, value: usize| match value {
            0 => Err(invalid(name, "must be at least 1")),
            value => Ok(value),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let max_instances =
            at_least_one("max-instances", self.max_instances.unwrap_or(256) as usize)?;
        Ok(Config {
            data_dir: self.data_dir.unwrap_or_else(|| "strata-data".into()),
            listen: self
                .listen
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8787))),
            public_url: self.public_url,
            root_key: self.root_key,
            master_key: master_key.transpose()?,
            blobs: self.blobs,
            log,
            log_format: self.log_format,
            build_parallelism: at_least_one(
                "build-parallelism",
                self.build_parallelism.unwrap_or(cores),
            )?,
            build_timeout: Duration::from_secs(self.build_timeout.unwrap_or(900)),
            upload_timeout: Duration::from_secs(self.upload_timeout.unwrap_or(86_400)),
            max_source_bytes: self.max_source_bytes.unwrap_or(30_000_000),
            npm_registry: self.npm_registry,
            function_concurrency: at_least_one(
                "function-concurrency",
                self.function_concurrency.unwrap_or(1000),
            )?,
            max_instances: max_instances as u32,
            allow_private_network: self.allow_private_network.unwrap_or(false),
            functions_per_day: self.functions_per_day.unwrap_or(0),
            type_check: self.type_check.unwrap_or(true),
            providers: self.providers,
            nango_rate_limit: self.nango_rate_limit.unwrap_or(0),
            validate_scripts: self.validate_scripts.unwrap_or(false),
            pubnub_not_found_profile: self.pubnub_not_found_profile.unwrap_or_default(),
            pubnub_packages: self.pubnub_packages.unwrap_or(100),
            pubnub_running_deployments: self.pubnub_running_deployments.unwrap_or(30),
            pubnub_keysets_per_revision: self.pubnub_keysets_per_revision.unwrap_or(500),
            pubnub_subscribe_on_interval: self.pubnub_subscribe_on_interval.unwrap_or(false),
            pubnub_rate_limit: self.pubnub_rate_limit.unwrap_or(0),
            drain_timeout: Duration::from_secs(self.drain_timeout.unwrap_or(30)),
            database_url: self.database_url,
            kurrentdb_url: self.kurrentdb_url,
        })
    }
}
