//! Whom a skill reaches, in which order, and with how much: circles, cones, lines and chains among units strewn at random,
//! compared with a search of everyone that this test does by itself from what the data's documentation says.

use std::collections::BTreeMap;

use glam::Vec2;
use sim::actor::Heading;
use sim::features::combat::HealthChanged;
use sim::features::monsters::Brain;
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::random::{Draw, Random, Stream};
use sim::testing::{TestScene, test_assets};

use crate::combat::{cast, refusals, strike, told};

/// No chance, no armor: one thousandth is one point.
pub(crate) const EXACT: [(&str, &str); 3] = [
    (
        "combat/exact.ron",
        r#"[(id: "combat/seed", damage: (spread_bp: (10_000, 10_000)), heal_spread_bp: (10_000, 10_000))]"#,
    ),
    (
        "monsters/exact.ron",
        r#"[(id: "monster/post", extends: "monster/dummy",
             attributes: {"hp_max": Flat(1_000_000), "attack": Flat(1), "armor": Flat(0), "mana_max": Flat(0)})]"#,
    ),
    (
        "effects/exact.ron",
        r#"[(id: "effect/ghost", polarity: Helpful, duration: Infinite, grants: ["state.untargetable"])]"#,
    ),
];

const SHAPES: [(&str, &str); 2] = [
    (
        "skills/shapes.ron",
        r#"[
        (id: "skill/cone", target: Cone(radius_m: 8, angle_deg: 100, filter: Enemy, targets_max: 5), timeline: [(at: Hit, do: [Damage(coef: 100)])]),
        (id: "skill/line", target: Line(length_m: 9, width_m: 3, filter: Enemy, targets_max: 3), timeline: [(at: Hit, do: [Damage(coef: 100)])]),
        (id: "skill/around", target: Around(radius_m: 6, filter: Enemy, targets_max: 4), timeline: [(at: Hit, do: [Damage(coef: 100)])]),
        (id: "skill/ground", target: Ground(range_m: 20, radius_m: 5, filter: Enemy, targets_max: 6), timeline: [(at: Hit, do: [Damage(coef: 100)])]),
        (id: "skill/chain", target: Chain(filter: Enemy, range_m: 20, jumps: 4, jump_m: 5, falloff_pct: 30),
         timeline: [(at: Hit, do: [Damage(coef: 10_000)])]),
    ]"#,
    ),
    (
        "classes/shapes.ron",
        r#"[(id: "class/shaper", movement: "move/test", attributes: {"hp_max": Flat(1000), "attack": Flat(1000), "crit_bp": Flat(0)},
             skills: ["skill/cone", "skill/line", "skill/around", "skill/ground", "skill/chain"])]"#,
    ),
];

/// Units strewn about.
const POSTS: u32 = 30;
/// Rounds with new places each.
const ROUNDS: u32 = 60;

/// A caster in the middle of posts that stand where they are put; the last four cannot be aimed at.
struct Field {
    scene: TestScene,
    caster: SimId,
    posts: Vec<SimId>,
    ghosts: Vec<SimId>,
}

fn field() -> Field {
    let more: Vec<_> = EXACT.into_iter().chain(SHAPES).collect();
    let mut scene = TestScene::of(&test_assets(&more), "scene/flat", 1, |_| {});
    let caster = scene.player_of_class("class/shaper", 0.0, 0.0);
    let posts: Vec<SimId> = (0..POSTS).map(|number| post(&mut scene, number as f32, 30.0)).collect();
    let ghosts = posts[posts.len() - 4..].to_vec();
    for &ghost in &ghosts {
        let effect = scene.config.assets.effects.by_name("effect/ghost").expect("it is in the game data");
        strike(&mut scene, ghost, ghost, sim::features::combat::EffectAction::Apply { effect, chance_pct: 100 });
    }
    scene.tick();
    Field { scene, caster, posts, ghosts }
}

/// Something that can be hit, does nothing and stays where it is.
pub(crate) fn post(scene: &mut TestScene, x: f32, z: f32) -> SimId {
    post_of(scene, "monster/post", x, z)
}

/// A monster without a mind of its own.
pub(crate) fn post_of(scene: &mut TestScene, monster: &str, x: f32, z: f32) -> SimId {
    let id = scene.monster_at(monster, x, z);
    let entity = scene.entity(id);
    scene.scene.world_mut().entity_mut(entity).remove::<Brain>();
    id
}

impl Field {
    /// New places for all posts, and a new heading.
    fn strew(&mut self, draw: &mut Draw) -> Heading {
        for &id in &self.posts {
            self.scene.place(id, draw.unit() * 20.0 - 10.0, draw.unit() * 20.0 - 10.0);
        }
        // The grid takes them over, and those that overlap part.
        self.scene.ticks(2);
        let heading =
            Heading::along(Vec2::from_angle(draw.unit() * std::f32::consts::TAU)).expect("it has a direction");
        let entity = self.scene.entity(self.caster);
        self.scene.scene.world_mut().entity_mut(entity).insert(heading);
        heading
    }

