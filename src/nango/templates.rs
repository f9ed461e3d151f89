//! Functions of our own that can be deployed by name, for the providers of the catalogue.

use std::sync::LazyLock;

use aggregates::ScriptKind;

/// A template.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The provider it is for.
    pub provider: &'static str,
    /// Action or sync.
    pub kind: ScriptKind,
    /// Its name.
    pub name: &'static str,
    /// The TypeScript.
    pub code: &'static str,
}

macro_rules! templates {
    ($($provider:literal $folder:literal $name:literal),* $(,)?) => {
        [$(($provider, $folder, $name, include_str!(concat!("templates/", $provider, "/", $folder, "/", $name, ".ts")))),*]
    };
}

static SOURCES: [(&str, &str, &str, &str); 16] = templates![
    "airtable" "actions" "create-records",
    "airtable" "syncs" "records",
    "github" "actions" "create-issue",
    "github" "syncs" "list-issues",
    "gitlab" "syncs" "projects",
    "google-calendar" "syncs" "events",
    "hubspot" "actions" "create-contact",
    "hubspot" "syncs" "contacts",
    "jira" "syncs" "issues",
    "linear" "actions" "create-issue",
    "notion" "syncs" "pages",
    "slack" "actions" "post-message",
    "slack" "syncs" "users",
    "stripe" "actions" "create-customer",
    "stripe" "syncs" "customers",
    "zendesk" "syncs" "tickets",
];

static ALL: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let templates = SOURCES
        .iter()
        .map(|(provider, folder, name, code)| Template {
            provider,
            kind: match *folder {
                "syncs" => ScriptKind::Sync,
                _ => ScriptKind::Action,
            },
            name,
            code,
        });
    templates.collect()
});

/// Those of a provider, actions before syncs, by name.
pub fn of(provider: &str) -> Vec<&'static Template> {
    ALL.iter()
        .filter(|template| template.provider == provider)
        .collect()
}
