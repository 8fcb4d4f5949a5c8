//! Resolve: what the dead leave. A monster's table is rolled by the monster's id and the tick of its death, for the
//! players whose kill it is (`taps`) and who are near. How they share it is their rule; for 30 s nobody else may take it,
//! after 120 s it is gone.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use smallvec::SmallVec;

use super::contest::{Contest, News};
use super::history::{Fortune, LootHistory};
use super::pile::Hold;
use super::roll::{Case, Found, Part, Roller};
use super::{Bag, Lying, Pile};
use crate::actor::{Concealment, Kind, Position};
use crate::assets::{Assets, ClassDef, Id, LootDef, MonsterDef, Quality, TagSet, TapOwner, pity_key};
use crate::features::buffs::Tags;
use crate::features::combat::{CombatRules, Died, Level};
use crate::features::monsters::{Species, Summoned};
use crate::features::party::{LootRule, Parties};
use crate::features::players::Class;
use crate::features::taps::{self, DamageList};
use crate::ids::{Mint, PlayerId, SimId};
use crate::input::Players;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Ticks for which a pile is its owners' (30 s).
pub const OWNED_TICKS: u32 = 600;
/// Ticks after which a pile is gone (120 s).
pub const GONE_TICKS: u32 = 2_400;
/// How far from a kill a member of the party whose it is has a part in its loot, in metres.
pub const SHARE_RANGE_M: f32 = 60.0;
/// From this quality on, a party whose rule is need before greed rolls.
pub const CONTEST_QUALITY: Quality = Quality::Uncommon;
/// Contests of one pile; what comes beyond is for whoever may take from it.
const CONTESTS_MAX: usize = 64;

type Corpse<'a> = (&'a Species, &'a Position, &'a Concealment, &'a Level, &'a DamageList);
type Member<'a> = (&'a Class, &'a Level, &'a Tags, &'a Position, &'a Bag, &'a mut LootHistory);

/// Everyone who may have a part in a kill.
#[derive(SystemParam)]
pub(super) struct People<'w, 's> {
    roster: ResMut<'w, Roster>,
    present: Res<'w, Players>,
    parties: ResMut<'w, Parties>,
    members: Query<'w, 's, Member<'static>>,
}

/// Somebody with a part in a kill.
struct Looter {
    player: PlayerId,
    entity: Entity,
    class: Id<ClassDef>,
    level: u16,
    tags: TagSet,
}

impl People<'_, '_> {
    /// Those of the party whose kill it is who are near a place, in the order they joined; nobody when no player hurt it.
    fn looters(&self, list: &DamageList, owner: TapOwner, place: Position) -> SmallVec<[Looter; 5]> {
        let is_near = |player: PlayerId| {
            let found = self.present.0.get(&player).and_then(|&(_, entity)| self.members.get(entity).ok());
            found.is_some_and(|(_, _, _, position, ..)| position.0.distance(place.0) <= SHARE_RANGE_M)
        };
        // Where none of those with a part in it is near, it is theirs who are in the scene at least.
        let owner = list
            .owner(owner, &self.parties, is_near)
            .or_else(|| list.owner(owner, &self.parties, |player| self.present.0.contains_key(&player)));
        let Some(owner) = owner else { return SmallVec::new() };
        let looter = |player: PlayerId| {
            let &(_, entity) = self.present.0.get(&player)?;
            let (class, level, tags, ..) = self.members.get(entity).ok()?;
            let has_part = player == owner || is_near(player);
            has_part.then_some(Looter { player, entity, class: class.0, level: level.0, tags: tags.granted })
        };
        self.parties.company_of(owner).into_iter().filter_map(looter).collect()
    }

    fn rule_of(&self, looters: &[Looter]) -> LootRule {
        let party =
            looters.first().filter(|_| looters.len() > 1).and_then(|looter| self.parties.party_of(looter.player));
        party.map_or(LootRule::FreeForAll, |party| party.rule)
    }
}

/// What a table is rolled from.
#[derive(SystemParam)]
pub(super) struct Fate<'w> {
    tick: Res<'w, SimTick>,
    random: Res<'w, Random>,
    assets: Res<'w, SceneAssets>,
    rules: Res<'w, CombatRules>,
    mint: ResMut<'w, Mint>,
}

/// One kill whose loot is rolled.
struct Kill<'a> {
    assets: &'a Assets,
    who: SimId,
    monster: &'a MonsterDef,
    level: u16,
    table: &'a LootDef,
    party_size: u32,
}

pub(super) fn drop_loot(
    mut commands: Commands,
    mut fate: Fate,
    mut deaths: MessageReader<Died>,
    corpses: Query<Corpse, Without<Summoned>>,
    mut people: People,
    mut news: News,
) {
    let assets = fate.assets.0.clone();
    for death in deaths.read() {
        let corpse = people.roster.entity(death.who).and_then(|entity| corpses.get(entity).ok());
        let Some((species, &position, concealment, &Level(level), list)) = corpse else { continue };
        let monster = &assets.monsters[species.0];
        let Some(table) = &monster.loot else { continue };
        let owner = taps::rules_of(Some(monster), &fate.rules.0).owner;
        let looters = people.looters(list, owner, position);
        let party_size = u32::try_from(looters.len()).unwrap_or(u32::MAX);
        let table = &assets.loots[table.id()];
        let kill = Kill { assets: &assets, who: death.who, monster, level, table, party_size };
        for pile in fate.piles(&kill, &looters, &mut people) {
            let phase = concealment.phase;
            let id = people.roster.allocate(fate.tick.0);
            news.tell_started(id, &pile);
            commands.spawn((id, position, Concealment::in_phase(phase), Kind::Loot, pile));
        }
    }
}

