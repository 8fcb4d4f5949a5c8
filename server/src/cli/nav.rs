//! `mainspring nav`: bakes navmeshes and asks them. One question by flags, or a file of them answered line by line as
//! JSON; a line that is no question is answered with what is wrong with it, and the exit code is 1 at the end.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use glam::Vec3;
use serde::Serialize;
use sim::space::navmesh::{NavArchive, Navmesh};

use super::say;
use crate::nav::answers::{Numbered, Oracle};
use crate::nav::info::InfoAnswer;
use crate::nav::queries::{self, Query, parse_place};

/// What can be done with navmeshes.
#[derive(Subcommand, Debug)]
pub(super) enum NavCommand {
    /// Find paths on a navmesh
    Path(AskArgs),
    /// Follow rays along the surface of a navmesh, as far as a wall
    Raycast(AskArgs),
    /// Say what a navmesh is made of
    Info {
        /// The navmesh
        file: PathBuf,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
}

/// A question, or a file of them.
#[derive(Args, Debug)]
pub(super) struct AskArgs {
    /// The navmesh
    file: PathBuf,
    /// Where to begin, in metres
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_place, allow_hyphen_values = true, required_unless_present = "queries")]
    from: Option<Vec3>,
    /// Where to go, in metres
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_place, allow_hyphen_values = true, required_unless_present = "queries")]
    to: Option<Vec3>,
    /// Answer every line of this file (`-`: standard input), as JSON: `{"from": [x, y, z], "to": [x, y, z]}`, with an
    /// "id" if wanted, or six numbers
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to"])]
    queries: Option<PathBuf>,
    /// How far from a place, along each axis, the mesh may be, in metres
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_place, default_value = "2,4,2")]
    extents: Vec3,
    /// Most nodes one search expands
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    nodes: u32,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Carries a command out.
pub(super) fn run(command: &NavCommand) -> anyhow::Result<ExitCode> {
    match command {
        NavCommand::Path(args) => ask(args, Oracle::path),
        NavCommand::Raycast(args) => ask(args, Oracle::raycast),
        NavCommand::Info { file, json } => {
            let (mesh, hash) = open(file)?;
            print(&InfoAnswer::of(&mesh, hash), *json)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn ask<A>(args: &AskArgs, answer: impl Fn(&mut Oracle, &Query) -> A) -> anyhow::Result<ExitCode>
where
    A: Serialize + std::fmt::Display,
{
    ensure!(args.extents.cmpge(Vec3::ZERO).all(), "--extents must not be negative");
    let (mesh, _) = open(&args.file)?;
    let mut oracle = Oracle::new(mesh, args.extents, args.nodes);
    match (&args.queries, args.from, args.to) {
        (Some(file), ..) => answer_all(file, |query| answer(&mut oracle, query)),
        (None, Some(from), Some(to)) => {
            print(&answer(&mut oracle, &Query { id: None, from, to }), args.json)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("--from and --to are needed, or --queries"),
    }
}

#[derive(Serialize)]
struct Refused {
    error: String,
}

fn answer_all<A: Serialize>(file: &Path, mut answer: impl FnMut(&Query) -> A) -> anyhow::Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut is_good = true;
    let each = |line: usize, query: Result<Query, queries::QueryError>| {
        let text = match query {
            Ok(query) => {
                let answer = answer(&query);
                serde_json::to_string(&Numbered { line, id: query.id, answer })?
            }
            Err(error) => {
                is_good = false;
                serde_json::to_string(&Numbered { line, id: None, answer: Refused { error: error.to_string() } })?
            }
        };
        writeln!(out, "{text}")
    };
    let read = if file == Path::new("-") {
        queries::read(io::stdin().lock(), each)
    } else {
        let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        queries::read(BufReader::new(opened), each)
    };
    match read.and_then(|()| out.flush()) {
        // A reader that has seen enough went away.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        done => done.with_context(|| format!("{} cannot be read to its end", file.display()))?,
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn open(file: &Path) -> anyhow::Result<(Navmesh, u64)> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (archive, hash) = NavArchive::from_bytes(&bytes).with_context(|| file.display().to_string())?;
    let mesh = Navmesh::assemble(&archive).with_context(|| file.display().to_string())?;
    Ok((mesh, hash))
}

fn print(answer: &(impl Serialize + std::fmt::Display), as_json: bool) -> anyhow::Result<()> {
    let text = if as_json { serde_json::to_string(answer)? } else { answer.to_string() };
    say(&format!("{text}\n"));
    Ok(())
}