    fn way(&self, from: Vec2, to: SimId) -> Vec2 {
        let place = self.scene.position(to);
        Vec2::new(place.x, place.z) - from
    }

    /// Those who can be aimed at and whom `order` gives a number, by that number and then by id, at most so many.
    fn expected(&self, targets_max: usize, order: impl Fn(SimId) -> Option<f32>) -> Vec<SimId> {
        let open = self.posts.iter().filter(|id| !self.ghosts.contains(id));
        let mut found: Vec<(f32, SimId)> = open.filter_map(|&id| Some((order(id)?, id))).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.into_iter().take(targets_max).map(|(_, id)| id).collect()
    }

    /// Casts, and says who was hit in which order and for how much.
    fn hit(&mut self, name: &str, target: CastTarget) -> Vec<(SimId, u32)> {
        cast(&mut self.scene, self.caster, name, target);
        assert_eq!(refusals(&self.scene), Vec::<&str>::new(), "{name}");
        told::<HealthChanged>(&self.scene).iter().map(|entry| (entry.target, entry.amount.unsigned_abs())).collect()
    }
}

fn each(ids: Vec<SimId>, points: u32) -> Vec<(SimId, u32)> {
    ids.into_iter().map(|id| (id, points)).collect()
}

#[test]
fn cones_lines_and_circles_hit_whom_a_search_of_everyone_finds_in_that_order() {
    let mut field = field();
    let mut draw = Random::new(11).draw(0, SimId::new(1, 0), Stream("strew"), 0);
    let mut capped: BTreeMap<&str, u32> = BTreeMap::new();
    for round in 0..ROUNDS {
        let ahead = field.strew(&mut draw).direction();
        let origin = Vec2::ZERO;
        // Within half a metre everything is in front.
        let in_cone = |way: Vec2| way.length() < 0.5 || ahead.angle_to(way).abs().to_degrees() <= 50.0;
        let cone = field.expected(5, |id| {
            let way = field.way(origin, id);
            (way.length() <= 8.0 && in_cone(way)).then_some(way.length())
        });
        let line = field.expected(3, |id| {
            let way = field.way(origin, id);
            let (along, aside) = (way.dot(ahead), way.dot(ahead.perp()).abs());
            ((0.0..=9.0).contains(&along) && aside <= 1.5).then_some(along)
        });
        let near = |middle: Vec2, radius_m: f32| {
            let field = &field;
            move |id| Some(field.way(middle, id).length()).filter(|&distance_m| distance_m <= radius_m)
        };
        let around = field.expected(4, near(origin, 6.0));
        let middle = Vec2::new(draw.unit() * 8.0 - 4.0, draw.unit() * 8.0 - 4.0);
        let ground = field.expected(6, near(middle, 5.0));
        let target = CastTarget::Ground(glam::Vec3::new(middle.x, 0.0, middle.y));
        for (name, target, wanted, most) in [
            ("skill/cone", CastTarget::Caster, cone, 5),
            ("skill/line", CastTarget::Caster, line, 3),
            ("skill/around", CastTarget::Caster, around, 4),
            ("skill/ground", target, ground, 6),
        ] {
            *capped.entry(name).or_default() += u32::from(wanted.len() == most);
            assert_eq!(field.hit(name, target), each(wanted, 100), "{name} in round {round}");
        }
    }
    assert!(capped.values().all(|&count| (5..ROUNDS).contains(&count)), "some are full and some are not: {capped:?}");
}

#[test]
fn a_chain_goes_to_the_nearest_it_has_not_been_at_and_keeps_so_much_from_link_to_link() {
    let mut field = field();
    let mut draw = Random::new(12).draw(0, SimId::new(1, 0), Stream("strew"), 0);
    let mut lengths = BTreeMap::<usize, u32>::new();
    for round in 0..ROUNDS {
        field.strew(&mut draw);
        let first = field.posts[draw.below(POSTS - 4) as usize];
        let (mut links, mut points) = (vec![(first, 10_000)], 10_000);
        for _ in 0..4 {
            let last = links[links.len() - 1].0;
            let from = field.way(Vec2::ZERO, last);
            let next = field.expected(1, |id| {
                let fresh = links.iter().all(|&(been, _)| been != id);
                Some(field.way(from, id).length()).filter(|&distance_m| fresh && distance_m <= 5.0)
            });
            let [next] = next[..] else { break };
            points = points * 70 / 100;
            links.push((next, points));
        }
        *lengths.entry(links.len()).or_default() += 1;
        let found = field.hit("skill/chain", CastTarget::Unit(first));
        assert_eq!(
            found.iter().map(|hit| hit.0).collect::<Vec<_>>(),
            links.iter().map(|link| link.0).collect::<Vec<_>>()
        );
        for (hit, link) in found.iter().zip(&links) {
            // A thousandth is lost by rounding with every link.
            assert!(hit.1.abs_diff(link.1) <= 40, "round {round}: {found:?}, not {links:?}");
        }
    }
    assert!(lengths.len() > 1 && lengths.contains_key(&5), "{lengths:?}");
}
