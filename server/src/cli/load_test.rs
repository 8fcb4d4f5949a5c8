//! `mainspring bots`: the flags of the load test, and its exit code. The bots themselves know nothing of files
//! and flags; they are given the game data and a plan.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bots::{Behaviour, Cut, Impairment, Network, Plan, Report, Trust};
use clap::Args;
use sim::assets::{Assets, Id, SceneDef};
use sim::space::navmesh::Navmesh;

use super::{logging, say};
use crate::config::LogFormat;
use crate::nav::scenes::NavStore;

/// Flags of `mainspring bots`.
#[derive(Args, Debug)]
pub(super) struct BotsArgs {
    /// The server
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 7777)))]
    server: SocketAddr,
    /// How many clients, 1 to 100000
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Number of the first client; several processes share a server by different ones
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    first: u32,
    /// What they do: roam, fight, mixed (half and half), crowd (all to one place), commute (through portals) or idle
    #[arg(long, value_name = "BEHAVIOUR", default_value = "mixed")]
    behaviour: Behaviour,
    /// How far from the middle of the scene a crowd mills about, in metres
    #[arg(long, default_value_t = 20.0, value_name = "METRES")]
    radius: f32,
    /// How many clients join in a second
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    ramp: u32,
    /// How long, once all have joined, 1 to 86400
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Write the figures to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report with plots to this file as one HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Where the server's /metrics page is; its figures go into the report
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// One client in N takes in where others are and checks what it is shown of them; the rest, unless they fight, follow
    /// themselves alone, which lets one machine drive more of them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    check_every: u32,
    /// Threads that drive the clients, one to every 4096 without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: Option<u32>,
    /// Seed of the bots' names and choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    bundles: BundleArgs,
    /// The server's certificate, as it prints it at start; needed unless the address is a loopback one
    #[arg(long, value_name = "HEX")]
    cert_sha256: Option<String>,
    /// The server's game data, when it is not the data built into the program
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

/// What the network does to the clients, both ways alike; which packets are hit follows from the seed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Network")]
struct NetworkArgs {
    /// Packets lost, in per cent
    #[arg(long, default_value_t = 0, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    loss: u8,
    /// Delay of every packet, in milliseconds each way
    #[arg(long, default_value_t = 0, value_name = "MS", value_parser = clap::value_parser!(u32).range(..=10_000))]
    delay: u32,
    /// Delay added to it, evenly from 0 to this, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS", value_parser = clap::value_parser!(u32).range(..=10_000))]
    jitter: u32,
    /// Packets that others overtake, in per cent
    #[arg(long, default_value_t = 0, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    reorder: u8,
    /// Only the first N clients suffer; the report tells the others' figures apart
    #[arg(long, value_name = "N")]
    impaired: Option<u32>,
    /// Cut everybody's network so many seconds after the last one has joined
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=86_400))]
    cut: Option<u32>,
    /// How long the network stays cut
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    cut_seconds: u32,
}

/// What is left behind of a client that was shown what cannot be true.
#[derive(Args, Debug)]
#[command(next_help_heading = "Replay bundles")]
struct BundleArgs {
    /// Where bundles are left
    #[arg(long, value_name = "DIR", default_value = "replay-bundles")]
    bundles: PathBuf,
    /// How many clients are recorded for that, the first ones
    #[arg(long, value_name = "N", default_value_t = 32)]
    record: u32,
    /// The server's --data folder, when it is on this machine: a bundle names the newest log in it
    #[arg(long, value_name = "DIR")]
    server_data: Option<PathBuf>,
    /// Feed a bundle through the client library again instead of a test, and say what is seen
    #[arg(long, value_name = "BUNDLE")]
    replay: Option<PathBuf>,
}

impl NetworkArgs {
    fn network(&self, seed: u64) -> Network {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Network {
            impairment: Impairment {
                loss_pct: self.loss,
                reorder_pct: self.reorder,
                delay_ms: self.delay,
                jitter_ms: self.jitter,
                seed,
                ..Impairment::default()
            },
            impaired: self.impaired,
            cut: self.cut.map(|after| Cut { after: seconds(after), lasting: seconds(self.cut_seconds) }),
        }
    }
}

