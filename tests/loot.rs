//! Loot: who may take what, and that nothing is ever lost or made on the way.

use sim::assets::{Id, ItemDef};
use sim::features::loot::{
    Bag, CONTEST_TICKS, Choice, GONE_TICKS, Hold, LootRollStarted, LootRolled, LootTaken, LootWon, OWNED_TICKS, Pile,
    RollCommand, SHARE_RANGE_M, SLOTS_MAX, Stack, TakeCommand, ThingSeen,
};
use sim::features::party::{LootRule, PartyCommand};
use sim::ids::SimId;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, arena, hurt, kill, refusals, told};
use crate::party::band;

fn item(scene: &TestScene, name: &str) -> Id<ItemDef> {
    scene.config.assets.items.by_name(name).unwrap()
}

fn piles(scene: &mut TestScene) -> Vec<SimId> {
    let world = scene.scene.world_mut();
    let mut query = world.query_filtered::<&SimId, bevy_ecs::prelude::With<Pile>>();
    let mut found: Vec<SimId> = query.iter(world).copied().collect();
    found.sort_unstable();
    found
}

/// A king killed by a player, and the pile it left.
fn spoils() -> (TestScene, SimId, SimId) {
    let mut scene = arena();
    let (fighter, king) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/king", 0.0, 0.0));
    kill(&mut scene, fighter, king);
    let pile = piles(&mut scene)[0];
    (scene, fighter, pile)
}

fn take(scene: &mut TestScene, taker: SimId, pile: SimId) {
    scene.command(taker, &TakeCommand { pile });
    scene.tick();
}

#[test]
fn the_killer_takes_everything_and_everyone_is_told() {
    let (mut scene, fighter, pile) = spoils();
    let lies = scene.get::<Pile>(pile).clone();
    assert!((10..=20).contains(&lies.gold) && (2..=4).contains(&lies.things[0].stack.count));
    take(&mut scene, fighter, pile);
    assert!(!scene.exists(pile));
    let bag = scene.get::<Bag>(fighter);
    assert_eq!(
        (bag.gold(), bag.count(item(&scene, "item/tail"))),
        (u64::from(lies.gold), u64::from(lies.things[0].stack.count))
    );
    let things = lies.things.iter().map(|lying| ThingSeen::of_stack(&lying.stack)).collect();
    assert_eq!(told::<LootTaken>(&scene), [LootTaken { taker: fighter, pile, gold: lies.gold, things }]);
}

#[test]
fn a_line_of_loot_falls_as_often_as_its_chance_says() {
    let mut scene = arena();
    let fighter = scene.player_at(2.0, 0.0);
    for _ in 0..200 {
        let king = scene.monster_at("monster/king", 0.0, 0.0);
        kill(&mut scene, fighter, king);
    }
    let all = piles(&mut scene);
    let crowns = all.iter().filter(|&&pile| scene.get::<Pile>(pile).things.len() == 2).count();
    assert_eq!(all.len(), 200);
    assert!((75..=125).contains(&crowns), "half of 200: {crowns}");
}

#[test]
fn for_30_seconds_a_pile_is_the_killers_alone_and_then_anyones() {
    let (mut scene, _, pile) = spoils();
    let other = scene.player_at(1.0, 0.0);
    scene.tick();
    take(&mut scene, other, pile);
    assert_eq!(refusals(&scene), ["not_yours"]);
    scene.ticks(OWNED_TICKS);
    take(&mut scene, other, pile);
    assert!(refusals(&scene).is_empty() && !scene.exists(pile));
}

#[test]
fn after_two_minutes_a_pile_is_gone() {
    let (mut scene, _, pile) = spoils();
    scene.ticks(GONE_TICKS - 1);
    assert!(scene.exists(pile));
    scene.tick();
    assert!(!scene.exists(pile));
}

#[test]
fn a_pile_must_be_near_in_view_and_a_pile() {
    let (mut scene, fighter, pile) = spoils();
    scene.place(fighter, 3.1, 0.0);
    take(&mut scene, fighter, pile);
    assert_eq!(refusals(&scene), ["range"]);
    for nothing in [fighter, SimId::new(999, 0)] {
        take(&mut scene, fighter, nothing);
        assert_eq!(refusals(&scene), ["no_target"]);
    }
    scene.place(fighter, 300.0, 0.0);
    scene.tick();
    take(&mut scene, fighter, pile);
    assert_eq!(refusals(&scene), ["no_target"], "out of view");
}

