//! The doors of a geometry: a box each, and which of them are open. Only the closed ones are in a tree of obstacles;
//! a scene whose doors are all open, or that has none, pays nothing for them.

use std::sync::Arc;

use glam::{Quat, Vec3};

use super::{BodyShape, Obstacles, obstacles};
use crate::assets::DoorDef;

#[derive(Clone)]
pub(super) struct Doors {
    defs: Arc<[DoorDef]>,
    /// By the door's index.
    open: Vec<bool>,
    closed: Option<Arc<Obstacles>>,
}

impl Doors {
    pub(super) fn new(defs: &[DoorDef]) -> Self {
        let open = defs.iter().map(|door| door.open).collect();
        Self { defs: defs.into(), open, closed: None }.with_closed_ones()
    }

    pub(super) fn with(&self, door: u16, open: bool) -> Self {
        let mut changed = self.clone();
        match changed.open.get_mut(usize::from(door)) {
            Some(is_open) if *is_open != open => *is_open = open,
            _ => return changed,
        }
        changed.with_closed_ones()
    }

    /// The closed doors as obstacles; `None` when there are none.
    pub(super) fn closed(&self) -> Option<&Obstacles> {
        self.closed.as_deref()
    }

    pub(super) fn count(&self) -> u16 {
        u16::try_from(self.defs.len()).unwrap_or(u16::MAX)
    }

    pub(super) fn is_open(&self, door: u16) -> bool {
        self.open.get(usize::from(door)).copied().unwrap_or(true)
    }

    /// The point of each door's box that is nearest to `from`, by index; `from` itself where it is inside.
    pub(super) fn nearest_points(&self, from: Vec3) -> impl Iterator<Item = (u16, Vec3)> + '_ {
        (0_u16..).zip(self.defs.iter()).map(move |(door, def)| {
            let (local, half) = local(def, from);
            let turn = Quat::from_rotation_y(def.yaw_deg.to_radians());
            (door, Vec3::from(def.center) + turn * local.clamp(-half, half))
        })
    }

    /// Distance of the box to the axis of the body's capsule, less its radius. The axis is upright and so is the box:
    /// the distances along y and across it are independent.
    pub(super) fn meets(&self, door: u16, feet: Vec3, body: BodyShape) -> bool {
        let Some(def) = self.defs.get(usize::from(door)) else { return false };
        let (local, half) = local(def, feet);
        let (bottom, top) = (local.y + body.radius_m, local.y + (body.height_m - body.radius_m).max(body.radius_m));
        let away_y = (bottom - half.y).max(-half.y - top).max(0.0);
        let away = Vec3::new(local.x.abs() - half.x, away_y, local.z.abs() - half.z).max(Vec3::ZERO);
        away.length() < body.radius_m
    }

    fn with_closed_ones(mut self) -> Self {
        let closed = self.defs.iter().zip(&self.open).filter(|(_, open)| !**open);
        let boxes: Vec<_> = closed.map(|(def, _)| obstacles::cuboid(def.center, def.size, def.yaw_deg)).collect();
        self.closed = (!boxes.is_empty()).then(|| Arc::new(Obstacles::new(boxes)));
        self
    }
}

/// A point in the axes of a door's box, from its centre, and half the extents of the box.
fn local(def: &DoorDef, point: Vec3) -> (Vec3, Vec3) {
    let turn_back = Quat::from_rotation_y(-def.yaw_deg.to_radians());
    (turn_back * (point - Vec3::from(def.center)), Vec3::from(def.size) / 2.0)
}
