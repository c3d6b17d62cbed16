//! `topicd dev`: to try things out.

use std::{io::Write as _, net::SocketAddr};

use clap::ValueEnum;
use tokio::runtime::Runtime;
use topicd::{
    config::default_data_dir,
    dev::{Dev, Sensor},
};

use super::{Failure, Settings, absolute, serve};

#[derive(clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    settings: Settings,
    /// Loopback address and port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
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
    let folder = command.settings.data_dir.take();
    let folder = folder.or_else(|| std::env::var_os("TOPICD_DATA_DIR").map(Into::into));
    let mut config = command.settings.load(command.listen)?;
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
        let listener = serve::bind(&config).await?;
        let dev = Dev::open(config).await?;
        let greeting = dev.greeting(listener.local_addr()?);
        std::io::stdout().write_all(greeting.as_bytes())?;
        std::io::stdout().flush()?;
        Ok(dev.serve(listener, sensor, serve::interrupted()).await?)
    })
}
