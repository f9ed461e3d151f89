//! Machine sizes that a function may ask for.

use serde_json::{Value, json};

/// A machine size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Specification {
    /// Its name on the wire.
    pub slug: &'static str,
    /// Share of processors.
    pub cpus: f64,
    /// In MB.
    pub memory: u32,
}

const fn specification(slug: &'static str, cpus: f64, memory: u32) -> Specification {
    Specification { slug, cpus, memory }
}

/// In the order of the list that clients get.
pub const ALL: &[Specification] = &[
    specification("s-0.5vcpu-512mb", 0.5, 512),
    specification("s-1vcpu-512mb", 1.0, 512),
    specification("s-1vcpu-1gb", 1.0, 1024),
    specification("s-2vcpu-2gb", 2.0, 2048),
    specification("s-2vcpu-4gb", 2.0, 4096),
    specification("s-4vcpu-4gb", 4.0, 4096),
    specification("s-4vcpu-8gb", 4.0, 8192),
    specification("s-8vcpu-4gb", 8.0, 4096),
    specification("s-8vcpu-8gb", 8.0, 8192),
];

/// What a new function gets: a sandbox has no use for more, unless it is asked for.
pub const DEFAULT: &str = "s-1vcpu-512mb";

/// Finds one by its slug.
pub fn find(slug: &str) -> Option<&'static Specification> {
    ALL.iter().find(|specification| specification.slug == slug)
}

/// The models of all.
pub fn models() -> Vec<Value> {
    ALL.iter()
        .map(|specification| {
            json!({
                "memory": specification.memory,
                "cpus": specification.cpus,
                "enabled": true,
                "slug": specification.slug,
            })
        })
        .collect()
}

/// What a slug that is not one of them is refused with.
pub fn rule() -> String {
    let slugs: Vec<&str> = ALL.iter().map(|specification| specification.slug).collect();
    format!("Specification must be one of: {}", slugs.join(", "))
}
