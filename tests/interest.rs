//! The area of interest beside brute force: who sees whom must be the same, tick by tick, under random walks,
//! teleports, deaths, births, hiding and ghosts.

use glam::Vec2;
use sim::actor::{Concealment, Faction, Position};
use sim::features::combat::Vitals;
use sim::ids::SimId;
use sim::interest::{AoiRadii, Interest, Verdict, explain};
use sim::random::{Draw, Random, Stream};
use sim::roster::Roster;
use sim::testing::TestScene;

use crate::combat::kill;
use crate::effects::{apply, stage};

const SEED: u64 = 20_261_122;
/// Entities in the crowd, of which every fourth is a viewer.
const CROWD: usize = 200;
/// 200 entities, 500 ticks: 100,000 steps.
const TICKS: u32 = 500;

#[test]
fn interest_equals_brute_force_over_100_000_steps() {
    Play::new(WILD, Vec2::ZERO).run();
}

#[test]
fn views_that_are_only_glanced_at_equal_brute_force_too() {
    Play::new(CALM, Vec2::ZERO).run();
}

#[test]
fn views_at_the_edges_of_a_scene_equal_brute_force_too() {
    // A scene of 1 km, and half of the crowd outside of it.
    Play::new(CALM, Vec2::new(20.0, -480.0)).run();
    Play::new(CALM, Vec2::new(490.0, 490.0)).run();
}

#[test]
fn an_entity_between_the_radii_is_seen_only_by_who_saw_it_before() {
    let mut scene = TestScene::flat();
    let (viewer, other) = (scene.player_at(0.0, 0.0), scene.player_at(65.0, 0.0));
    scene.place(other, 200.0, 0.0);
    scene.tick();
    scene.place(other, 65.0, 0.0);
    scene.tick();
    assert!(!scene.get::<Interest>(viewer).sees(other), "65 m is beyond the enter radius of 60 m");
    scene.place(other, 59.0, 0.0);
    scene.tick();
    assert_eq!(scene.get::<Interest>(viewer).entered(), [other]);
    scene.place(other, 69.0, 0.0);
    scene.tick();
    assert!(scene.get::<Interest>(viewer).sees(other), "69 m is within the leave radius of 70 m");
    scene.place(other, 71.0, 0.0);
    scene.tick();
    assert_eq!(scene.get::<Interest>(viewer).left(), [other]);
}

#[test]
fn a_viewer_sees_itself_and_nobody_of_another_phase() {
    let mut scene = TestScene::flat();
    let (viewer, other) = (scene.player_at(0.0, 0.0), scene.player_at(1.0, 0.0));
    let entity = scene.entity(other);
    scene.scene.world_mut().entity_mut(entity).insert(Concealment::in_phase(7));
    scene.tick();
    assert_eq!(scene.get::<Interest>(viewer).visible(), [viewer]);
    assert_eq!(scene.get::<Interest>(other).visible(), [other]);
}

#[test]
fn ghosts_are_seen_by_the_dead_and_by_other_ghosts_alone() {
    let effects = r#"[(id: "effect/shroud", duration: Ms(60_000), on_death: Keep, grants: ["state.ghost"])]"#;
    let (mut scene, viewer, ghost) = stage(effects);
    let sees = |scene: &TestScene, who, whom| scene.get::<Interest>(who).sees(whom);
    assert!(sees(&scene, viewer, ghost));
    apply(&mut scene, ghost, ghost, "effect/shroud");
    assert!(!sees(&scene, viewer, ghost), "at once");
    assert_eq!(explain(scene.scene.world(), viewer, ghost).verdict, Verdict::Ghost);
    kill(&mut scene, ghost, viewer);
    assert!(sees(&scene, viewer, ghost), "it is dead");
    while scene.get::<Vitals>(viewer).is_dead() {
        scene.tick();
    }
    scene.place(viewer, 0.0, 0.0);
    scene.tick();
    assert!(!sees(&scene, viewer, ghost), "it lives again");
    apply(&mut scene, ghost, viewer, "effect/shroud");
    assert!(sees(&scene, viewer, ghost), "it is a ghost");
}

/// How a crowd behaves.
#[derive(Clone, Copy)]
struct Manners {
    /// Metres that one moves in a tick, at most.
    step_max_m: f32,
    /// One in so many thousand leaps, hides, dies or the like, by fives and tens.
    calm: u32,
}

const WILD: Manners = Manners { step_max_m: 3.0, calm: 1 };
/// As players walk: in most ticks nothing happens in sight of a viewer but that.
const CALM: Manners = Manners { step_max_m: 0.4, calm: 200 };

struct Play {
    manners: Manners,
    /// About where everybody is.
    middle: Vec2,
    scene: TestScene,
    random: Random,
    crowd: Vec<SimId>,
    /// What each viewer must see, kept by the two-radius rule and nothing else.
    expected: std::collections::BTreeMap<SimId, Vec<SimId>>,
}