#[test]
fn the_dead_take_nothing() {
    let (mut scene, fighter, pile) = spoils();
    let dummy = scene.monster_at("monster/dummy", 9.0, 0.0);
    kill(&mut scene, dummy, fighter);
    take(&mut scene, fighter, pile);
    assert_eq!(refusals(&scene), ["dead"]);
}

#[test]
fn what_does_not_fit_stays_and_a_full_bag_is_told() {
    let (mut scene, fighter, pile) = spoils();
    let (tail, crown) = (item(&scene, "item/tail"), item(&scene, "item/crown"));
    let mut bag = Bag::default();
    let items = &scene.config.assets.items;
    assert_eq!(bag.put(Stack::plain(crown, 39), &items[crown], false), 0);
    assert_eq!(bag.put(Stack::plain(tail, 4), &items[tail], false), 0);
    assert_eq!(bag.things().count(), SLOTS_MAX);
    let entity = scene.entity(fighter);
    scene.scene.world_mut().entity_mut(entity).insert(bag);
    let before = scene.get::<Pile>(pile).things.iter().map(|lying| lying.stack.count).sum::<u32>();
    take(&mut scene, fighter, pile);
    let left = scene.get::<Pile>(pile);
    assert_eq!(left.things.iter().map(|lying| lying.stack.count).sum::<u32>(), before - 1, "one tail fitted");
    assert_eq!((left.gold, scene.get::<Bag>(fighter).count(tail)), (0, 5));
    take(&mut scene, fighter, pile);
    assert_eq!(refusals(&scene), ["bag_full"]);
}

#[test]
fn two_who_take_in_one_tick_get_it_once() {
    let (mut scene, fighter, pile) = spoils();
    let other = scene.player_at(1.0, 0.0);
    scene.ticks(OWNED_TICKS + 1);
    let lies = scene.get::<Pile>(pile).clone();
    scene.command(other, &TakeCommand { pile });
    take(&mut scene, fighter, pile);
    assert_eq!(refusals(&scene), ["no_target"]);
    let gold = scene.get::<Bag>(fighter).gold() + scene.get::<Bag>(other).gold();
    assert_eq!(gold, u64::from(lies.gold));
    let tail = item(&scene, "item/tail");
    let tails = scene.get::<Bag>(fighter).count(tail) + scene.get::<Bag>(other).count(tail);
    assert_eq!(tails, u64::from(lies.things[0].stack.count));
}

#[test]
fn a_bag_travels_with_its_character() {
    let (mut scene, fighter, pile) = spoils();
    take(&mut scene, fighter, pile);
    let bag = scene.get::<Bag>(fighter).clone();
    let player = scene.player_of(fighter).0;
    // Out of the fight first: who logs out of one stays in it.
    scene.ticks(crate::combat::CALM_TICKS);
    scene.scene.push(sim::input::SceneInput::Leave { player });
    scene.tick();
    let Some(sim::input::SceneOutput::Departed { character, .. }) = scene.scene.take_outputs().pop() else {
        panic!("it left")
    };
    scene.scene.push(sim::input::SceneInput::Join { player, character, spawn_point: None });
    scene.tick();
    let (again, _) = scene.scene.world().resource::<sim::input::Players>().0[&sim::ids::PlayerId(player)];
    assert_eq!(*scene.get::<Bag>(again), bag);
}

/// A king killed by the first of a party with a rule, and all piles it left.
fn shared_spoils(count: usize, rule: LootRule) -> (TestScene, Vec<SimId>, Vec<SimId>) {
    let mut scene = arena();
    let band = band(&mut scene, count);
    crate::party::ask(&mut scene, band[0], PartyCommand::SetLootRule { rule });
    let king = scene.monster_at("monster/treasure", 1.0, 1.0);
    kill(&mut scene, band[0], king);
    let piles = piles(&mut scene);
    (scene, band, piles)
}

#[test]
fn free_for_all_is_for_everyone_of_the_party_and_nobody_else() {
    let (mut scene, band, piles) = shared_spoils(2, LootRule::FreeForAll);
    let other = scene.player_at(1.0, 0.0);
    scene.tick();
    take(&mut scene, other, piles[0]);
    assert_eq!(refusals(&scene), ["not_yours"]);
    take(&mut scene, band[1], piles[0]);
    assert!(refusals(&scene).is_empty() && !scene.exists(piles[0]));
}

#[test]
fn by_turns_each_pile_is_anothers() {
    let (mut scene, band, first) = shared_spoils(3, LootRule::RoundRobin);
    for _ in 0..3 {
        let king = scene.monster_at("monster/treasure", 1.0, 1.0);
        kill(&mut scene, band[2], king);
    }
    let owners: Vec<_> = piles(&mut scene).iter().map(|&pile| scene.get::<Pile>(pile).owners.to_vec()).collect();
    let of = |who: usize| vec![scene.player_of(band[who])];
    assert_eq!(owners, [of(0), of(1), of(2), of(0)]);
    take(&mut scene, band[1], first[0]);
    assert_eq!(refusals(&scene), ["not_yours"]);
}

