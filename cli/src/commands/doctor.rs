//! `viralcast doctor`

use platform::config::{Config, Origin};
use platform::health::{Check, Status, examine};
use serde_json::json;

use crate::context::{Global, block_on};
use crate::failure::Failure;
use crate::table::table;

/// Say what is set, from where, and what is reachable
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast doctor --json")]
pub struct Arguments {}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        let config = Config::load(global.config.as_deref())?;
        let mut checks = block_on(async { Ok(examine(&config).await) })?;
        checks.push(schedules());
        let failed = checks.iter().filter(|check| check.status == Status::Failed).count();
        let settings = config.settings();
        if global.json {
            let settings: Vec<_> = settings.iter().map(|one| json!({ "key": one.key, "env": one.env, "value": one.value, "origin": format!("{:?}", one.origin).to_lowercase() })).collect();
            println!("{}", serde_json::to_string_pretty(&json!({ "checks": checks, "settings": settings }))?);
        } else {
            let origin = |origin: Origin| format!("{origin:?}").to_lowercase();
            let rows = settings
                .iter()
                .map(|one| vec![one.key.to_owned(), one.value.clone().unwrap_or_default(), origin(one.origin), one.env.to_owned()]);
            println!("{}", table(&["setting", "value", "from", "variable"], 4.., rows));
            let rows = checks.iter().map(|check| {
                let status = format!("{:?}", check.status).to_lowercase();
                let detail = check.hint.as_ref().map_or_else(|| check.detail.clone(), |hint| format!("{}\nhint: {hint}", check.detail));
                vec![check.name.to_owned(), status, detail]
            });
            println!("{}", table(&["check", "status", "found"], 3.., rows));
        }
        match failed {
            0 => Ok(()),
            _ => Err(Failure::with_hint(format!("{failed} checks failed"), "each failed check above says what to do")),
        }
    }
}

fn schedules() -> Check {
    match jobs::scheduler::schedules() {
        Ok(schedules) => {
            let names: Vec<&str> = schedules.iter().map(|schedule| schedule.name.as_str()).collect();
            Check { name: "schedules", status: Status::Ok, detail: names.join(", "), hint: None }
        }
        Err(error) => Check { name: "schedules", status: Status::Failed, detail: error.to_string(), hint: domain::Hint::hint(&error) },
    }
}
