//! What does one step of a body cost, and what do obstacles add to it? On an empty plain, in the real field
//! (hills, village, forest), and leaning on a wall.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use glam::{Vec2, Vec3};
use sim::locomotion::{Mover, StepInput, step};
use sim::space::Geometry;
use sim::testing::TestScene;

fn movement(criterion: &mut Criterion) {
    let assets = server::assets::load(None).expect("the embedded assets are good");
    let (_, profile) = assets.movements.iter().next().expect("there is one");
    let field = assets.scenes.by_name("scene/field").expect("there is a field");
    let field = Geometry::build(&assets.scenes[field]).expect("its geometry is good");
    let walled = TestScene::walled();
    let plain = Geometry::flat(500.0);
    let mut group = criterion.benchmark_group("step");
    let mut run = |name: &str, geometry: &Geometry, start: Vec2, turn: f32| {
        let height_m = geometry.top(start.x, start.y).map_or(0.0, |ground| ground.height_m);
        let mut mover = Mover { position: Vec3::new(start.x, height_m, start.y), velocity: Vec3::ZERO };
        let mut angle = 0.0_f32;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                angle += turn;
                let input = StepInput { wish: Vec2::from_angle(angle), walk: false };
                mover = step(mover, black_box(input), 10_000, profile, geometry);
                mover
            });
        });
    };
    run("plain", &plain, Vec2::ZERO, 0.02);
    run("village", &field, Vec2::new(5.0, 5.0), 0.02);
    run("forest_and_hills", &field, Vec2::new(-150.0, 150.0), 0.005);
    run("leaning_on_a_wall", &walled.config.geometry, Vec2::new(4.0, 0.0), 0.0);
    group.finish();
}

criterion_group!(benches, movement);
criterion_main!(benches);
