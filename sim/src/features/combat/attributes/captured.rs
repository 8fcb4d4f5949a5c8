//! Conditional modifiers on their way to another scene: attributes and tags by their names, so that they mean the same with
//! other game data. What stands behind each modifier stays behind; the limits are those of the attribute where it arrives.

use std::sync::Arc;

use super::modifiers::{Change, ChangeSource, Condition};
use super::pipeline::Limits;
use super::{Conditional, Qualified};
use crate::assets::{Assets, ModifierOp, TagSet};
use crate::digest::{Digest, Digester};
use crate::wire::{Reader, put_prefixed, put_varint};

/// Most attributes, modifiers of one attribute and tags of one condition that are read back.
const MOST: u32 = 4_096;
/// What the ledger calls a modifier that was captured elsewhere.
const ELSEWHERE: ChangeSource = ChangeSource::Other("captured");

impl Qualified {
    /// Writes all of it: varint count, and for each attribute its name, the value it starts from and its modifiers.
    pub fn save(&self, assets: &Assets, out: &mut Vec<u8>) {
        let named = |own: &Conditional| assets.attributes.get(own.attribute).map(|def| def.id.clone());
        let list: Vec<(String, &Conditional)> =
            self.0.iter().flat_map(|list| list.iter()).filter_map(|own| Some((named(own)?, own))).collect();
        put_varint(out, u32::try_from(list.len()).unwrap_or(0));
        for (name, own) in list {
            put_prefixed(out, name.as_bytes());
            out.extend_from_slice(&own.start.cast_unsigned().to_le_bytes());
            put_varint(out, u32::try_from(own.changes.len()).unwrap_or(0));
            own.changes.iter().for_each(|change| save_change(change, assets, out));
        }
    }

    /// Reads it back; `None` for bytes that nobody wrote. What the game data does not know any more is left out.
    #[must_use]
    pub fn load(reader: &mut Reader<'_>, assets: &Assets) -> Option<Self> {
        let mut list = Vec::new();
        for _ in 0..reader.varint().filter(|&count| count <= MOST)? {
            let name = std::str::from_utf8(reader.prefixed()?).ok()?.strip_prefix("attribute/");
            let start = reader.u64()?.cast_signed();
            let count = reader.varint().filter(|&count| count <= MOST)?;
            let changes: Option<Vec<Option<Loaded>>> = (0..count).map(|_| load_change(reader, assets)).collect();
            let changes = changes?;
            let Some(attribute) = name.and_then(|name| assets.attributes.by_name(name)) else { continue };
            let Some(def) = assets.attributes.get(attribute) else { continue };
            let known = changes.into_iter().flatten().map(|(op, times, when)| {
                let when = when.map(Arc::new);
                Change { attribute, op, times, source: ELSEWHERE, when }
            });
            list.push(Conditional { attribute, start, limits: Limits::from(def), changes: known.collect() });
        }
        Some(Self::of(list))
    }
}

impl Digest for Qualified {
    fn digest(&self, digester: &mut Digester) {
        for own in self.0.iter().flat_map(|list| list.iter()) {
            digester.u32(own.attribute.index() as u32);
            digester.i64(own.start);
            own.changes.iter().for_each(|change| digester.i64(change.amount()));
        }
    }
}

type Loaded = (ModifierOp, u16, Option<Condition>);

fn save_change(change: &Change, assets: &Assets, out: &mut Vec<u8>) {
    out.push(match change.op {
        ModifierOp::Flat(_) => 0,
        ModifierOp::Increased(_) => 1,
        ModifierOp::More(_) => 2,
        ModifierOp::Override(_) => 3,
        ModifierOp::ClampMin(_) => 4,
        ModifierOp::ClampMax(_) => 5,
    });
    out.extend_from_slice(&change.op.amount().to_le_bytes());
    put_varint(out, u32::from(change.times));
    let Some(when) = &change.when else { return out.push(0) };
    out.push(1);
    for set in when.sets() {
        put_varint(out, u32::try_from(set.iter().count()).unwrap_or(0));
        set.iter().for_each(|tag| put_prefixed(out, assets.tags.name(tag).as_bytes()));
    }
}

/// Reads one modifier; the inner `None` is one whose condition cannot hold here, because there is no such tag.
#[allow(clippy::option_option, reason = "unreadable and unknown are two things")]
fn load_change(reader: &mut Reader<'_>, assets: &Assets) -> Option<Option<Loaded>> {
    let (kind, amount) = (reader.u8()?, reader.i32()?);
    let op = match kind {
        0 => ModifierOp::Flat(amount),
        1 => ModifierOp::Increased(amount),
        2 => ModifierOp::More(amount),
        3 => ModifierOp::Override(amount),
        4 => ModifierOp::ClampMin(amount),
        5 => ModifierOp::ClampMax(amount),
        _ => return None,
    };
    let times = u16::try_from(reader.varint()?).ok()?;
    if reader.u8()? == 0 {
        return Some(Some((op, times, None)));
    }
    let (mut sets, mut is_known) = ([TagSet::EMPTY; 3], true);
    for set in &mut sets {
        for _ in 0..reader.varint().filter(|&count| count <= MOST)? {
            let name = std::str::from_utf8(reader.prefixed()?).ok()?;
            match assets.tags.by_name(name) {
                Some(tag) => *set = set.union(&assets.tags.closure(tag)),
                None => is_known = false,
            }
        }
    }
    let [deed, own, target] = sets;
    Some(is_known.then(|| (op, times, Some(Condition::of(deed, own, target)))))
}
