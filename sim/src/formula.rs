//! Formulas: a closed little language for numbers in data. `attack * coef / 1000`, `if(hp < hp_max / 3, 2, 1)`, `curve('hp', level)`.
//! A text is parsed, every name in it is bound, intervals prove at load time that nothing can overflow or divide by zero,
//! and what remains is a short list of operations. The same inputs give the same result on every machine.
//!
//! Values are fixed point with six decimals on 128 bits. `+ - % min max clamp abs if` and comparisons (1 or 0) are exact;
//! `*`, `/`, `pow` and curves round to the nearest millionth, halves away from zero; `sqrt` rounds down to a millionth;
//! `floor`, `ceil` and `round` (halves away from zero) go to whole numbers; `a % b` is never negative.

use std::ops::Range;

mod bind;
mod interval;
mod parse;
mod program;
mod quick;

pub use bind::{Names, Ranges, compile};
pub use interval::Interval;
pub use program::{Program, Scope, Trigger};

/// Millionths in one.
pub const MICRO: i128 = 1_000_000;
/// Farthest any intermediate result may lie from zero, in millionths: ten to the 15th.
pub const LIMIT_MICRO: i128 = 1_000_000_000_000_000 * MICRO;

/// What is wrong with a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormulaError {
    /// Where, in bytes of the formula's text.
    pub span: Range<usize>,
    /// Which rule it breaks.
    pub kind: FormulaFault,
    /// What, as one sentence without a full stop.
    pub message: String,
    /// A way out, if one is known.
    pub help: Option<String>,
}

/// The rules a formula can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormulaFault {
    /// The text is not of the language.
    Syntax,
    /// A name that stands for nothing here.
    UnknownName,
    /// A value that may lie where it must not: a divisor of zero, a root of less, beyond the limit.
    Range,
}

impl FormulaError {
    fn new(kind: FormulaFault, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, kind, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}

/// `a x b`, rounded to the nearest millionth, at most the limit.
pub(crate) fn multiply(a: i128, b: i128) -> i128 {
    if let (Ok(a), Ok(b)) = (i64::try_from(a), i64::try_from(b))
        && let Some(product) = a.checked_mul(b)
    {
        // Almost every product; the division of 64 bits by a constant is a multiplication.
        let half = if product < 0 { -(MICRO as i64) / 2 } else { MICRO as i64 / 2 };
        return i128::from(product.saturating_add(half) / MICRO as i64);
    }
    match a.checked_mul(b) {
        Some(product) => limited(round_divide(product, MICRO)),
        None if (a < 0) == (b < 0) => LIMIT_MICRO,
        None => -LIMIT_MICRO,
    }
}

/// `a / b`, rounded to the nearest millionth; 0 where `b` is 0, which a checked formula never asks for.
pub(crate) fn divide(a: i128, b: i128) -> i128 {
    if b == 0 {
        return 0;
    }
    if let Some(scaled) = i64::try_from(a).ok().and_then(|a| a.checked_mul(MICRO as i64))
        && let Ok(b) = i64::try_from(b)
        && b != -1
    {
        let (quotient, rest) = (scaled / b, scaled % b);
        let up = i64::from(rest.unsigned_abs() >= b.unsigned_abs().div_ceil(2));
        return i128::from(if (scaled < 0) == (b < 0) { quotient + up } else { quotient - up });
    }
    limited(round_divide(limited(a) * MICRO, b))
}

/// Division rounded half away from zero.
fn round_divide(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value / by, value % by);
    let up = i128::from(rest.unsigned_abs() >= by.unsigned_abs().div_ceil(2));
    if (value < 0) == (by < 0) { quotient + up } else { quotient - up }
}

/// The root, rounded down to a millionth; 0 of what is below zero.
pub(crate) fn root(value: i128) -> i128 {
    let scaled = limited(value).max(0).unsigned_abs() * MICRO.unsigned_abs();
    // A root of 64 bits is several times as fast as one of 128.
    u64::try_from(scaled).map_or_else(|_| scaled.isqrt(), |short| u128::from(short.isqrt())).cast_signed()
}

/// `base` to a whole power from 0 to 8.
pub(crate) fn power(base: i128, exponent: u8) -> i128 {
    (0..exponent).fold(MICRO, |product, _| multiply(product, base))
}

pub(crate) fn limited(value: i128) -> i128 {
    value.clamp(-LIMIT_MICRO, LIMIT_MICRO)
}

/// To a whole number, halves away from zero.
pub(crate) fn round_whole(value: i128) -> i128 {
    round_divide(value, MICRO) * MICRO
}

/// Fixed point as a reader writes it: no more decimals than it has.
pub(crate) fn written(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let (whole, rest) = (micro.unsigned_abs() / MICRO.unsigned_abs(), micro.unsigned_abs() % MICRO.unsigned_abs());
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let decimals = format!("{rest:06}");
    format!("{sign}{whole}.{}", decimals.trim_end_matches('0'))
}

#[cfg(test)]
mod tests;
