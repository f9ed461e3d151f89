//! What a dependency asks for: `^1.2.3`, `latest`, `npm:name@range`.

use nodejs_semver::{Range, Version};

use super::{Error, packument::Packument};
use crate::manifest::valid_name;

/// A request for a version of a package.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    /// Name in the registry, which an alias hides.
    pub(super) name: String,
    pub(super) text: String,
    wanted: Wanted,
}

#[derive(Debug, Clone)]
enum Wanted {
    Range(Range),
    Tag(String),
}

impl Spec {
    pub(super) fn parse(name: &str, text: &str, by: &str) -> Result<Self, Error> {
        let refused = || Error::Spec {
            package: name.to_owned(),
            spec: text.to_owned(),
            by: by.to_owned(),
        };
        let (name, range) = match text.strip_prefix("npm:") {
            Some(alias) => match alias.char_indices().skip(1).find(|(_, c)| *c == '@') {
                Some((at, _)) => (&alias[..at], &alias[at + 1..]),
                None => (alias, "*"),
            },
            None => (name, text),
        };
        if !valid_name(name) {
            return Err(refused());
        }
        let range = range.trim();
        let wanted = if range.is_empty() || range == "*" || range == "latest" {
            Wanted::Range(Range::any())
        } else if let Ok(range) = Range::parse(range) {
            Wanted::Range(range)
        } else if range
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        {
            Wanted::Tag(range.to_owned())
        } else {
            return Err(refused());
        };
        let wanted = if range == "latest" {
            Wanted::Tag(range.to_owned())
        } else {
            wanted
        };
        Ok(Self {
            name: name.to_owned(),
            text: range.to_owned(),
            wanted,
        })
    }

    /// Whether a version that is there already will do.
    pub(super) fn fits(&self, name: &str, version: &str) -> bool {
        if name != self.name {
            return false;
        }
        match &self.wanted {
            // A tag moves; whatever was chosen for it first is kept in one tree.
            Wanted::Tag(_) => true,
            Wanted::Range(range) => {
                Version::parse(version).is_ok_and(|version| range.satisfies(&version))
            }
        }
    }

    /// The version npm would choose: the tagged one where it fits, else the highest;
    /// one of `preferred` before both.
    pub(super) fn choose(&self, packument: &Packument, preferred: &[String]) -> Option<String> {
        let range = match &self.wanted {
            Wanted::Tag(tag) => {
                return packument
                    .tags
                    .get(tag)
                    .filter(|version| packument.has(version))
                    .cloned();
            }
            Wanted::Range(range) => range,
        };
        let fits = |text: &str| Version::parse(text).is_ok_and(|version| range.satisfies(&version));
        if let Some(kept) = preferred
            .iter()
            .find(|version| packument.has(version) && fits(version))
        {
            return Some(kept.clone());
        }
        if let Some(latest) = packument.tags.get("latest")
            && packument.has(latest)
            && (fits(latest) || self.text == "*" || self.text.is_empty())
        {
            return Some(latest.clone());
        }
        packument
            .names()
            .filter_map(|text| Version::parse(text).ok().map(|version| (version, text)))
            .filter(|(version, _)| range.satisfies(version))
            .max_by(|(one, _), (other, _)| one.cmp(other))
            .map(|(_, text)| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_chosen_as_npm_does() {
        let packument = Packument::parse(
            "x",
            br#"{"dist-tags": {"latest": "1.2.0", "next": "2.0.0-rc.1"}, "versions": {
                "1.0.0": {}, "1.2.0": {}, "1.9.0": {}, "2.0.0-rc.1": {}, "0.3.4": {}, "0.3.9": {}, "0.4.0": {}}}"#,
        )
        .unwrap();
        for (spec, preferred, expected) in [
            ("^1.0.0", &[][..], Some("1.2.0")),
            (">=1.5", &[], Some("1.9.0")),
            ("^1.0.0", &["1.0.0".to_owned()], Some("1.0.0")),
            ("^1.5.0", &["1.0.0".to_owned()], Some("1.9.0")),
            ("*", &[], Some("1.2.0")),
            ("", &[], Some("1.2.0")),
            ("latest", &[], Some("1.2.0")),
            ("next", &[], Some("2.0.0-rc.1")),
            ("2.x", &[], None),
            ("^2.0.0-rc.0", &[], Some("2.0.0-rc.1")),
            ("~0.3.4", &[], Some("0.3.9")),
            ("^0.3.0 || ^3", &[], Some("0.3.9")),
            ("1.0.0 - 1.1", &[], Some("1.0.0")),
            ("npm:x@1.0.0", &[], Some("1.0.0")),
            ("missing-tag", &[], None),
        ] {
            let spec_parsed = Spec::parse("x", spec, "test").unwrap();
            assert_eq!(
                spec_parsed.choose(&packument, preferred).as_deref(),
                expected,
                "{spec}"
            );
        }
        for spec in [
            "file:../x",
            "git+https://x.test/a.git",
            "user/repo",
            "https://x.test/a.tgz",
            "workspace:*",
            "npm:../x@1",
        ] {
            assert!(Spec::parse("x", spec, "test").is_err(), "{spec}");
        }
        let alias = Spec::parse("alias", "npm:@scope/real@^2", "test").unwrap();
        assert_eq!(
            (alias.name.as_str(), alias.text.as_str()),
            ("@scope/real", "^2")
        );
    }
}
