//! `topicd dev`: to try things out.

use clap::ValueEnum;
use tokio::runtime::Runtime;
use topicd::{
    config::default_data_dir,
    dev::{Dev, Sensor},
};

use super::{Failure, ServerSettings, absolute, serve, signals};

#[derive(clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    settings: ServerSettings,
    /// Whether a simulated sensor writes values
    #[arg(long, value_enum, default_value = "on")]
    sensor: Switch,
}

#[derive(Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) fn run(mut command: Command) -> Result<(), Failure> {
    let folder = command.settings.settings.data_dir.take();
    let folder = folder.or_else(|| std::env::var_os("TOPICD_DATA_DIR").map(Into::into));
    let mut config = command.settings.load()?;
    // Never the folder of a real server: the demo's secrets are printed.
    config.data_dir = absolute(&folder.unwrap_or_else(|| default_data_dir("topicd-dev")));
    if !config.listen.ip().is_loopback() {
        let address = config.listen;
        return Err(Failure::config(format!(
            "{address} is no loopback address: dev shows its secrets; use serve instead"
        )));
    }
    let sensor = match command.sensor {
        Switch::On => Sensor::Writes,
        Switch::Off => Sensor::Off,
    };
    Runtime::new()?.block_on(async {
        let listener = serve::bind(config.listen).await?;
        let admin = serve::bind_admin(&config).await?;
        let tls = serve::bind_tls(&config).await?;
        let mut dev = Dev::open(config).await?;
        if let Some(admin) = admin {
            dev = dev.with_admin(admin)?;
        }
        let mut greeting = dev.greeting(listener.local_addr()?);
        if let Some(listener) = tls {
            greeting += &serve::tls_line(&listener)?;
            dev = dev.with_tls(listener)?;
        }
        let interrupted = signals::interrupted()?;
        serve::print_at_once(&greeting)?;
        Ok(dev.serve(listener, sensor, interrupted).await?)
    })
}
