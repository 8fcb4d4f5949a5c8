//! `mainspring bots`: the flags of the load test, and its exit code. The bots themselves know nothing of files
//! and flags; they are given the game data and a plan.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bots::{Behaviour, Plan, Trust};
use clap::Args;

use super::{logging, say};
use crate::config::LogFormat;

/// Flags of `mainspring bots`.
#[derive(Args, Debug)]
pub(super) struct BotsArgs {
    /// The server
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 7777)))]
    server: SocketAddr,
    /// How many clients, 1 to 10000
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// What they do: roam, fight or mixed
    #[arg(long, value_name = "roam|fight|mixed", default_value = "mixed")]
    behaviour: Behaviour,
    /// How long, once all have joined, 1 to 86400
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Write the figures to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Seed of the bots' names and choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's certificate, as it prints it at start; needed unless the address is a loopback one
    #[arg(long, value_name = "HEX")]
    cert_sha256: Option<String>,
    /// The server's game data, when it is not the data built into the program
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

/// Runs the load test; exit code 1 when a bot was dropped or saw a broken invariant.
pub(super) fn run(args: &BotsArgs) -> anyhow::Result<ExitCode> {
    logging::start(LogFormat::Text, "warn")?;
    let plan = Plan {
        server: args.server,
        count: args.count,
        behaviour: args.behaviour,
        duration: Duration::from_secs(u64::from(args.seconds)),
        seed: args.seed,
        trust: trust(args)?,
        assets: crate::assets::load(args.assets.as_deref())?,
        navmeshes: BTreeMap::new(),
        shows_progress: true,
    };
    let report = bots::run(&plan)?;
    say(&report.to_string());
    if let Some(path) = &args.json {
        std::fs::write(path, report.to_json()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
