//! The few lines a started server says to whoever typed the command: where it is, how to trust it, what to type
//! next. They go to standard output; the log goes to standard error.

use std::net::Ipv4Addr;

use super::Facts;
use crate::cli::say;
use crate::config::Config;

/// Prints the greeting; addresses that are the default are left out of the command it suggests.
pub(super) fn print(facts: &Facts) {
    let program = std::env::args().next().unwrap_or_else(|| "mainspring".to_owned());
    say(&text(facts, &program));
}

fn text(facts: &Facts, program: &str) -> String {
    let written = facts.data.as_ref().map_or_else(
        || "nothing is written to disk (--data DIR records replay logs)".to_owned(),
        |data| format!("replay logs in {}", data.join("replay").display()),
    );
    format!(
        "Mainspring is running: {scenes}\n\
         \x20 game      {listen} (QUIC; certificate sha256 {hash})\n\
         \x20 metrics   http://{http}/metrics (also /healthz and /readyz)\n\
         \x20 disk      {written}\n\
         \x20 next      {program} bots{target} --count 200 --seconds 30\n\
         \x20 stop      ctrl-c\n",
        scenes = facts.scenes.join(", "),
        listen = facts.listen,
        hash = facts.certificate_sha256,
        http = facts.http,
        target = target(facts),
    )
}

/// The flags by which bots on this machine find the server.
fn target(facts: &Facts) -> String {
    let mut listen = facts.listen;
    if listen.ip().is_unspecified() {
        // Every address includes the local one, which needs no certificate hash.
        listen.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let server = if listen == Config::default().listen { String::new() } else { format!(" --server {listen}") };
    let is_local = listen.ip().is_loopback();
    let trust = if is_local { String::new() } else { format!(" --cert-sha256 {}", facts.certificate_sha256) };
    server + &trust
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(listen: &str) -> Facts {
        Facts {
            listen: listen.parse().unwrap(),
            http: "127.0.0.1:7780".parse().unwrap(),
            certificate_sha256: "ab".repeat(32),
            scenes: vec!["scene/field".to_owned()],
            seed: 1,
            assets_hash: 2,
            data: None,
        }
    }

    #[test]
    fn the_suggested_command_names_only_what_is_not_the_default() {
        for local in ["127.0.0.1:7777", "0.0.0.0:7777"] {
            assert!(text(&facts(local), "./m").contains("next      ./m bots --count 200 --seconds 30"));
        }
        let elsewhere = text(&facts("192.0.2.1:9000"), "./m");
        let wanted = format!("bots --server 192.0.2.1:9000 --cert-sha256 {} --count", "ab".repeat(32));
        assert!(elsewhere.contains(&wanted), "{elsewhere}");
    }
}
