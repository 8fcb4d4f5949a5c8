//! Settings of the server, in three layers: a TOML file, then the environment, then flags; the last one that
//! names a key wins. A key that does not exist is refused in every layer with the nearest name, because a
//! misspelt limit is a limit that is not there.
//!
//! One struct is the list of keys for all layers: [`Layer`]. `MAINSPRING_HTTP=x` means `--http=x` means
//! `http = "x"`, and is read by the same rules.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use net::outbound::ReplicationLimits;
use net::protocol::{CLIENT_BYTES_PER_TICK_MAX, CLIENT_BYTES_PER_TICK_MIN};

mod environment;

pub use environment::PREFIX;

/// What one layer says; `None` leaves the key to the layers below.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    /// Where game clients connect (UDP) [default: 127.0.0.1:7777]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where metrics and health are served (TCP) [default: 127.0.0.1:7780]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Game data; without it the data built into the program is used
    #[arg(long, value_name = "DIR")]
    pub assets: Option<PathBuf>,
    /// Where replay logs are written; without it nothing is written to disk
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How log lines look [default: text]
    #[arg(long, value_name = "text|json")]
    pub log_format: Option<LogFormat>,
    /// What is logged, such as `info` or `info,net=debug` [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log_level: Option<String>,
    /// Threads that tick scenes [default: one per scene, at most one per core]
    #[arg(long, value_name = "COUNT")]
    pub workers: Option<u16>,
    /// Sockets that share the game address, each with a thread [default: one for every four cores]
    #[arg(long, value_name = "COUNT")]
    pub net_threads: Option<u16>,
    /// Seed of everything random in the world [default: a new one at every start]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Players in all scenes together [default: 2000]
    #[arg(long, value_name = "COUNT")]
    pub players_max: Option<u32>,
    /// Name of this server in metrics [default: mainspring]
    #[arg(long, value_name = "NAME")]
    pub server_id: Option<String>,
    /// Connections in all [default: 4000]
    #[arg(long, value_name = "COUNT")]
    pub connections_max: Option<u32>,
    /// Connections from one IPv4 address or IPv6 /64; loopback is exempt [default: 32]
    #[arg(long, value_name = "COUNT")]
    pub connections_per_ip_max: Option<u32>,
    /// Bytes of state sent to one client in one tick [default: 4600]
    #[arg(long, value_name = "BYTES")]
    pub client_bytes_per_tick: Option<u32>,
    /// Ticks within which a client hears of everything that changes in its view [default: 20]
    #[arg(long, value_name = "TICKS")]
    pub silence_ticks: Option<u32>,
    /// Threads that put together what the clients of one large scene are sent [default: one per core, at most 8]
    #[arg(long, value_name = "COUNT")]
    pub replicate_threads: Option<u32>,
    /// Size at which one replay log is closed, in MiB [default: 1024]
    #[arg(long, value_name = "MIB")]
    pub replay_mib_max: Option<u32>,
}

