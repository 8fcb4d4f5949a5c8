//! The rules of spawners, and of the pools and groups they form: chances that add up, areas that are simple polygons with
//! the spawner's place inside, crowds with room to grow, members that exist and belong to one pool and one group only.

use std::ops::RangeInclusive;

use super::Checker;
use super::patrols::check_patrol;
use super::scenes::check_local_ids;
use crate::assets::report::{Code, nearest};
use crate::assets::{CrowdDef, GroupDef, GroupRespawn, PoolDef, SceneDef, SpawnArea, SpawnerDef};
use crate::space::polygon;

/// Most kinds that appear in the stead of the usual one.
const RARES_MAX: usize = 16;
/// Fewest and most corners of an area.
const CORNERS: RangeInclusive<usize> = 3..=32;
/// Least size of an area, in square metres.
const AREA_M2_MIN: f32 = 1.0;
/// Most monsters of a spawner.
const COUNT_MAX: i64 = 200;
/// A day, the longest a monster takes to come back.
const RESPAWN_MS_MAX: i64 = 86_400_000;
/// Most members of a pool or a group.
const MEMBERS_MAX: usize = 64;
/// How far apart the spawners of a group may lie, in metres: whoever helps must be able to get there.
const GROUP_M_MAX: f32 = 100.0;

impl SceneDef {
    pub(super) fn check_spawners(&self, check: &mut Checker<'_, '_>) {
        let ids = self.spawners.iter().map(|spawner| spawner.id.as_str());
        check_local_ids("spawners", "spawner", ids, check);
        for (index, spawner) in self.spawners.iter().enumerate() {
            let path = format!("spawners.{index}");
            check.float(&format!("{path}.radius_m"), spawner.radius_m, 0.0..=500.0);
            check.whole(&format!("{path}.count"), spawner.count, 1..=COUNT_MAX);
            self.check_disc(&path, spawner.at, spawner.radius_m, check);
            check_patrol(spawner, &path, check);
            for (stop, def) in spawner.patrol.iter().enumerate() {
                self.check_place(&format!("{path}.patrol.{stop}.at"), [("0", def.at.0), ("1", def.at.1)], check);
            }
            check_rares(&path, spawner, check);
            self.check_area(&path, spawner, check);
            if let Some(crowd) = &spawner.crowd {
                check_crowd(&path, spawner, crowd, check);
            }
            if let Some((least, most)) = spawner.respawn_ms {
                let path = format!("{path}.respawn_ms");
                check.duration(&format!("{path}.0"), least, 50..=RESPAWN_MS_MAX);
                check.duration(&format!("{path}.1"), most, 50..=RESPAWN_MS_MAX);
                check.ordered(&path, (least, most));
            }
        }
        self.check_pools(check);
        self.check_groups(check);
    }

    fn check_area(&self, path: &str, spawner: &SpawnerDef, check: &mut Checker<'_, '_>) {
        let SpawnArea::Polygon(corners) = &spawner.area else { return };
        let area = format!("{path}.area");
        for (index, &(x, z)) in corners.iter().enumerate() {
            self.check_place(&format!("{area}.0.{index}"), [("0", x), ("1", z)], check);
        }
        if spawner.radius_m != 0.0 {
            let message = "`radius_m` is for a circle, but the area is a polygon".to_owned();
            check.contradiction(&format!("{path}.radius_m"), &area, message);
        }
        if !CORNERS.contains(&corners.len()) {
            let (least, most) = (CORNERS.start(), CORNERS.end());
            let message = format!("the area has {} corners, but needs {least} to {most}", corners.len());
            check.report(Code::SpawnArea, &area, message);
            return;
        }
        let corners: Vec<glam::Vec2> = corners.iter().copied().map(glam::Vec2::from).collect();
        if !corners.iter().all(|corner| corner.is_finite()) {
            return;
        }
        if let Some((one, other)) = polygon::crossing(&corners) {
            let message = format!("the area crosses itself: its sides {} and {} meet", one + 1, other + 1);
            if let Some(note) = check.report(Code::SpawnArea, &area, message) {
                note.label("not simple").help("side 1 goes from the first corner to the second, and so on".to_owned());
            }
        } else if polygon::area(&corners) < AREA_M2_MIN {
            let message = format!("the area is smaller than {AREA_M2_MIN} square metre");
            check.report(Code::SpawnArea, &area, message);
        } else if !polygon::contains(&corners, spawner.at.into()) {
            let message = format!("({}, {}) is outside the spawner's own area", spawner.at.0, spawner.at.1);
            check.contradiction(&format!("{path}.at"), &area, message);
        }
    }