#[test]
fn personal_loot_is_rolled_for_each_and_stays_theirs() {
    let (mut scene, band, piles) = shared_spoils(2, LootRule::Personal);
    assert_eq!(piles.len(), 2);
    scene.ticks(OWNED_TICKS + 1);
    take(&mut scene, band[0], piles[1]);
    assert_eq!(refusals(&scene), ["not_yours"], "also after the others' time");
    for (&who, &pile) in band.iter().zip(&piles) {
        take(&mut scene, who, pile);
        assert!(refusals(&scene).is_empty());
        assert_eq!(scene.get::<Bag>(who).count(item(&scene, "item/crown")), 1);
    }
}

fn choose(scene: &mut TestScene, who: SimId, pile: SimId, choice: Choice) {
    scene.command(who, &RollCommand { pile, number: 0, choice });
    scene.tick();
}

#[test]
fn what_is_precious_is_rolled_for_need_before_greed() {
    let (mut scene, band, piles) = shared_spoils(3, LootRule::NeedBeforeGreed);
    let started: Vec<SimId> = told::<LootRollStarted>(&scene).iter().map(|roll| roll.told).collect();
    assert_eq!(started, band, "each is told");
    take(&mut scene, band[0], piles[0]);
    assert_eq!(scene.get::<Bag>(band[0]).count(item(&scene, "item/crown")), 0, "the rest is the first one's turn");
    choose(&mut scene, band[0], piles[0], Choice::Greed);
    choose(&mut scene, band[0], piles[0], Choice::Need);
    assert_eq!(refusals(&scene), ["chosen"]);
    choose(&mut scene, band[1], piles[0], Choice::Need);
    choose(&mut scene, band[2], piles[0], Choice::Pass);
    assert_eq!(scene.get::<Bag>(band[1]).count(item(&scene, "item/crown")), 1);
    assert!(told::<LootWon>(&scene).iter().all(|won| won.winner == Some(band[1])));
    let rolls: Vec<_> =
        told::<LootRolled>(&scene).iter().filter(|roll| roll.told == band[0]).map(|roll| roll.roll > 0).collect();
    assert_eq!(rolls, [true, true, false]);
    assert!(!scene.exists(piles[0]));
}

#[test]
fn who_does_not_choose_in_time_has_passed_and_what_nobody_wants_is_for_all() {
    let (mut scene, band, piles) = shared_spoils(2, LootRule::NeedBeforeGreed);
    let outsider = scene.player_at(1.0, 0.0);
    choose(&mut scene, outsider, piles[0], Choice::Need);
    assert_eq!(refusals(&scene), ["no_roll"]);
    scene.ticks(CONTEST_TICKS);
    assert_eq!(scene.get::<Pile>(piles[0]).things.iter().filter(|lying| lying.hold == Hold::Open).count(), 2);
    take(&mut scene, band[0], piles[0]);
    assert_eq!(scene.get::<Bag>(band[0]).count(item(&scene, "item/crown")), 1);
}

#[test]
fn what_is_won_and_does_not_fit_waits_for_the_winner_alone() {
    let (mut scene, band, piles) = shared_spoils(2, LootRule::NeedBeforeGreed);
    let (rat, crown) = (item(&scene, "item/tail"), item(&scene, "item/crown"));
    let mut bag = Bag::default();
    assert_eq!(bag.put(Stack::plain(rat, 200), &scene.config.assets.items[rat], false), 0);
    let entity = scene.entity(band[1]);
    scene.scene.world_mut().entity_mut(entity).insert(bag);
    choose(&mut scene, band[1], piles[0], Choice::Need);
    choose(&mut scene, band[0], piles[0], Choice::Pass);
    take(&mut scene, band[0], piles[0]);
    assert_eq!(scene.get::<Bag>(band[0]).count(crown), 0);
    take(&mut scene, band[1], piles[0]);
    assert_eq!(refusals(&scene), ["bag_full"]);
    let entity = scene.entity(band[1]);
    scene.scene.world_mut().entity_mut(entity).insert(Bag::default());
    take(&mut scene, band[1], piles[0]);
    assert_eq!(scene.get::<Bag>(band[1]).count(crown), 1);
}

