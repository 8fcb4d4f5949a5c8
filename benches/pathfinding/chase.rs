//! 2,000 agents chase 50 goals that walk about: what the path service does in a tick, within its budget of nodes,
//! and what all of navigation costs: paths, avoidance and separation. The agents are bodies without a mind.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use glam::{Vec2, Vec3};
use sim::features::monsters::Brain;
use sim::features::navigation::{Goal, NODES_PER_TICK_MAX, PathService, PathStats, WalkTo};
use sim::ids::SimId;
use sim::random::Draw;
use sim::scene::SceneConfig;
use sim::space::Geometry;
use sim::space::navmesh::{NavPoint, Navmesh};
use sim::testing::TestScene;
use sim::tick::TickSystems;

use crate::field::{Field, SCENE, on_ground, place};
use crate::finder::EXTENTS;
use crate::timing::median;

const AGENTS: usize = 2_000;
const GOALS: usize = 50;
/// Agents begin within this of their goal along each axis, in metres.
const START_M: f32 = 100.0;
/// How near an agent wants to come, in metres.
const ARRIVE_M: f32 = 1.5;
/// What a goal walks in a tick, in metres: 2.5 m/s, so that a runner catches up.
const GOAL_STEP_M: f32 = 0.125;
/// Ticks in which a goal keeps its course.
const COURSE_TICKS: usize = 60;

/// Chases for so many ticks and prints what a tick took.
pub(crate) fn run(field: &Field, mesh: &Arc<Navmesh>, ticks: usize) {
    let mut chase = Chase::on(field, mesh);
    // The first tick asks for everything at once and is no tick like the others.
    let first = chase.tick(0);
    let ticks: Vec<TickCost> = (1..=ticks).map(|tick| chase.tick(tick)).collect();
    println!("chase: {AGENTS} agents, {GOALS} goals, {} ticks, at most {NODES_PER_TICK_MAX} nodes a tick", ticks.len());
    println!("  first tick: {}", first.in_words());
    let of = |cost: fn(&TickCost) -> f64| ticks.iter().map(cost).collect::<Vec<f64>>();
    let line = |what: &str, values: Vec<f64>| {
        let most = values.iter().copied().fold(0.0, f64::max);
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        println!("  {what}: {:.0} median, {mean:.0} mean, {most:.0} most", median(values));
    };
    line("Think stage in us", of(|cost| cost.think.as_secs_f64() * 1e6));
    line("Move stage in us", of(|cost| cost.walk.as_secs_f64() * 1e6));
    line("nodes a tick", of(|cost| f64::from(cost.stats.nodes)));
    line("searches a tick", of(|cost| f64::from(cost.stats.searches)));
    line("answers a tick", of(|cost| f64::from(cost.stats.answered)));
    line("waiting after a tick", of(|cost| f64::from(cost.stats.waiting)));
    println!("  within 5 m of their goal at the end: {} of {AGENTS}", chase.near_count());
}

/// What one tick took.
#[derive(Debug, Clone, Copy)]
struct TickCost {
    think: Duration,
    walk: Duration,
    stats: PathStats,
}

impl TickCost {
    fn in_words(&self) -> String {
        let PathStats { answered, waiting, searches, nodes, .. } = self.stats;
        let (think_us, walk_us) = (self.think.as_micros(), self.walk.as_micros());
        let stages = format!("Think {think_us} us, Move {walk_us} us");
        format!("{stages}, {nodes} nodes in {searches} searches, {answered} answers, {waiting} wait")
    }
}

struct Chase {
    scene: TestScene,
    mesh: Arc<Navmesh>,
    draw: Draw,
    goals: Vec<(NavPoint, Vec2)>,
    agents: Vec<SimId>,
    spent: Arc<Mutex<Vec<(TickSystems, Duration)>>>,
}

impl Chase {
    fn on(field: &Field, mesh: &Arc<Navmesh>) -> Self {
        let assets = field.plan.assets();
        let scene = assets.scenes.by_name(SCENE).expect("it was just made");
        let geometry = Arc::new(Geometry::build(&assets.scenes[scene]).expect("its geometry is good"));
        let navmesh = Some(Arc::clone(mesh));
        let scene = TestScene::from_config(SceneConfig { scene, seed: 1, assets, geometry, navmesh }, |_| {});
        let draw = field.plan.draw("chase");
        let mut chase =
            Self { scene, mesh: Arc::clone(mesh), draw, goals: Vec::new(), agents: Vec::new(), spent: Arc::default() };
        chase.probe();
        let half_m = field.plan.side_m / 2.0;
        while chase.goals.len() < GOALS {
            let spot = chase.spot(Vec2::ZERO, half_m);
            chase.goals.extend(spot.map(|spot| (spot, Vec2::X)));
        }
        while chase.agents.len() < AGENTS {
            let goal = chase.goals[chase.agents.len() % GOALS].0.position;
            let Some(spot) = chase.spot(Vec2::new(goal.x, goal.z), START_M) else { continue };
            let agent = chase.scene.monster_at("monster/dummy", spot.position.x, spot.position.z);
            let entity = chase.scene.entity(agent);
            chase.scene.scene.world_mut().entity_mut(entity).remove::<Brain>();
            chase.agents.push(agent);
        }
        chase
    }

    fn probe(&mut self) {
        let (sink, mut running) = (Arc::clone(&self.spent), None::<(TickSystems, Instant)>);
        self.scene.scene.set_probe(Box::new(move |stage| {
            let now = Instant::now();
            if let Some((before, since)) = running.take() {
                sink.lock().expect("no panic").push((before, now - since));
            }
            running = stage.map(|stage| (stage, now));
        }));
    }

    /// A random spot of the mesh in a square.
    fn spot(&mut self, around: Vec2, half_m: f32) -> Option<NavPoint> {
        let at = around + place(&mut self.draw, half_m);
        self.mesh.nearest(on_ground(at), EXTENTS)
    }

    fn tick(&mut self, tick: usize) -> TickCost {
        for number in 0..GOALS {
            let (point, course) = self.goals[number];
            let turns = (tick + number).is_multiple_of(COURSE_TICKS);
            let course = if turns { Vec2::from_angle(self.draw.unit() * std::f32::consts::TAU) } else { course };
            let to = Vec2::new(point.position.x, point.position.z) + course * GOAL_STEP_M;
            self.goals[number] = (self.mesh.move_along(point, to), course);
        }
        for number in 0..AGENTS {
            let goal = Goal::run(self.goals[number % GOALS].0.position, ARRIVE_M);
            let entity = self.scene.entity(self.agents[number]);
            self.scene.scene.world_mut().entity_mut(entity).insert(WalkTo(Some(goal)));
        }
        self.scene.tick();
        let spent: Vec<_> = std::mem::take(&mut *self.spent.lock().expect("no panic"));
        let of = |stage| spent.iter().filter(|(other, _)| *other == stage).map(|(_, took)| *took).sum();
        let stats = self.scene.scene.world().resource::<PathService>().stats();
        TickCost { think: of(TickSystems::Think), walk: of(TickSystems::Move), stats }
    }

    fn near_count(&self) -> usize {
        let flat = |place: Vec3| Vec2::new(place.x, place.z);
        let near = |&(number, &agent): &(usize, &SimId)| {
            let goal = self.goals[number % GOALS].0.position;
            flat(self.scene.position(agent)).distance(flat(goal)) < 5.0
        };
        self.agents.iter().enumerate().filter(near).count()
    }
}