impl Play {
    fn new(manners: Manners, middle: Vec2) -> Self {
        let mut play = Self {
            manners,
            middle,
            scene: TestScene::flat(),
            random: Random::new(SEED),
            crowd: Vec::new(),
            expected: std::collections::BTreeMap::new(),
        };
        for _ in 0..CROWD {
            play.bear();
        }
        play
    }

    fn run(mut self) {
        for tick in 1..=TICKS {
            self.stir(tick);
            self.scene.tick();
            self.compare(tick);
        }
    }

    fn draw(&self, tick: u32, id: SimId) -> Draw {
        self.random.draw(tick, id, Stream("interest test"), 0)
    }

    /// Moves everyone a little, and some in every other way there is.
    fn stir(&mut self, tick: u32) {
        let crowd = self.crowd.clone();
        for id in crowd {
            let mut draw = self.draw(tick, id);
            let from = self.scene.position(id);
            let step = Vec2::from_angle(draw.unit() * std::f32::consts::TAU) * draw.unit() * self.manners.step_max_m;
            match draw.below(1_000 * self.manners.calm) {
                0..5 => self.die(id),
                5..15 => {
                    let place = self.anywhere(&mut draw);
                    self.scene.place(id, place.x, place.y);
                }
                15..25 => self.hide(id, Concealment { stealth: draw.chance_bp(5_000), ..Concealment::default() }),
                25..30 => self.hide(id, Concealment::in_phase(u16::from(draw.chance_bp(5_000)))),
                30..40 => {
                    let (ghost, dead) = (draw.chance_bp(5_000), draw.chance_bp(5_000));
                    self.hide(id, Concealment { ghost, dead, ..Concealment::default() });
                }
                _ => self.scene.place(id, from.x + step.x, from.z + step.y),
            }
        }
        while self.crowd.len() < CROWD {
            self.bear();
        }
    }

    fn anywhere(&self, draw: &mut Draw) -> Vec2 {
        self.middle + Vec2::new(draw.unit() * 300.0 - 150.0, draw.unit() * 300.0 - 150.0)
    }

    fn hide(&mut self, id: SimId, concealment: Concealment) {
        let entity = self.scene.entity(id);
        self.scene.scene.world_mut().entity_mut(entity).insert(concealment);
    }

    fn die(&mut self, id: SimId) {
        let entity = self.scene.entity(id);
        self.scene.scene.world_mut().despawn(entity);
        self.crowd.retain(|&other| other != id);
        self.expected.remove(&id);
    }

    fn bear(&mut self) {
        let tick = self.scene.scene.tick_number();
        let id = self.scene.scene.world_mut().resource_mut::<Roster>().allocate(tick);
        let mut draw = self.random.draw(tick, id, Stream("birth"), 0);
        let place = self.anywhere(&mut draw);
        let side = Faction(draw.below(3));
        let place = Position(glam::Vec3::new(place.x, 0.0, place.y));
        let mut entity = self.scene.scene.world_mut().spawn((id, place, side, Concealment::default()));
        if id.index().is_multiple_of(4) {
            entity.insert(Interest::default());
            self.expected.insert(id, Vec::new());
        }
        self.crowd.push(id);
    }

    fn compare(&mut self, tick: u32) {
        let radii = self.scene.scene.world().resource::<AoiRadii>().0;
        let everyone: Vec<(SimId, Vec2, Faction, Concealment)> = self.crowd.iter().map(|&id| self.facts(id)).collect();
        for (&viewer, seen) in &mut self.expected {
            let &(_, place, side, own) = everyone.iter().find(|(id, ..)| *id == viewer).expect("the viewer is there");
            let mut now: Vec<SimId> = everyone
                .iter()
                .filter(|(id, at, other_side, other)| {
                    let distance_m = at.distance(place);
                    let near = distance_m <= radii.enter_m || (distance_m <= radii.leave_m && seen.contains(id));
                    let is_hidden = (other.stealth && *other_side != side) || (other.ghost && !own.ghost && !own.dead);
                    near && other.phase == own.phase && !is_hidden
                })
                .map(|&(id, ..)| id)
                .collect();
            now.sort_unstable();
            let interest = self.scene.get::<Interest>(viewer);
            assert_eq!(interest.visible(), now, "tick {tick}, viewer {viewer}, seed {SEED}");
            let entered: Vec<SimId> = now.iter().copied().filter(|id| !seen.contains(id)).collect();
            let left: Vec<SimId> = seen.iter().copied().filter(|id| !now.contains(id)).collect();
            assert_eq!(
                (interest.entered(), interest.left()),
                (&entered[..], &left[..]),
                "tick {tick}, viewer {viewer}"
            );
            *seen = now;
        }
    }

    fn facts(&self, id: SimId) -> (SimId, Vec2, Faction, Concealment) {
        let place = self.scene.get::<Position>(id).place();
        (id, place, *self.scene.get::<Faction>(id), *self.scene.get::<Concealment>(id))
    }
}
