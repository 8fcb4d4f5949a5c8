//! The command line: which command, with which flags. Everything is parsed here and carried out elsewhere;
//! errors end here, as one line for people and an exit code for scripts.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod ai;
mod explain;
mod interest;
mod lab;
mod load_test;
mod logging;
mod loot;
mod nav;

use crate::assets::Extent;
use crate::config::{Config, Layer};

/// An authoritative MMO world server. Without a command it serves.
#[derive(Parser, Debug)]
#[command(name = "mainspring", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server (the default)
    Serve(ServeArgs),
    /// Load a server with clients that play, and report what a player would notice
    Bots(load_test::BotsArgs),
    /// Look after the game data
    #[command(subcommand)]
    Assets(AssetsCommand),
    /// Bake navmeshes, and ask them for paths
    #[command(subcommand)]
    Nav(nav::NavCommand),
    /// Have classes and monsters fight many times, and say what it comes to
    #[command(subcommand)]
    Lab(lab::LabCommand),
    /// Say why monsters do what they do
    #[command(subcommand)]
    Ai(ai::AiCommand),
    /// Say why players are told of entities, or are not
    #[command(subcommand)]
    Interest(interest::InterestCommand),
    /// Say step by step why an attribute of a class or a monster is what it is
    Explain(explain::ExplainArgs),
    /// Ask what loot tables give
    #[command(subcommand)]
    Loot(loot::LootCommand),
    /// Run a recorded scene again and compare every tick
    Replay {
        /// The log (`DIR/replay/*.mslog` of a server started with --data DIR)
        log: PathBuf,
        /// Game data with the navmesh of the scene; the data itself is in the log
        #[arg(long, value_name = "DIR")]
        assets: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
struct ServeArgs {
    /// Settings file (TOML); the environment (`MAINSPRING_*`) and flags win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    layer: Layer,
}

#[derive(Subcommand, Debug)]
enum AssetsCommand {
    /// Report every error in the game data, and every expectation of its tests that does not come true
    Check {
        /// One JSON array instead of text
        #[arg(long)]
        json: bool,
        /// Leave the designers' tests out
        #[arg(long)]
        no_tests: bool,
        /// Say also what a kill of each monster is worth
        #[arg(long, conflicts_with = "json")]
        verbose: bool,
        /// The data; without it the data built into the program
        dir: Option<PathBuf>,
    },
    /// Write a JSON Schema for every kind of record, for editors
    Schema {
        /// Folder for `KIND.schema.json`; without it all are printed as one object
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Write a reference of every kind of record, its fields and the records there are, in Markdown
    Docs {
        /// File or folder; without it the reference is printed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The data; without it the data built into the program
        dir: Option<PathBuf>,
    },
    /// Bake the navmesh of every scene whose geometry has changed, into `DIR/navmeshes`
    Bake {
        /// Bake all of them
        #[arg(long)]
        force: bool,
        /// The data
        #[arg(default_value = "assets")]
        dir: PathBuf,
    },
}

/// Parses a command line, the program's name first, and does what it says.
pub(crate) fn run(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(line);
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    carry_out(command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Prints a result. A reader that has seen enough and went away is no error.
pub(crate) fn say(text: &str) {
    let _reader_may_be_gone = std::io::stdout().write_all(text.as_bytes());
}

fn carry_out(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve(args),
        Command::Bots(args) => load_test::run(&args),
        Command::Assets(AssetsCommand::Check { json, no_tests, verbose, dir }) => {
            let good = crate::assets::check(dir.as_deref(), Extent { json, with_tests: !no_tests, verbose });
            Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Assets(AssetsCommand::Schema { out }) => {
            say(&crate::assets::reference::schema(out.as_deref())?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Assets(AssetsCommand::Docs { out, dir }) => {
            say(&crate::assets::reference::docs(dir.as_deref(), out)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Assets(AssetsCommand::Bake { force, dir }) => nav::bake_assets(&dir, force),
        Command::Nav(command) => nav::run(&command),
        Command::Lab(command) => lab::run(&command),
        Command::Ai(command) => ai::run(&command),
        Command::Interest(command) => interest::run(&command),
        Command::Explain(args) => explain::run(&args),
        Command::Loot(command) => loot::run(&command),
        Command::Replay { log, assets } => crate::replay::command(&log, assets.as_deref()),
    }
}

fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    // A variable that is not Unicode cannot be one of ours with a value we could use.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
    let config = Config::load(args.config.as_deref(), environment, args.layer)?;
    logging::start(config.log_format, &config.log_level)?;
    crate::serve::command(&config)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_without_a_command_are_those_of_serve() {
        let cli = Cli::try_parse_from(["mainspring", "--listen", "127.0.0.1:1"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.layer.listen, Some("127.0.0.1:1".parse().unwrap()));
    }

    #[test]
    fn the_contract_for_scripts_parses() {
        for line in [
            "mainspring serve --listen 127.0.0.1:1 --http 127.0.0.1:2 --assets a --data d --config c.toml",
            "mainspring bots --server 127.0.0.1:1 --count 50 --behaviour mixed --seconds 5 --json o.json --seed 1",
            "mainspring bots --behaviour flood",
            "mainspring bots --first 4000 --behaviour crowd --radius 12.5 --ramp 500 --count 100000",
            "mainspring bots --http 127.0.0.1:1 --html r.html --bundles b --record 4 --server-data d",
            "mainspring bots --replay b/bot-1-turn-2",
            "mainspring bots --loss 20 --delay 100 --jitter 40 --reorder 5 --impaired 100 --cut 10 --cut-seconds 4",
            "mainspring assets check --json --no-tests dir",
            "mainspring assets check --verbose",
            "mainspring loot expect --all --party 5 --json",
            "mainspring assets bake dir --force",
            "mainspring nav bake --obj a.obj -o a.nav --radius 0 --height 2 --climb 0.9 --slope 45 --cell 0.3 --json",
            "mainspring nav bake --scene scene/field --assets a -o f.nav",
            "mainspring nav path f.nav --from -1,-2,-3 --to 4,5,6 --extents 2,4,2 --json",
            "mainspring nav raycast f.nav --queries q.txt",
            "mainspring nav info f.nav --json",
            "mainspring loot expect loot/wolf --level 3 --party 2 --class class/mage --tag quest.x --first-kill --json",
            "mainspring replay some.mslog --assets dir",
            "mainspring interest trace some.mslog --player ann --entity #12.0 --tick 40 --json --assets dir",
            "mainspring ai trace monster/a --against class/b --level 3 --seconds 20 --seed 1 --json --assets dir",
            "mainspring lab duel class/a monster/b@5 --n 10000 --seed 1 --level 3 --json --plot --svg f.svg --assets dir",
            "mainspring lab raid class/a*1,class/b*3 monster/c -n 200 --seed 1 --distance 20 --limit 600 --threads 2",
            "mainspring lab plain d --side 900 --view 6 --players 100000",
            "mainspring lab matrix --against monster/ --n 50",
            "mainspring lab matrix --rank boss --party class/a,class/b*4 --party class/a*10",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
