//! Company: who matters more to a player than others, so that it is told of them first: its party, at any distance, and
//! whom it strikes or is struck by, for 5 s after the last blow. Perceive, before anybody looks around.

use bevy_app::App;
use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use crate::digest::{Digest, DigestApp, Digester};
use crate::features::combat::HealthChanged;
use crate::features::party::Party;
use crate::features::players::Player;
use crate::ids::SimId;
use crate::interest::{InterestSystems, Pinned};
use crate::roster::Roster;
use crate::tick::{SimTick, TICKS_PER_SECOND, Tick};

/// Ticks after the last blow for which the other side comes first (5 s).
const FOE_TICKS: u32 = 5 * TICKS_PER_SECOND;
/// Foes kept per player; of more the oldest are let go.
const FOES_MAX: usize = 16;

/// Whom a player has struck or was struck by of late, and in which tick last. Written in Perceive.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
struct Foes(SmallVec<[(SimId, u32); 4]>);

impl Digest for Foes {
    fn digest(&self, digester: &mut Digester) {
        self.0.iter().for_each(|&(id, tick)| digester.u64(u64::from(id.bits()) << 32 | u64::from(tick)));
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.register_required_components::<Player, Foes>().register_required_components::<Player, Pinned>();
    app.add_systems(
        Tick,
        (note_blows, forget_foes, pin_company).chain().after(InterestSystems::Grid).before(InterestSystems::Look),
    );
    app.digest_component::<Foes>("interest");
}

fn note_blows(
    tick: Res<SimTick>,
    roster: Res<Roster>,
    mut blows: MessageReader<HealthChanged>,
    mut players: Query<&mut Foes>,
) {
    for blow in blows.read().filter(|blow| blow.source != blow.target && blow.amount <= 0) {
        for (one, other) in [(blow.source, blow.target), (blow.target, blow.source)] {
            let Some(mut foes) = roster.entity(one).and_then(|entity| players.get_mut(entity).ok()) else { continue };
            foes.0.retain(|&mut (id, _)| id != other);
            if foes.0.len() == FOES_MAX {
                foes.0.remove(0);
            }
            foes.0.push((other, tick.0));
        }
    }
}

fn forget_foes(tick: Res<SimTick>, mut players: Query<&mut Foes>) {
    if !tick.0.is_multiple_of(TICKS_PER_SECOND) {
        return;
    }
    for mut foes in &mut players {
        let is_over = |&(_, since): &(SimId, u32)| tick.0 - since > FOE_TICKS;
        if foes.0.iter().any(is_over) {
            foes.0.retain(|foe| !is_over(foe));
        }
    }
}

type Company<'a> = (&'a SimId, &'a Party, &'a Foes, &'a mut Pinned);
type HasOtherCompany = Or<(Changed<Party>, Changed<Foes>)>;

fn pin_company(mut players: Query<Company, HasOtherCompany>) {
    for (&own, party, foes, mut pinned) in &mut players {
        let members = party.seen.members.iter().filter_map(|member| member.id).filter(|&id| id != own);
        let mut anywhere: SmallVec<[SimId; 4]> = members.collect();
        anywhere.sort_unstable();
        let mut first: SmallVec<[SimId; 8]> =
            anywhere.iter().copied().chain(foes.0.iter().map(|&(id, _)| id)).collect();
        first.sort_unstable();
        first.dedup();
        pinned.set_if_neq(Pinned { anywhere, first });
    }
}
