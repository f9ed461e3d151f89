//! Mixed commands on functions.
//!
//! Each client owns its share of the functions and sends one command after the
//! other, so that neither side meets conflicts.

use std::collections::VecDeque;

use aggregates::function::{Change, Command, Provider, ProviderChange, Settings, Value};
use aggregates::{DeploymentId, Dialect, VariableId};

use crate::Random;

/// Name that functions are made with.
pub const SETTINGS_NAME: &str = "Order intake";

/// One command for one function.
pub struct Step {
    /// The function's id in its project.
    pub function: String,
    /// What is asked of it.
    pub command: Command,
}

/// What one client sends.
pub struct Client {
    random: Random,
    functions: Vec<Known>,
    untouched: VecDeque<usize>,
    activations: bool,
}

struct Known {
    id: String,
    variables: u32,
    deployments: u32,
}

/// Most variables of one function.
const VARIABLES: u32 = 8;

impl Client {
    /// Client `index` of `clients` that share `functions`. Without
    /// `activations` a variable is changed in the place of each.
    pub fn new(index: u64, clients: u64, functions: u64, seed: u64, activations: bool) -> Self {
        let functions: Vec<_> = (0..functions)
            .filter(|number| number % clients == index)
            .map(|number| Known {
                id: format!("f-{seed}-{number:06}"),
                variables: 0,
                deployments: 0,
            })
            .collect();
        Self {
            random: Random::new(seed.wrapping_mul(1_000_003) + index),
            untouched: (0..functions.len()).collect(),
            functions,
            activations,
        }
    }
}

impl Iterator for Client {
    type Item = Step;

    /// Creates one function after the other, and between two of them sends
    /// commands to those that exist; in the end to all of them.
    fn next(&mut self) -> Option<Step> {
        let made = self.functions.len() - self.untouched.len();
        if made == 0 || self.random.below(5) == 0 {
            if let Some(next) = self.untouched.pop_front() {
                let function = self.functions.get(next)?.id.clone();
                let command = Command::Create {
                    origin: Dialect::Appwrite,
                    settings: settings(SETTINGS_NAME.to_owned()),
                };
                return Some(Step { function, command });
            }
        }
        let made = self.functions.len() - self.untouched.len();
        let number = self.random.below(made as u64);
        let dice = self.random.below(100);
        let value = Value::Clear(format!("value {}", self.random.any()));
        let known = self.functions.get_mut(number as usize)?;
        let function = known.id.clone();
        let command = match dice {
            0..45 => Command::Update {
                change: change(format!("Order intake {number}-{dice}")),
            },
            45..65 if self.activations => {
                known.deployments += 1;
                Command::ActivateDeployment {
                    deployment: DeploymentId::from(format!("{function}-d{}", known.deployments)),
                    queued_at: None,
                }
            }
            _ if known.variables < VARIABLES && (dice < 85 || known.variables == 0) => {
                known.variables += 1;
                Command::CreateVariable {
                    id: variable(known.variables),
                    key: format!("SETTING_{}", known.variables),
                    value,
                }
            }
            _ => Command::UpdateVariable {
                id: variable(1 + number as u32 % known.variables.max(1)),
                key: None,
                value: Some(value),
            },
        };
        Some(Step { function, command })
    }
}

fn variable(number: u32) -> VariableId {
    VariableId::from(format!("v{number}"))
}

/// Settings of a usual function.
pub fn settings(name: String) -> Settings {
    Settings {
        name,
        runtime: "node-22".to_owned(),
        execute: vec!["any".to_owned()],
        events: Vec::new(),
        schedule: String::new(),
        timeout: 15,
        enabled: true,
        logging: true,
        entrypoint: "src/main.ts".to_owned(),
        commands: "npm install".to_owned(),
        scopes: vec!["users.read".to_owned()],
        provider: Provider::default(),
        build_specification: "s-1vcpu-512mb".to_owned(),
        runtime_specification: "s-1vcpu-512mb".to_owned(),
        deployment_retention: 0,
        script: None,
    }
}

fn change(name: String) -> Change {
    let now = settings(name);
    Change {
        name: now.name,
        runtime: None,
        execute: now.execute,
        events: now.events,
        schedule: now.schedule,
        timeout: 30,
        enabled: true,
        logging: true,
        entrypoint: None,
        commands: now.commands,
        scopes: now.scopes,
        provider: ProviderChange::Keep { silent_mode: false },
        provider_branches: None,
        provider_paths: None,
        build_specification: None,
        runtime_specification: None,
        deployment_retention: 0,
    }
}
