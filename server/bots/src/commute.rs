//! Commuting: to a portal of the scene, through it, and on to one of the next scene, for as long as the test lasts. A scene
//! without a portal is roamed.

use glam::Vec2;
use sim::features::combat::ReleaseCommand;
use sim::features::players::EnterPortalCommand;
use sim::random::Draw;

use crate::behaviour::{Act, Brain, Turn};
use crate::doors::Porter;
use crate::roam::Roamer;
use crate::senses::Senses;
use crate::walk::{Walker, ground};

/// Part of a portal's radius within which one asks to pass.
const INSIDE: f32 = 0.7;
/// Turns between two requests to pass (1 s).
const ASK_AGAIN_TURNS: u32 = 20;

/// Walks from portal to portal.
#[derive(Debug, Default)]
pub(crate) struct Commuter {
    walker: Walker,
    porter: Porter,
    roamer: Roamer,
    /// The scene's epoch and the place of the portal that was chosen in it.
    way: Option<(u32, Vec2, f32)>,
    ask_turn: u32,
    is_dead: bool,
}

impl Brain for Commuter {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        if senses.vitals().is_some_and(|vitals| vitals.is_dead()) {
            self.walker.rest();
            let asks = !std::mem::replace(&mut self.is_dead, true);
            return if asks { Turn::default().and(Act::Release(ReleaseCommand)) } else { Turn::default() };
        }
        self.is_dead = false;
        let epoch = senses.session.world().scene().map_or(0, |scene| scene.epoch);
        if self.way.is_none_or(|(chosen, ..)| chosen != epoch) {
            self.way = choose(senses, draw).map(|(place, radius_m)| (epoch, place, radius_m));
            self.walker.rest();
        }
        let Some((_, portal, radius_m)) = self.way else { return self.roamer.decide(senses, draw) };
        if ground(senses.position()).distance(portal) <= radius_m * INSIDE {
            return self.pass(senses);
        }
        let step = self.walker.towards(senses, portal, draw);
        self.porter.turn(senses, step, draw)
    }
}

impl Commuter {
    fn pass(&mut self, senses: &Senses<'_>) -> Turn {
        if senses.turn < self.ask_turn {
            return Turn::default();
        }
        self.ask_turn = senses.turn + ASK_AGAIN_TURNS;
        Turn::default().and(Act::EnterPortal(EnterPortalCommand))
    }
}

fn choose(senses: &Senses<'_>, draw: &mut Draw) -> Option<(Vec2, f32)> {
    let portals = &senses.scene.portals;
    let chosen = draw.below(u32::try_from(portals.len()).unwrap_or(u32::MAX).max(1));
    let portal = portals.get(chosen as usize)?;
    Some((Vec2::from(portal.at), portal.radius_m))
}
