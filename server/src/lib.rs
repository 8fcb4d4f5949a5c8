//! The process around the world: command line ([`cli`]), settings ([`config`]), game data ([`assets`]), the
//! scenes and the threads that tick them ([`scenes`], [`tick_loop`]), the door that clients come through
//! ([`gateway`]), fights for designers ([`lab`]), logs of what happened ([`recorder`], [`replay`]), and what operators look at ([`metrics`],
//! [`http`]). No game rule lives here, and the wall clock is read nowhere else.

pub mod assets;
pub mod cli;
pub mod config;
pub mod gateway;
pub mod health;
pub mod http;
pub mod lab;
pub mod metrics;
pub mod nav;
pub mod recorder;
pub mod replay;
pub mod scenes;
pub mod serve;
pub mod tick_loop;
pub mod timetable;

/// Runs the command that the process was started with; the exit code is 0 for success, 1 for failure and 2 for a
/// command line or a replay log that is refused.
#[must_use]
pub fn run() -> std::process::ExitCode {
    cli::run(std::env::args_os())
}

/// Runs the command of a command line whose first word is the program's name; ends the process when it cannot be
/// parsed.
#[must_use]
pub fn run_line<'l>(line: impl IntoIterator<Item = &'l str>) -> std::process::ExitCode {
    cli::run(line.into_iter().map(Into::into))
}