#[test]
fn who_is_far_away_has_no_part() {
    let mut scene = arena();
    let band = band(&mut scene, 2);
    scene.place(band[1], SHARE_RANGE_M + 5.0, 0.0);
    let king = scene.monster_at("monster/treasure", 1.0, 1.0);
    kill(&mut scene, band[0], king);
    let pile = piles(&mut scene)[0];
    assert_eq!(scene.get::<Pile>(pile).owners.to_vec(), [scene.player_of(band[0])]);
}

#[test]
fn the_loot_is_of_whoever_began_whoever_ends_it() {
    let mut scene = arena();
    let (one, other) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0));
    let king = scene.monster_at("monster/treasure", 1.0, 1.0);
    hurt(&mut scene, one, king, 100);
    kill(&mut scene, other, king);
    let pile = piles(&mut scene)[0];
    scene.tick();
    take(&mut scene, other, pile);
    assert_eq!(refusals(&scene), ["not_yours"]);
    take(&mut scene, one, pile);
    assert!(refusals(&scene).is_empty() && !scene.exists(pile));
}

#[test]
fn who_leaves_while_it_is_rolled_for_has_passed_and_nobody_waits() {
    let (mut scene, band, piles) = shared_spoils(3, LootRule::NeedBeforeGreed);
    scene.ticks(crate::combat::CALM_TICKS);
    choose(&mut scene, band[1], piles[0], Choice::Need);
    choose(&mut scene, band[0], piles[0], Choice::Greed);
    // One has chosen and leaves, one has not and leaves: greed wins at once.
    for who in [band[1], band[2]] {
        let player = scene.player_of(who).0;
        scene.scene.push(sim::input::SceneInput::Leave { player });
    }
    scene.tick();
    assert_eq!(
        told::<LootWon>(&scene).iter().map(|won| (won.told, won.winner)).collect::<Vec<_>>(),
        [(band[0], Some(band[0]))]
    );
    assert_eq!(scene.get::<Bag>(band[0]).count(item(&scene, "item/crown")), 1);
}

const PIECES: [(&str, &str); 3] = [
    (
        "items/pieces.ron",
        r#"(id: "item/edge", equip: (slot: MainHand), random: (pick: (1, 1), of: [(attr: "attack", range: (1, 9))]))"#,
    ),
    (
        "loots/pieces.ron",
        r#"[
        (id: "loot/edges", rows: [(drop: Table("loot/own"))]),
        (id: "loot/own", rows: [(drop: Item("item/edge"), count: (3, 3)), (drop: Item("item/crown"), personal: true)]),
    ]"#,
    ),
    ("monsters/pieces.ron", r#"(id: "monster/smith", extends: "monster/treasure", loot: "loot/edges")"#),
];

/// Serials of all pieces that three smiths leave in a run of the same scene from the same seed.
fn serials(origin: Option<u64>) -> Vec<u128> {
    let more: Vec<(&str, &str)> = MORE.into_iter().chain(PIECES).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    if let Some(origin) = origin {
        scene.scene.push(sim::input::SceneInput::Origin { origin });
    }
    let fighter = scene.player_at(0.0, 0.0);
    for _ in 0..3 {
        let smith = scene.monster_at("monster/smith", 1.0, 0.0);
        kill(&mut scene, fighter, smith);
    }
    let piles = piles(&mut scene);
    let things = piles.iter().flat_map(|&pile| scene.get::<Pile>(pile).things.clone());
    things.filter_map(|lying| lying.stack.piece.map(|piece| piece.serial)).collect()
}

#[test]
fn no_piece_of_any_run_has_the_serial_of_another_and_a_replay_has_the_same() {
    let runs = [serials(Some(1 << 40)), serials(Some((1 << 40) + 1)), serials(None)];
    let all: std::collections::BTreeSet<u128> = runs.iter().flatten().copied().collect();
    assert_eq!((runs[0].len(), all.len()), (9, 27));
    assert_eq!(serials(Some(1 << 40)), runs[0]);
}

#[test]
fn a_personal_row_of_a_nested_table_falls_for_everyone_of_a_party() {
    let more: Vec<(&str, &str)> = MORE.into_iter().chain(PIECES).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let band = band(&mut scene, 3);
    let smith = scene.monster_at("monster/smith", 1.0, 1.0);
    kill(&mut scene, band[0], smith);
    let lies: Vec<(bool, usize)> = piles(&mut scene)
        .iter()
        .map(|&pile| (scene.get::<Pile>(pile).personal, scene.get::<Pile>(pile).things.len()))
        .collect();
    assert_eq!(lies, [(false, 3), (true, 1), (true, 1), (true, 1)]);
}