/// Runs the load test; exit code 1 when a bot was dropped or saw a broken invariant.
pub(super) fn run(args: &BotsArgs) -> anyhow::Result<ExitCode> {
    logging::start(LogFormat::Text, "warn")?;
    let store = NavStore::new(args.assets.as_deref(), None);
    let assets = crate::assets::load_on(args.assets.as_deref(), &store)?;
    if let Some(bundle) = &args.bundles.replay {
        return replay(bundle, assets);
    }
    if args.network.cut.is_some_and(|after| after + args.network.cut_seconds >= args.seconds) {
        bail!(
            "the network would not be back before the end: --cut and --cut-seconds together must be less than --seconds"
        );
    }
    let plan = Plan {
        count: args.count,
        first: args.first,
        behaviour: args.behaviour,
        radius_m: args.radius,
        joins_per_second: args.ramp,
        check_every: args.check_every,
        threads: args.threads,
        network: args.network.network(args.seed),
        duration: Duration::from_secs(u64::from(args.seconds)),
        seed: args.seed,
        trust: trust(args)?,
        navmeshes: navmeshes(&assets, &store)?,
        metrics: args.http,
        bundles: Some(args.bundles.bundles.clone()),
        recorded: args.bundles.record,
        server_data: args.bundles.server_data.clone(),
        command_line: std::env::args().collect::<Vec<_>>().join(" "),
        shows_progress: true,
        ..Plan::new(args.server, assets)
    };
    let report = bots::run(&plan)?;
    say(&report.to_string());
    for (path, text) in [(&args.json, Report::to_json as fn(&Report) -> String), (&args.html, Report::to_html)] {
        if let Some(path) = path {
            std::fs::write(path, text(&report)).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what is seen in a bundle; exit code 1 when it is not what was seen when it was left.
fn replay(bundle: &std::path::Path, assets: Arc<Assets>) -> anyhow::Result<ExitCode> {
    let replayed = bots::replay(bundle, assets)?;
    let about = &replayed.about;
    say(&format!("bot {} of `{}`, {} packets\n", about.number, about.command_line, replayed.fed));
    replayed.violations.iter().for_each(|violation| say(&format!("! {violation}\n")));
    let same = replayed.is_same();
    say(if same { "the recorded violation is seen again\n" } else { "the recorded violation is not seen again\n" });
    if let Some(log) = &about.server_log {
        say(&format!("the server's log: mainspring replay {}\n", log.display()));
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The navmeshes that a server of the same game data has.
fn navmeshes(assets: &Assets, store: &NavStore) -> anyhow::Result<BTreeMap<String, Arc<Navmesh>>> {
    let one = |(id, def): (Id<SceneDef>, &SceneDef)| {
        let ground = store.ground(assets, id).with_context(|| format!("cannot build `{}`", def.id))?;
        Ok((def.id.clone(), ground.navmesh))
    };
    assets.scenes.iter().map(one).collect()
}

fn trust(args: &BotsArgs) -> anyhow::Result<Trust> {
    match &args.cert_sha256 {
        Some(hex) => {
            let hash =
                parse_sha256(hex).with_context(|| format!("--cert-sha256 {hex} is not 64 hexadecimal digits"))?;
            Ok(Trust::Sha256(hash))
        }
        None if args.server.ip().is_loopback() => Ok(Trust::AnyCertificate),
        None => bail!("{} is not a local address: --cert-sha256 must say which certificate to trust", args.server),
    }
}

fn parse_sha256(hex: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_64_hexadecimal_digits() {
        assert_eq!(parse_sha256(&"0a".repeat(32)), Some([10; 32]));
        for bad in ["", "0a", &"0g".repeat(32), &"é".repeat(32)] {
            assert_eq!(parse_sha256(bad), None, "{bad}");
        }
    }
}
