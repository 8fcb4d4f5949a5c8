//! Sides: who may harm and who may help whom. Factions stand towards one another as their records say; between players
//! the scene's rule decides, with flags, parties and duels. One question has one answer everywhere: skills ask when they
//! choose targets, the combat loop when a deed happens, monsters when they look around.
//!
//! | between | harm, chosen | harm, by area or unasked | help |
//! | --- | --- | --- | --- |
//! | oneself | no | no | yes |
//! | hostile factions | yes | yes | no |
//! | neutral factions | yes | no | no |
//! | friendly factions, not both players | no | no | yes |
//! | players in a duel with each other | yes | yes | no |
//! | players, one of them in a duel with a third | no | no | no |
//! | players of a party | no | no | yes |
//! | other players, `Forbidden` | no | no | yes |
//! | other players, `Flagged` | if the target is flagged | if both are | yes |
//! | other players, `FreeForAll` | yes | yes | no |
//!
//! Players of factions that are hostile to each other never help; they harm as the last three rows say.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;

use crate::actor::Faction;
use crate::assets::{Assets, Filter, Id, PvpRule, SceneDef, Stance};
use crate::digest::{Digest, Digester};
use crate::ids::SimId;

/// What counts about an actor's side besides its faction. Written by the features that have the reason: players by
/// `pvp`, in the Validate and Resolve stages; everyone else keeps the default.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allegiance {
    /// Whether a player decides for it.
    pub player: bool,
    /// Whether it has raised the flag: other flagged players may attack it.
    pub flagged: bool,
    /// Whom it fights a duel with, once the countdown is over.
    pub duel: Option<SimId>,
    /// Its party; 0 for none.
    pub party: u64,
}

impl Digest for Allegiance {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.player) | u32::from(self.flagged) << 1);
        digester.u32(self.duel.map_or(0, SimId::bits));
        digester.u64(self.party);
    }
}

/// Everything that decides about harm and help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Who.
    pub id: SimId,
    /// Its faction.
    pub faction: Faction,
    /// The rest.
    pub allegiance: Allegiance,
}

impl Side {
    /// The side of someone of whom only the faction is known: no player.
    #[must_use]
    pub const fn of_faction(id: SimId, faction: Faction) -> Self {
        let allegiance = Allegiance { player: false, flagged: false, duel: None, party: 0 };
        Self { id, faction, allegiance }
    }
}

/// The components behind a [`Side`].
#[derive(QueryData)]
pub struct SideData {
    id: &'static SimId,
    faction: &'static Faction,
    allegiance: &'static Allegiance,
}

impl SideDataItem<'_, '_> {
    /// The side.
    #[must_use]
    pub fn side(&self) -> Side {
        Side { id: *self.id, faction: *self.faction, allegiance: *self.allegiance }
    }
}

/// The rules of a scene. Written when the scene is made and when its game data is replaced.
#[derive(Resource, Debug, Clone, PartialEq, Eq, Default)]
pub struct Sides {
    /// Stances of pairs of factions, the lesser first, sorted; what is not there is hostile.
    stances: Vec<((u32, u32), Stance)>,
    pvp: PvpRule,
}

impl Sides {
    /// The rules of a scene of the game data.
    #[must_use]
    pub fn of(assets: &Assets, scene: Id<SceneDef>) -> Self {
        let mut stances = Vec::new();
        for (one, def) in assets.factions.iter() {
            for (other, counterpart) in assets.factions.iter().filter(|(other, _)| *other > one) {
                debug_assert_ne!(one, other, "a faction is not compared with itself");
                let (name, other_name) = (def.short_name(), counterpart.short_name());
                // Hostile comes first: the worse of the two counts.
                let stance = def.towards(other_name).min(counterpart.towards(name));
                stances.push((pair(Faction::named(name), Faction::named(other_name)), stance));
            }
        }
        stances.sort_unstable();
        Self { stances, pvp: assets.scenes.get(scene).map_or(PvpRule::default(), |scene| scene.pvp) }
    }

    /// How two factions stand towards each other; those without a record are hostile to all others.
    #[must_use]
    pub fn stance(&self, one: Faction, other: Faction) -> Stance {
        if one == other {
            return Stance::Friendly;
        }
        let found = self.stances.binary_search_by_key(&pair(one, other), |&(pair, _)| pair);
        found.map_or(Stance::Hostile, |at| self.stances[at].1)
    }

    /// Whether one may harm another whom it has chosen.
    #[must_use]
    pub fn may_harm(&self, by: Side, to: Side) -> bool {
        match between(by, to) {
            Bond::Own | Bond::Company | Bond::Apart => false,
            Bond::Duel => true,
            Bond::Players => match self.pvp {
                PvpRule::Forbidden => false,
                PvpRule::Flagged => to.allegiance.flagged,
                PvpRule::FreeForAll => true,
            },
            Bond::Factions => self.stance(by.faction, to.faction) != Stance::Friendly,
        }
    }

    /// Whether one harms another unasked: whom areas hit and monsters attack on sight.
    #[must_use]
    pub fn is_enemy(&self, by: Side, to: Side) -> bool {
        match between(by, to) {
            Bond::Players if self.pvp == PvpRule::Flagged => by.allegiance.flagged && to.allegiance.flagged,
            Bond::Factions => self.stance(by.faction, to.faction) == Stance::Hostile,
            _ => self.may_harm(by, to),
        }
    }

    /// Whether one may help another.
    #[must_use]
    pub fn may_help(&self, by: Side, to: Side) -> bool {
        match between(by, to) {
            Bond::Own | Bond::Company => true,
            Bond::Duel | Bond::Apart => false,
            Bond::Players if self.pvp == PvpRule::FreeForAll => false,
            Bond::Players | Bond::Factions => self.stance(by.faction, to.faction) == Stance::Friendly,
        }
    }

