//! Doing nothing: a player who is logged in and away. No inputs are sent; what keeps the session alive is the client
//! library's business.

use sim::random::Draw;

use crate::behaviour::{Brain, Turn};
use crate::senses::Senses;

/// Stands where it came into the world.
#[derive(Debug)]
pub(crate) struct Idler;

impl Brain for Idler {
    fn decide(&mut self, _: &Senses<'_>, _: &mut Draw) -> Turn {
        Turn::default()
    }
}