impl Fate<'_> {
    /// What a kill leaves, shared by the rule of those who may loot.
    fn piles(&mut self, kill: &Kill<'_>, looters: &[Looter], people: &mut People<'_, '_>) -> Vec<Pile> {
        let (mut piles, mut personal) = (Vec::new(), Vec::new());
        let rule = people.rule_of(looters);
        if rule != LootRule::Personal {
            let part = if looters.len() > 1 { Part::Shared } else { Part::All };
            let found = self.roll(kill, (looters, 0), people, |roller| {
                roller.table(kill.table, part);
                personal = std::mem::take(&mut roller.personal);
            });
            piles.push(self.shared_pile(kill, found, rule, looters, people));
        }
        for looter in looters.iter().filter(|_| looters.len() > 1) {
            let one = (std::slice::from_ref(looter), looter.player.0);
            let found = self.roll(kill, one, people, |roller| match rule {
                LootRule::Personal => roller.table(kill.table, Part::All),
                _ => roller.personal_rows(&personal),
            });
            let owners = SmallVec::from_slice(&[looter.player]);
            piles.push(Pile { owners, personal: true, ..self.pile(kill, &found, looter.player.0) });
        }
        let first_kill = kill.table.asks_for_first_kill();
        for looter in looters.iter().filter(|_| first_kill) {
            if let Ok((.., mut history)) = people.members.get_mut(looter.entity) {
                history.meet(pity_key(&kill.monster.id, "first kill"));
            }
        }
        piles.retain(|pile| !pile.is_empty());
        piles
    }

    /// Rolls for looters, and notes their luck; `salt` tells apart the rolls of one kill.
    fn roll<'a>(
        &self,
        kill: &Kill<'a>,
        (looters, salt): (&[Looter], u64),
        people: &mut People<'_, '_>,
        with: impl FnOnce(&mut Roller<'a, '_, '_>),
    ) -> Found {
        let key = pity_key(&kill.monster.id, "first kill");
        let (found, fortune) = {
            let members = || looters.iter().filter_map(|looter| people.members.get(looter.entity).ok());
            let past: SmallVec<[&LootHistory; 5]> = members().map(|(.., history)| history).collect();
            let case = Case {
                levels: looters.iter().map(|looter| looter.level).collect(),
                tags: looters.iter().fold(TagSet::EMPTY, |all, looter| all.union(&looter.tags)),
                monster_level: kill.level,
                party_size: kill.party_size,
                classes: looters.iter().map(|looter| looter.class).collect(),
                first_kill: past.iter().any(|history| !history.knows(key)),
                bags: members().map(|(.., bag, _)| bag).collect(),
            };
            let draw = self.random.draw(self.tick.0, kill.who, Stream("loot"), salt);
            let (fortune, found) = (Fortune::of(past), Found::default());
            let mut roller = Roller { assets: kill.assets, case, fortune, draw, found, personal: Vec::new() };
            with(&mut roller);
            (roller.found, roller.fortune.settled())
        };
        for looter in looters.iter().filter(|_| !fortune.is_empty()) {
            if let Ok((.., mut history)) = people.members.get_mut(looter.entity) {
                history.take_in(&fortune);
            }
        }
        found
    }

    fn shared_pile(
        &mut self,
        kill: &Kill<'_>,
        found: Found,
        rule: LootRule,
        looters: &[Looter],
        people: &mut People<'_, '_>,
    ) -> Pile {
        let all: SmallVec<[PlayerId; 5]> = looters.iter().map(|looter| looter.player).collect();
        let mut pile = self.pile(kill, &found, 0);
        pile.owners = match (rule, all.first()) {
            (LootRule::RoundRobin | LootRule::NeedBeforeGreed, Some(&first)) if !pile.is_empty() => {
                SmallVec::from_slice(&[people.parties.take_turn(first, &all)])
            }
            _ => SmallVec::from_slice(&all),
        };
        if rule == LootRule::NeedBeforeGreed {
            let precious = |lying: &&mut Lying| self.assets.0.items[lying.stack.item].quality >= CONTEST_QUALITY;
            for (number, lying) in (0..).zip(pile.things.iter_mut().filter(precious).take(CONTESTS_MAX)) {
                lying.hold = Hold::Contested(Contest::among(number, all.iter().copied(), self.tick.0));
            }
        }
        pile
    }

    fn pile(&mut self, kill: &Kill<'_>, found: &Found, salt: u64) -> Pile {
        let mut draw = self.random.draw(self.tick.0, kill.who, Stream("loot pieces"), salt);
        let things = found.stacks(kill.assets, &mut draw, &mut self.mint).into_iter().map(Lying::open).collect();
        let (free_tick, gone_tick) = (self.tick.0 + OWNED_TICKS, self.tick.0 + GONE_TICKS);
        Pile { gold: found.gold, things, owners: SmallVec::new(), personal: false, free_tick, gone_tick }
    }
}

pub(super) fn remove_old_piles(mut commands: Commands, tick: Res<SimTick>, piles: Query<(Entity, &SimId, &Pile)>) {
    let old = piles.iter().filter(|(.., pile)| pile.gone_tick <= tick.0);
    let mut old: Vec<(SimId, Entity)> = old.map(|(entity, &id, _)| (id, entity)).collect();
    // By id, because indices rest in the order in which they are given back.
    old.sort_unstable_by_key(|&(id, _)| id);
    for (_, entity) in old {
        commands.entity(entity).despawn();
    }
}