    /// Whether a skill's filter lets through whom it is aimed at.
    #[must_use]
    pub fn suits(&self, filter: Filter, by: Side, to: Side) -> bool {
        match filter {
            Filter::Enemy => self.may_harm(by, to),
            Filter::Ally => self.may_help(by, to),
            Filter::Any => true,
        }
    }

    /// Whether a skill's filter lets through whom its area touches.
    #[must_use]
    pub fn suits_in_area(&self, filter: Filter, by: Side, to: Side) -> bool {
        match filter {
            Filter::Enemy => self.is_enemy(by, to),
            Filter::Ally => self.may_help(by, to),
            Filter::Any => true,
        }
    }
}

/// What lies between two actors, before any rule of the scene.
enum Bond {
    /// One and the same.
    Own,
    /// Opponents in a duel.
    Duel,
    /// One of them is in a duel with a third: nobody interferes.
    Apart,
    /// Players of a party.
    Company,
    /// Players.
    Players,
    /// Not both are players.
    Factions,
}

fn between(one: Side, other: Side) -> Bond {
    let (own, its) = (one.allegiance, other.allegiance);
    match () {
        () if one.id == other.id => Bond::Own,
        () if !(own.player && its.player) => Bond::Factions,
        () if own.duel == Some(other.id) && its.duel == Some(one.id) => Bond::Duel,
        () if own.duel.is_some() || its.duel.is_some() => Bond::Apart,
        () if own.party != 0 && own.party == its.party => Bond::Company,
        () => Bond::Players,
    }
}

fn pair(one: Faction, other: Faction) -> (u32, u32) {
    (one.0.min(other.0), one.0.max(other.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test_assets;

    fn sides(pvp: PvpRule) -> Sides {
        let assets = test_assets(&[(
            "factions/more.ron",
            r#"[
            (id: "faction/guard", friendly: ["players"], hostile: ["vermin"]),
            (id: "faction/town", others: Neutral, friendly: ["guard"]),
        ]"#,
        )]);
        Sides { pvp, ..Sides::of(&assets, Id::new(0)) }
    }

    fn player(index: u32) -> Side {
        let allegiance = Allegiance { player: true, ..Allegiance::default() };
        Side { id: SimId::new(index, 0), faction: Faction::PLAYERS, allegiance }
    }

    fn someone(index: u32, faction: &str) -> Side {
        Side::of_faction(SimId::new(index, 0), Faction::named(faction))
    }

    /// Harm chosen, harm unasked, help.
    fn may(sides: &Sides, by: Side, to: Side) -> [bool; 3] {
        [sides.may_harm(by, to), sides.is_enemy(by, to), sides.may_help(by, to)]
    }

    #[test]
    fn factions_are_as_hostile_as_the_worse_of_the_two_says() {
        let sides = sides(PvpRule::Flagged);
        assert_eq!(may(&sides, player(1), someone(2, "vermin")), [true, true, false]);
        // What players are to others is up to the others.
        assert_eq!(may(&sides, player(1), someone(2, "guard")), [false, false, true]);
        // The town likes the guard, but the guard is hostile to all it does not list.
        assert_eq!(may(&sides, someone(1, "town"), someone(2, "guard")), [true, true, false]);
        assert_eq!(may(&sides, someone(1, "vermin"), someone(2, "vermin")), [false, false, true]);
        assert_eq!(may(&sides, someone(1, "nobody"), someone(2, "else")), [true, true, false]);
    }

    #[test]
    fn a_neutral_faction_can_be_attacked_but_is_not_hit_by_the_way() {
        let assets = test_assets(&[("factions/more.ron", r#"[(id: "faction/town", others: Neutral)]"#)]);
        let sides = Sides::of(&assets, Id::new(0));
        assert_eq!(may(&sides, player(1), someone(2, "town")), [true, false, false]);
        assert_eq!(may(&sides, someone(2, "town"), player(1)), [true, false, false]);
    }

    #[test]
    fn players_harm_one_another_as_the_scene_allows() {
        let flagged = |mut side: Side| {
            side.allegiance.flagged = true;
            side
        };
        for (pvp, plain, target, both) in [
            (PvpRule::Forbidden, [false, false, true], [false, false, true], [false, false, true]),
            (PvpRule::Flagged, [false, false, true], [true, false, true], [true, true, true]),
            (PvpRule::FreeForAll, [true, true, false], [true, true, false], [true, true, false]),
        ] {
            let sides = sides(pvp);
            assert_eq!(may(&sides, player(1), player(2)), plain, "{pvp:?}");
            assert_eq!(may(&sides, player(1), flagged(player(2))), target, "{pvp:?}");
            assert_eq!(may(&sides, flagged(player(1)), flagged(player(2))), both, "{pvp:?}");
        }
    }

    #[test]
    fn a_party_holds_together_and_a_duel_keeps_others_out() {
        let sides = sides(PvpRule::FreeForAll);
        let in_party = |index| {
            let mut side = player(index);
            side.allegiance.party = 9;
            side
        };
        assert_eq!(may(&sides, in_party(1), in_party(2)), [false, false, true]);
        let dueling = |index, with| {
            let mut side = in_party(index);
            side.allegiance.duel = Some(SimId::new(with, 0));
            side
        };
        assert_eq!(may(&sides, dueling(1, 2), dueling(2, 1)), [true, true, false]);
        assert_eq!(may(&sides, in_party(3), dueling(2, 1)), [false, false, false]);
        assert_eq!(may(&sides, dueling(1, 2), in_party(3)), [false, false, false]);
        assert_eq!(may(&sides, dueling(1, 2), dueling(1, 2)), [false, false, true]);
    }
}