impl Layer {
    fn over(self, below: Self) -> Self {
        Self {
            listen: self.listen.or(below.listen),
            http: self.http.or(below.http),
            assets: self.assets.or(below.assets),
            data: self.data.or(below.data),
            log_format: self.log_format.or(below.log_format),
            log_level: self.log_level.or(below.log_level),
            workers: self.workers.or(below.workers),
            net_threads: self.net_threads.or(below.net_threads),
            seed: self.seed.or(below.seed),
            players_max: self.players_max.or(below.players_max),
            server_id: self.server_id.or(below.server_id),
            connections_max: self.connections_max.or(below.connections_max),
            connections_per_ip_max: self.connections_per_ip_max.or(below.connections_per_ip_max),
            client_bytes_per_tick: self.client_bytes_per_tick.or(below.client_bytes_per_tick),
            silence_ticks: self.silence_ticks.or(below.silence_ticks),
            replicate_threads: self.replicate_threads.or(below.replicate_threads),
            replay_mib_max: self.replay_mib_max.or(below.replay_mib_max),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The settings a server runs with; every value is within its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// UDP address of the game endpoint; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TCP address of metrics and health; port 0 takes a free one.
    pub http: SocketAddr,
    /// Directory of the game data, `None` for the built-in data.
    pub assets: Option<PathBuf>,
    /// Directory that may be written to, `None` for none.
    pub data: Option<PathBuf>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Directives of the log filter.
    pub log_level: String,
    /// Threads that tick scenes, 1 to 256; `None` for one per scene up to the count of cores.
    pub workers: Option<u16>,
    /// Sockets that share the game address, each with a thread, 1 to 64; `None` for one for every four cores.
    pub net_threads: Option<u16>,
    /// Seed of everything random; `None` for a new one.
    pub seed: Option<u64>,
    /// Players in all scenes together, 1 to 100,000.
    pub players_max: u32,
    /// Name in metrics, 1 to 64 characters.
    pub server_id: String,
    /// Connections in all, 1 to 100,000.
    pub connections_max: u32,
    /// Connections from one IPv4 address or IPv6 /64, 1 to 100,000.
    pub connections_per_ip_max: u32,
    /// What a scene spends on its clients: 200 to 4,600 bytes, 8 to 60 ticks, 1 to 64 threads.
    pub replication: ReplicationLimits,
    /// Size at which one replay log is closed, in MiB, 1 to 1,048,576.
    pub replay_mib_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            listen: local(7777),
            http: local(7780),
            assets: None,
            data: None,
            log_format: LogFormat::Text,
            log_level: "info".to_owned(),
            workers: None,
            net_threads: None,
            seed: None,
            players_max: 2_000,
            server_id: "mainspring".to_owned(),
            connections_max: 4_000,
            connections_per_ip_max: 32,
            replication: ReplicationLimits::default(),
            replay_mib_max: 1_024,
        }
    }
}

/// Why settings were refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key or value that does not exist.
    #[error("{}: {message}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Line, column and what is wrong there.
        message: String,
    },
    /// A variable of the environment has no meaning, or its value has none.
    #[error("environment variable {variable}: {message}")]
    Variable {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        message: String,
    },
    /// A value is out of its range.
    #[error("{key} is {value}, but must be {range}")]
    OutOfRange {
        /// The key as in a file.
        key: &'static str,
        /// The value found.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
}

impl Config {
    /// Reads the file named by `flag_file` (or by `MAINSPRING_CONFIG`), lays `environment` and `flags` over it, and
    /// checks every range.
    ///
    /// # Errors
    /// [`ConfigError`] names the file with its line, the variable, or the key.
    pub fn load(
        flag_file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Layer,
    ) -> Result<Self, ConfigError> {
        let (environment_file, environment) = environment::read(environment)?;
        let file = flag_file.map(Path::to_owned).or(environment_file);
        let file = file.map_or_else(|| Ok(Layer::default()), |path| read_file(&path))?;
        Self::from_layer(flags.over(environment).over(file))
    }

    fn from_layer(layer: Layer) -> Result<Self, ConfigError> {
        let default = Self::default();
        let replication = replication(&layer)?;
        let config = Self {
            listen: layer.listen.unwrap_or(default.listen),
            http: layer.http.unwrap_or(default.http),
            assets: layer.assets,
            data: layer.data,
            log_format: layer.log_format.unwrap_or(default.log_format),
            log_level: layer.log_level.unwrap_or(default.log_level),
            workers: layer.workers,
            net_threads: layer.net_threads,
            seed: layer.seed,
            players_max: layer.players_max.unwrap_or(default.players_max),
            server_id: layer.server_id.unwrap_or(default.server_id),
            connections_max: layer.connections_max.unwrap_or(default.connections_max),
            connections_per_ip_max: layer.connections_per_ip_max.unwrap_or(default.connections_per_ip_max),
            replication,
            replay_mib_max: layer.replay_mib_max.unwrap_or(default.replay_mib_max),
        };
        config.check_ranges()?;
        Ok(config)
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        let within = |key, value: u32, max: u32, range| {
            let good = (1..=max).contains(&value);
            good.then_some(()).ok_or_else(|| ConfigError::OutOfRange { key, value: value.to_string(), range })
        };
        within("workers", u32::from(self.workers.unwrap_or(1)), 256, "1 to 256")?;
        within("net_threads", u32::from(self.net_threads.unwrap_or(1)), 64, "1 to 64")?;
        within("players_max", self.players_max, 100_000, "1 to 100000")?;
        within("connections_max", self.connections_max, 100_000, "1 to 100000")?;
        within("connections_per_ip_max", self.connections_per_ip_max, 100_000, "1 to 100000")?;
        within("replay_mib_max", self.replay_mib_max, 1_048_576, "1 to 1048576 (1 TiB)")?;
        let id_is_good =
            (1..=64).contains(&self.server_id.len()) && self.server_id.chars().all(|c| c.is_ascii_graphic());
        id_is_good.then_some(()).ok_or_else(|| ConfigError::OutOfRange {
            key: "server_id",
            value: format!("{:?}", self.server_id),
            range: "1 to 64 printable ASCII characters without spaces",
        })
    }
}

