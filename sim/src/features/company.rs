//! Company: who matters more to a player than others, so that it is told of them first: its party, at any distance, and
//! whom it strikes, heals or casts at, or is struck by, for 5 s after the last time. Perceive, before anybody looks around.

use bevy_app::App;
use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use crate::digest::{Digest, DigestApp, Digester};
use crate::features::combat::HealthChanged;
use crate::features::party::Party;
use crate::features::players::Player;
use crate::features::skills::CastStarted;
use crate::ids::SimId;
use crate::interest::{InterestSystems, Pinned};
use crate::roster::Roster;
use crate::tick::{SimTick, TICKS_PER_SECOND, Tick};

/// Ticks after the last dealing for which the other side comes first (5 s).
const DEALING_TICKS: u32 = 5 * TICKS_PER_SECOND;
/// Dealings kept per player; of more the oldest are let go.
const DEALINGS_MAX: usize = 16;

/// Whom a player has struck, healed or cast at, or was struck by of late, and in which tick last. Written in Perceive.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
struct Dealings(SmallVec<[(SimId, u32); 4]>);

impl Dealings {
    fn note(&mut self, other: SimId, tick: u32) {
        self.0.retain(|&mut (id, _)| id != other);
        if self.0.len() == DEALINGS_MAX {
            self.0.remove(0);
        }
        self.0.push((other, tick));
    }
}

impl Digest for Dealings {
    fn digest(&self, digester: &mut Digester) {
        self.0.iter().for_each(|&(id, tick)| digester.u64(u64::from(id.bits()) << 32 | u64::from(tick)));
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.register_required_components::<Player, Dealings>().register_required_components::<Player, Pinned>();
    app.add_systems(
        Tick,
        (note_dealings, forget_dealings, pin_company)
            .chain()
            .after(InterestSystems::Grid)
            .before(InterestSystems::Look),
    );
    app.digest_component::<Dealings>("interest");
}

fn note_dealings(
    tick: Res<SimTick>,
    roster: Res<Roster>,
    (mut changes, mut casts): (MessageReader<HealthChanged>, MessageReader<CastStarted>),
    mut players: Query<&mut Dealings>,
) {
    let mut note = |one: SimId, other: SimId| {
        if one != other
            && let Some(mut dealings) = roster.entity(one).and_then(|entity| players.get_mut(entity).ok())
        {
            dealings.note(other, tick.0);
        }
    };
    for change in changes.read() {
        note(change.source, change.target);
        // Who is healed has no more to do with the healer than before.
        if change.amount <= 0 {
            note(change.target, change.source);
        }
    }
    for cast in casts.read() {
        if let Some(target) = cast.target {
            note(cast.caster, target);
        }
    }
}

fn forget_dealings(tick: Res<SimTick>, mut players: Query<&mut Dealings>) {
    if !tick.0.is_multiple_of(TICKS_PER_SECOND) {
        return;
    }
    for mut dealings in &mut players {
        let is_over = |&(_, since): &(SimId, u32)| tick.0 - since > DEALING_TICKS;
        if dealings.0.iter().any(is_over) {
            dealings.0.retain(|dealing| !is_over(dealing));
        }
    }
}

type Company<'a> = (&'a SimId, &'a Party, &'a Dealings, &'a mut Pinned);
type HasOtherCompany = Or<(Changed<Party>, Changed<Dealings>)>;

fn pin_company(mut players: Query<Company, HasOtherCompany>) {
    for (&own, party, dealings, mut pinned) in &mut players {
        let members = party.seen.members.iter().filter_map(|member| member.id).filter(|&id| id != own);
        let mut anywhere: SmallVec<[SimId; 4]> = members.collect();
        anywhere.sort_unstable();
        let mut first: SmallVec<[SimId; 8]> =
            anywhere.iter().copied().chain(dealings.0.iter().map(|&(id, _)| id)).collect();
        first.sort_unstable();
        first.dedup();
        pinned.set_if_neq(Pinned { anywhere, first });
    }
}
