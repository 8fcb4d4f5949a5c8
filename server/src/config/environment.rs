//! The middle layer of the settings: variables named `MAINSPRING_` and a key in capitals. They are read as the
//! flags of the same name would be, so both accept the same values and refuse with the same words.

use std::error::Error;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Command, FromArgMatches};

use super::{ConfigError, Layer};

/// What the names of our variables begin with.
pub const PREFIX: &str = "MAINSPRING_";

/// Reads our variables out of `variables`: the settings file they name, and the layer they make.
pub(super) fn read(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<(Option<PathBuf>, Layer), ConfigError> {
    let mut layer = Layer::default();
    let mut file = None;
    for (variable, value) in variables {
        let Some(key) = variable.strip_prefix(PREFIX) else { continue };
        if key == "CONFIG" {
            file = Some(PathBuf::from(value));
            continue;
        }
        // One variable at a time, so that a refusal is about this one.
        let flag = format!("--{}={value}", key.to_ascii_lowercase().replace('_', "-"));
        let one = command().try_get_matches_from([flag]).and_then(|matches| Layer::from_arg_matches(&matches));
        let one = one.map_err(|error| refusal(&variable, &value, &error))?;
        layer = one.over(layer);
    }
    Ok((file, layer))
}

/// The existing key nearest to an unknown one at the start of `text` (which ends at the next backtick).
pub(super) fn nearest_key(text: &str) -> Option<String> {
    let key = text.split('`').next()?;
    let flag = format!("--{}=0", key.replace('_', "-"));
    let error = command().try_get_matches_from([flag]).err()?;
    suggestion(&error).map(|flag| flag.replace('-', "_"))
}

fn command() -> Command {
    Layer::augment_args(Command::new("mainspring").no_binary_name(true).disable_help_flag(true))
}

fn refusal(variable: &str, value: &str, error: &clap::Error) -> ConfigError {
    let message = if error.kind() == clap::error::ErrorKind::UnknownArgument {
        let nearest = suggestion(error).map(|flag| flag.replace('-', "_").to_ascii_uppercase());
        let hint = nearest.map(|key| format!("; did you mean {PREFIX}{key}?")).unwrap_or_default();
        format!("there is no such setting{hint}")
    } else {
        let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        format!("{value:?} cannot be read{reason}")
    };
    ConfigError::Variable { variable: variable.to_owned(), message }
}

fn suggestion(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::SuggestedArg)? {
        ContextValue::String(flag) => Some(flag.trim_start_matches("--").to_owned()),
        _ => None,
    }
}