fn replication(layer: &Layer) -> Result<ReplicationLimits, ConfigError> {
    let within = |key, value: Option<u32>, default: usize, allowed: std::ops::RangeInclusive<usize>, range| {
        let value = value.map_or(Some(default), |value| usize::try_from(value).ok());
        let good = value.filter(|value| allowed.contains(value));
        good.ok_or_else(|| ConfigError::OutOfRange { key, value: value.unwrap_or(usize::MAX).to_string(), range })
    };
    let default = ReplicationLimits::default();
    let bytes = CLIENT_BYTES_PER_TICK_MIN..=CLIENT_BYTES_PER_TICK_MAX;
    let silence_ticks = layer.silence_ticks.unwrap_or(default.silence_ticks);
    within("silence_ticks", Some(silence_ticks), 0, 8..=60, "8 to 60")?;
    Ok(ReplicationLimits {
        client_bytes_per_tick: within(
            "client_bytes_per_tick",
            layer.client_bytes_per_tick,
            default.client_bytes_per_tick,
            bytes,
            "200 to 4600",
        )?,
        silence_ticks,
        threads: within("replicate_threads", layer.replicate_threads, default.threads, 1..=64, "1 to 64")?,
        ..default
    })
}

fn read_file(path: &Path) -> Result<Layer, ConfigError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse_file(path, &text)
}

fn parse_file(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let mut message = error.to_string().trim_end().to_owned();
        if let Some(nearest) = error.message().strip_prefix("unknown field `").and_then(environment::nearest_key) {
            message.push_str(&format!("\ndid you mean `{nearest}`?"));
        }
        ConfigError::File { path: path.to_owned(), message }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(change: impl FnOnce(&mut Layer)) -> Layer {
        let mut layer = Layer::default();
        change(&mut layer);
        layer
    }

    fn variables(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn flags_win_over_the_environment_and_the_environment_over_the_file() {
        let file = parse_file(Path::new("m.toml"), "players_max = 1\nworkers = 1\nserver_id = \"file\"\n").unwrap();
        let (_, environment) = environment::read(variables(&[
            ("MAINSPRING_PLAYERS_MAX", "2"),
            ("MAINSPRING_WORKERS", "2"),
            ("HOME", "/"),
        ]))
        .unwrap();
        let config = Config::from_layer(flags(|f| f.players_max = Some(3)).over(environment).over(file)).unwrap();
        assert_eq!((config.players_max, config.workers, config.server_id.as_str()), (3, Some(2), "file"));
        assert_eq!(config.listen, Config::default().listen);
    }

    #[test]
    fn an_unknown_key_in_the_file_is_refused_with_its_line_and_the_nearest_name() {
        let error = parse_file(Path::new("m.toml"), "seed = 1\nlisen = \"127.0.0.1:1\"\n").unwrap_err().to_string();
        assert!(error.starts_with("m.toml: TOML parse error at line 2, column 1"), "{error}");
        assert!(error.ends_with("did you mean `listen`?"), "{error}");
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_name() {
        let error = environment::read(variables(&[("MAINSPRING_LISEN", "127.0.0.1:1")])).unwrap_err().to_string();
        assert_eq!(
            error,
            "environment variable MAINSPRING_LISEN: there is no such setting; did you mean MAINSPRING_LISTEN?"
        );
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        let error = environment::read(variables(&[("MAINSPRING_HTTP", "nowhere")])).unwrap_err().to_string();
        assert!(error.starts_with("environment variable MAINSPRING_HTTP: \"nowhere\" cannot be read"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_names_its_key_and_the_range() {
        let error = Config::from_layer(flags(|f| f.workers = Some(0))).unwrap_err().to_string();
        assert_eq!(error, "workers is 0, but must be 1 to 256");
    }
}