    fn check_pools(&self, check: &mut Checker<'_, '_>) {
        check_local_ids("pools", "pool", self.pools.iter().map(|pool| pool.id.as_str()), check);
        for (index, pool) in self.pools.iter().enumerate() {
            let path = format!("pools.{index}");
            let members = pool.members.iter().map(|member| member.spawner.as_str());
            self.check_members(&format!("{path}.members"), members, Some("spawner"), check);
            if pool.members.len() <= MEMBERS_MAX && !pool.members.is_empty() {
                check.whole(&format!("{path}.active"), pool.active, 1..=pool.members.len() as i64);
            }
            for (place, member) in pool.members.iter().enumerate() {
                let path = format!("{path}.members.{place}");
                check.whole(&format!("{path}.weight"), member.weight, 1..=10_000);
                let others = self.pools[..index].iter().find(|other| has_member(other, &member.spawner));
                if let Some(other) = others {
                    let message = format!("`{}` is in pool `{}` already", member.spawner, other.id);
                    check.report(Code::Contradiction, &format!("{path}.spawner"), message);
                }
            }
        }
    }

    fn check_groups(&self, check: &mut Checker<'_, '_>) {
        check_local_ids("groups", "group", self.groups.iter().map(|group| group.id.as_str()), check);
        for (index, group) in self.groups.iter().enumerate() {
            let path = format!("groups.{index}.spawners");
            self.check_members(&path, group.spawners.iter().map(String::as_str), None, check);
            for (place, spawner) in group.spawners.iter().enumerate() {
                let path = format!("{path}.{place}");
                if let Some(other) = self.groups[..index].iter().find(|other| other.spawners.contains(spawner)) {
                    let message = format!("`{spawner}` is in group `{}` already", other.id);
                    check.report(Code::Contradiction, &path, message);
                }
                let pool = self.pools.iter().find(|pool| has_member(pool, spawner));
                if let Some(pool) = pool.filter(|_| group.respawn == GroupRespawn::Together) {
                    let message = format!(
                        "`{spawner}` comes back when pool `{}` draws it, so `{}` cannot bring it back together",
                        pool.id, group.id
                    );
                    check.report(Code::Contradiction, &path, message);
                }
            }
            self.check_spread(&path, group, check);
        }
    }

    /// Who is to help must be near enough to do so.
    fn check_spread(&self, path: &str, group: &GroupDef, check: &mut Checker<'_, '_>) {
        let place = |id: &String| self.spawners.iter().find(|spawner| spawner.id == *id).map(|spawner| spawner.at);
        let Some(first) = group.spawners.first().and_then(place) else { return };
        for (index, id) in group.spawners.iter().enumerate().skip(1) {
            let Some(at) = place(id) else { continue };
            let apart_m = (at.0 - first.0).hypot(at.1 - first.1);
            if apart_m > GROUP_M_MAX {
                let message = format!(
                    "`{id}` is {apart_m:.0} m from `{}`, but the spawners of a group lie within {GROUP_M_MAX} m of the first",
                    group.spawners[0]
                );
                check.report(Code::OutOfRange, &format!("{path}.{index}"), message);
            }
        }
    }

