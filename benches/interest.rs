//! What does it cost to know who sees whom, beside brute force? The grid is rebuilt and every entity looks
//! around, with about 50 others within its radius.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use glam::Vec2;
use sim::ids::SimId;
use sim::interest::Visibility;
use sim::random::{Random, Stream};
use sim::space::Grid;
use sim::space::grid::GridEntry;

const RADIUS_M: f32 = 62.0;

fn crowd(count: u32) -> (Vec<GridEntry>, f32) {
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let half_m = (count as f32 * 241.0).sqrt() / 2.0;
    let entry = |number| {
        let id = SimId::new(number, 0);
        let mut draw = Random::new(1).draw(0, id, Stream("place"), 0);
        let place = Vec2::new(draw.unit() * 2.0 - 1.0, draw.unit() * 2.0 - 1.0) * half_m;
        GridEntry { id, place, visibility: Visibility::default() }
    };
    ((0..count).map(entry).collect(), half_m)
}

fn interest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("interest");
    for count in [1_000, 4_000] {
        let (crowd, half_m) = crowd(count);
        group.throughput(Throughput::Elements(u64::from(count)));
        let mut grid = Grid::new(Vec2::splat(-half_m), Vec2::splat(half_m), RADIUS_M / 2.0);
        let mut near: Vec<u64> = Vec::new();
        group.bench_function(BenchmarkId::new("grid", count), |bencher| {
            bencher.iter(|| {
                grid.rebuild(&crowd);
                let mut pairs = 0;
                for viewer in &crowd {
                    near.clear();
                    grid.for_each_within(viewer.place, RADIUS_M, |entry, d2| {
                        near.push((u64::from(entry.id.bits()) << 1) | u64::from(d2 < 3_600.0))
                    });
                    near.sort_unstable();
                    pairs += near.len();
                }
                pairs
            });
        });
        group.bench_function(BenchmarkId::new("brute_force", count), |bencher| {
            bencher.iter(|| {
                let within = |a: &GridEntry, b: &GridEntry| a.place.distance_squared(b.place) <= RADIUS_M * RADIUS_M;
                crowd.iter().map(|viewer| crowd.iter().filter(|other| within(viewer, other)).count()).sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, interest);
criterion_main!(benches);
