//! x
use glam::Vec3;
use navbake::*;
use sim::space::navmesh::NavSettings;
use sim::space::triangles::*;
fn floor(side: f32) -> TriangleSoup {
    let mut s = TriangleSoup::default();
    s.add_box(Solid { center: Vec3::new(0.0, -0.5, 0.0), half: Vec3::new(side / 2.0, 0.5, side / 2.0), yaw_rad: 0.0 });
    s
}
struct R(u64);
impl R {
    fn f(&mut self, a: f32, b: f32) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        a + (b - a) * ((self.0 >> 40) as f32 / (1u64 << 24) as f32)
    }
}
fn random_scene(seed: u64) -> TriangleSoup {
    let mut r = R(seed.wrapping_mul(0x9E3779B97F4A7C15) + 1);
    for _ in 0..4 {
        r.f(0., 1.);
    }
    let mut s = floor(40.0);
    for _ in 0..12 {
        let half = Vec3::new(r.f(0.3, 2.5), r.f(0.5, 2.0), r.f(0.3, 2.5));
        let c = Vec3::new(r.f(-18., 18.), half.y - r.f(0.0, 0.2), r.f(-18., 18.));
        s.add_box(Solid { center: c, half, yaw_rad: r.f(0., 6.28) });
    }
    for _ in 0..3 {
        // ramp: wedge trimesh
        let (w, l, h) = (r.f(1.5, 4.0), r.f(3.0, 8.0), r.f(0.5, 3.0));
        let yaw = r.f(0., 6.28);
        let at = Vec3::new(r.f(-14., 14.), 0.0, r.f(-14., 14.));
        let q = glam::Quat::from_rotation_y(yaw);
        let p = |x: f32, y: f32, z: f32| at + q * Vec3::new(x * w / 2., y * h, z * l / 2.);
        let first = s.vertices.len() as u32;
        s.vertices.extend([
            p(-1., 0., -1.),
            p(1., 0., -1.),
            p(1., 0., 1.),
            p(-1., 0., 1.),
            p(-1., 1., 1.),
            p(1., 1., 1.),
        ]);
        let t = [[0, 4, 5], [0, 5, 1], [0, 1, 2], [0, 2, 3], [3, 2, 5], [3, 5, 4], [0, 3, 4], [1, 5, 2]];
        s.triangles.extend(t.map(|t| t.map(|c: u32| first + c)));
    }
    for _ in 0..2 {
        let (yaw, at) = (r.f(0., 6.28), Vec3::new(r.f(-14., 14.), 0.0, r.f(-14., 14.)));
        let q = glam::Quat::from_rotation_y(yaw);
        let n = 3 + (r.f(0., 4.)) as i32;
        for k in 0..n {
            let h = 0.3 * (k + 1) as f32;
            s.add_box(Solid {
                center: at + q * Vec3::new(0., h / 2., 0.8 * k as f32),
                half: Vec3::new(1.5, h / 2., 0.4),
                yaw_rad: yaw,
            });
        }
    }
    s
}
fn report(name: &str, s: &TriangleSoup, settings: &NavSettings) {
    let t = std::time::Instant::now();
    match bake(s, settings, &BakeOptions::default()) {
        Ok(b) => {
            let e = t.elapsed();
            let t = std::time::Instant::now();
            let g = gate::examine(s, settings, &b.archive).unwrap();
            println!(
                "{name}: {:?} bake {e:?} gate {:?} paved {} missing {:?}",
                b.report,
                t.elapsed(),
                g.paved.len(),
                g.missing
            );
            let b = bake(s, settings, &BakeOptions { threads: 2, seeds: vec![] }).unwrap();
            println!("two threads {:?} bytes {}", b.report.elapsed, b.archive.to_bytes(0).len());
        }
        Err(e) => println!("{name}: {e}"),
    }
}
fn main() {
    let settings =
        NavSettings { radius_m: std::env::args().nth(2).map_or(0.5, |r| r.parse().unwrap()), ..NavSettings::default() };
    let what = std::env::args().nth(1).unwrap_or_default();
    if what == "random" {
        let t = std::time::Instant::now();
        let (mut bad, mut attempts, mut polys, mut paved, mut missing) = (0, [0; 8], 0, 0, 0);
        for seed in 0..200 {
            let s = random_scene(seed);
            match bake(&s, &settings, &BakeOptions::default()) {
                Ok(b) => {
                    attempts[b.report.repairs.min(7)] += 1;
                    polys += b.report.polygons;
                    let g = gate::examine(&s, &settings, &b.archive).unwrap();
                    paved += usize::from(!g.paved.is_empty());
                    missing += usize::from(!g.missing.is_empty());
                    if !g.missing.is_empty() {
                        println!("{seed} {:?}", g.missing);
                    }
                }
                Err(e) => {
                    println!("{seed} {e}");
                    bad += 1
                }
            }
        }
        println!("bad {bad} attempts {attempts:?} polygons {polys} paved {paved} missing {missing} {:?}", t.elapsed());
    } else if what == "big" {
        let mut r = R(7);
        let mut s = floor(1000.0);
        for _ in 0..2500 {
            let half = Vec3::new(r.f(0.5, 4.0), r.f(1.0, 3.0), r.f(0.5, 4.0));
            let c = Vec3::new(r.f(-495., 495.), half.y, r.f(-495., 495.));
            s.add_box(Solid { center: c, half, yaw_rad: r.f(0., 6.28) });
        }
        report("big", &s, &settings);
    } else {
        let text = |n: &str| std::fs::read_to_string(n).unwrap();
        let _ = text;
        let soup = read_obj(&std::fs::read_to_string(&what).unwrap()).unwrap();
        let radius: f32 = std::env::args().nth(2).map_or(0.5, |r| r.parse().unwrap());
        report(
            &what,
            &soup,
            &NavSettings { radius_m: radius, cell_m: 0.3, cell_height_m: 0.2, climb_m: 0.9, height_m: 2.0, ..settings },
        );
    }
}