    /// Members must be spawners of this scene, each once; `field` is where a member's name stands, if not in the list itself.
    fn check_members<'n>(
        &self,
        path: &str,
        names: impl ExactSizeIterator<Item = &'n str>,
        field: Option<&str>,
        check: &mut Checker<'_, '_>,
    ) {
        if (names.len() == 0 || names.len() > MEMBERS_MAX) && check.is_original(path) {
            let message = format!("there are {} members, but must be 1 to {MEMBERS_MAX}", names.len());
            check.report(Code::OutOfRange, path, message);
        }
        let mut seen: Vec<&str> = Vec::new();
        for (index, name) in names.enumerate() {
            let path = field.map_or_else(|| format!("{path}.{index}"), |field| format!("{path}.{index}.{field}"));
            if !self.spawners.iter().any(|spawner| spawner.id == name) {
                let candidate = nearest(name, self.spawners.iter().map(|spawner| spawner.id.as_str()));
                let message = format!("{} has no spawner `{name}`", check.title);
                if let Some(note) = check.report(Code::UnknownSpawner, &path, message) {
                    note.label("not found").help(candidate.map(|candidate| format!("did you mean \"{candidate}\"?")));
                }
            }
            if seen.contains(&name) {
                check.report(Code::Contradiction, &path, format!("`{name}` stands here twice"));
            }
            seen.push(name);
        }
    }
}

fn has_member(pool: &PoolDef, spawner: &str) -> bool {
    pool.members.iter().any(|member| member.spawner == spawner)
}

fn check_rares(path: &str, spawner: &SpawnerDef, check: &mut Checker<'_, '_>) {
    let path = format!("{path}.rares");
    if spawner.rares.len() > RARES_MAX {
        let message = format!("there are {} kinds, but must be at most {RARES_MAX}", spawner.rares.len());
        check.report(Code::OutOfRange, &path, message);
    }
    let mut names = vec![spawner.monster.name()];
    for (index, rare) in spawner.rares.iter().enumerate() {
        check.whole(&format!("{path}.{index}.chance_bp"), rare.chance_bp, 1..=9_999);
        if names.contains(&rare.monster.name()) {
            let message = format!("`{}` stands here twice, as the usual monster or another rare", rare.monster.name());
            check.report(Code::Contradiction, &format!("{path}.{index}.monster"), message);
        }
        names.push(rare.monster.name());
    }
    let sum_bp: u64 = spawner.rares.iter().map(|rare| u64::from(rare.chance_bp)).sum();
    if sum_bp > 9_999 && spawner.rares.iter().all(|rare| rare.chance_bp <= 9_999) {
        let message =
            format!("the chances add up to {sum_bp} of 10,000, so that `{}` never appears", spawner.monster.name());
        check.report(Code::Contradiction, &path, message);
    }
}

fn check_crowd(path: &str, spawner: &SpawnerDef, crowd: &CrowdDef, check: &mut Checker<'_, '_>) {
    let count = format!("{path}.count");
    let path = format!("{path}.crowd");
    check.whole(&format!("{path}.per_player_pct"), crowd.per_player_pct, 0..=10_000);
    check.whole(&format!("{path}.max"), crowd.max, 1..=COUNT_MAX);
    check.float(&format!("{path}.margin_m"), crowd.margin_m, 0.0..=500.0);
    check.whole(&format!("{path}.hurry_pct"), crowd.hurry_pct, 0..=1_000);
    check.duration(&format!("{path}.respawn_least_ms"), crowd.respawn_least_ms, 50..=RESPAWN_MS_MAX);
    if crowd.max < spawner.count {
        let message = format!("`max` is {}, but there are {} monsters without a crowd", crowd.max, spawner.count);
        check.contradiction(&format!("{path}.max"), &count, message);
    }
    if crowd.per_player_pct == 0 && crowd.hurry_pct == 0 && check.is_original(&path) {
        let message = "the crowd changes nothing: give `per_player_pct` or `hurry_pct`".to_owned();
        check.report(Code::Pointless, &path, message);
    }
}
