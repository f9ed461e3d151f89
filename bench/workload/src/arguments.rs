//! `subcommand --name value …`, no more.

use std::collections::HashMap;

/// The command line of a benchmark program.
pub struct Arguments {
    /// The first word.
    pub command: String,
    values: HashMap<String, String>,
}

impl Arguments {
    /// Those of this process. Ends it when they make no sense.
    pub fn read() -> Self {
        let mut words = std::env::args().skip(1);
        let command = words.next().unwrap_or_default();
        let mut values = HashMap::new();
        while let Some(name) = words.next() {
            match (name.strip_prefix("--"), words.next()) {
                (Some(name), Some(value)) => values.insert(name.to_owned(), value),
                _ => fail(&format!("{name:?} is no `--name value`")),
            };
        }
        Self { command, values }
    }

    /// A text, or what holds when it is not there.
    pub fn text(&self, name: &str, default: &str) -> String {
        let value = self.values.get(name).map_or(default, String::as_str);
        value.to_owned()
    }

    /// A whole number, or what holds when it is not there.
    pub fn number(&self, name: &str, default: u64) -> u64 {
        match self.values.get(name) {
            None => default,
            Some(text) => match text.parse() {
                Ok(number) => number,
                Err(_) => fail(&format!("--{name} needs a whole number, not {text:?}")),
            },
        }
    }
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(2)
}
