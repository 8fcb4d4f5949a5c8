//! Shapes: whole entities for those who see them anew. A place is another in every tick, but what else there is to see of
//! an entity hardly ever changes: it is kept from tick to tick until it does (on each thread). What is shown on entering
//! alone never does.

use sim::ids::SimId;
use sim::wire::put_varint;

use super::bodies::Source;
use super::changes::{Encoded, PLACE_BITS, Span, write_values};

/// Bytes of values that are not good any more, at most, beside as many as are good.
const WASTE_BYTES_MAX: usize = 64 * 1024;

/// What is kept of one entity.
#[derive(Debug, Clone, Copy, Default)]
struct Shape {
    /// Whose it is; nobody's when `made_tick` is 0.
    id_bits: u32,
    /// The tick as of which it is.
    made_tick: u32,
    /// The components in `span`, in wire order.
    mask: u32,
    span: Span,
}

/// What is kept of all entities, by dense index.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    tick: u32,
    /// Components that are shown on entering.
    shown: u32,
    shapes: Vec<Shape>,
    bytes: Vec<u8>,
    /// Those of `bytes` that belong to a shape.
    good_bytes: usize,
}

impl Shapes {
    /// Begins a tick in which `shown` is shown on entering.
    pub(super) fn begin(&mut self, tick: u32, index_end: usize, shown: u32) {
        (self.tick, self.shown) = (tick, shown);
        if self.bytes.len() > 2 * self.good_bytes + WASTE_BYTES_MAX {
            self.shapes.clear();
            self.bytes.clear();
            self.good_bytes = 0;
        }
        self.shapes.resize(index_end, Shape::default());
    }

    /// Appends the mask and the values of an entity, for the components it has.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, id: SimId, source: Source<'_>, encoded: &Encoded) {
        let Some(entity) = source.roster.entity(id) else { return put_varint(out, 0) };
        let entity = source.world.entity(entity);
        let kept = self.shapes.get(id.index()).copied().filter(|shape| {
            let is_its = shape.made_tick != 0 && shape.id_bits == id.bits();
            is_its && !encoded.is_more_than_place(id, shape.made_tick)
        });
        let Shape { mask, span, .. } = kept.unwrap_or_else(|| self.make(id, source, entity));
        let put_mask = |out: &mut Vec<u8>, place: u32| put_varint(out, place | mask);
        write_values(out, entity, source.lists, self.shown & PLACE_BITS, put_mask);
        out.extend_from_slice(self.bytes.get(span.start as usize..span.end as usize).unwrap_or_default());
    }

    fn make(&mut self, id: SimId, source: Source<'_>, entity: bevy_ecs::world::EntityRef<'_>) -> Shape {
        let (start, mut mask) = (self.bytes.len(), 0);
        for (bit, entry) in (0_u32..).zip(&source.lists.components) {
            if self.shown & !PLACE_BITS & (1 << bit) != 0 && entry.encode(entity, &mut self.bytes) {
                mask |= 1 << bit;
            }
        }
        let [start, end] = [start, self.bytes.len()].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let shape = Shape { id_bits: id.bits(), made_tick: self.tick, mask, span: Span { start, end } };
        if let Some(slot) = self.shapes.get_mut(id.index()) {
            self.good_bytes += shape.span.bytes();
            self.good_bytes -= slot.span.bytes();
            *slot = shape;
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use bevy_ecs::prelude::Component;
    use sim::replicated::{Audience, Replicate, ReplicateApp, WireLists};
    use sim::roster::Roster;
    use sim::testing::TestScene;

    use super::super::changes::write_values;
    use super::*;

    /// Something to see that changes.
    #[derive(Component)]
    struct Glow(u8);

    impl Replicate for Glow {
        const NAME: &'static str = "glow";
        fn encode(&self, out: &mut Vec<u8>) {
            out.push(self.0);
        }
    }

    /// Every entity of a scene is written like one that nothing is kept of.
    fn assert_all_whole(scene: &TestScene, shapes: &mut Shapes, ids: &[SimId]) {
        let world = scene.scene.world();
        let (roster, lists) = (world.resource::<Roster>(), world.resource::<WireLists>());
        let (source, encoded) = (Source { world, roster, lists }, world.resource::<Encoded>());
        let shown = lists.mask_of(Audience::Viewers) | lists.mask_of(Audience::OnEnter);
        shapes.begin(scene.scene.tick_number(), roster.index_end(), shown);
        for &id in ids {
            let (mut kept, mut anew) = (Vec::new(), Vec::new());
            shapes.write(&mut kept, id, source, encoded);
            match roster.entity(id) {
                Some(entity) => write_values(&mut anew, world.entity(entity), lists, shown, put_varint),
                None => put_varint(&mut anew, 0),
            }
            assert_eq!(kept, anew, "{id} in tick {}", scene.scene.tick_number());
        }
    }

    #[test]
    fn what_is_kept_is_what_is_there() {
        let mut scene = TestScene::with_plugins(|app| {
            app.replicate::<Glow>().add_plugins(crate::plugin);
        });
        // Somebody watches.
        let (_task, end) = crate::mailbox::mailbox(crate::mailbox::SessionId::next());
        let character =
            sim::input::Character { name: "watcher".into(), class: "class/fighter".into(), parts: Vec::new() };
        let join = crate::sessions::Join { player: sim::ids::PlayerId(99), character, spawn_point: None };
        crate::sessions::attach(&mut scene.scene, join, end);
        scene.ticks(2);
        let mut ids: Vec<SimId> = (0..6_u8).map(|n| scene.monster_at("monster/rat", f32::from(n), 9.0)).collect();
        let mut shapes = Shapes::default();
        for round in 0..60_usize {
            scene.tick();
            let id = ids[round % ids.len()];
            match round % 5 {
                0 => scene.place(id, 3.0, f32::from(u8::try_from(round).unwrap_or(0))),
                1 | 2 => {
                    let entity = scene.entity(id);
                    let glow = Glow(u8::try_from(round).unwrap_or(0));
                    scene.scene.world_mut().entity_mut(entity).insert(glow);
                    scene.tick();
                }
                3 if round % 15 == 3 => {
                    let entity = scene.entity(id);
                    scene.scene.world_mut().despawn(entity);
                    let born = scene.monster_at("monster/rat", 5.0, 5.0);
                    ids[round % 6] = born;
                    scene.tick();
                }
                _ => {}
            }
            assert_all_whole(&scene, &mut shapes, &ids);
        }
        assert!(shapes.good_bytes > 0);
    }
}
