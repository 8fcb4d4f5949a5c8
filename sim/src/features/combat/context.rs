//! What a deed is, for modifiers that count only for some deeds: tags of its skill or effect, of its school, and of both
//! units. Asked only where one of the two has such a modifier.

use std::sync::Arc;

use super::{Context, EffectAction, EffectQueued, Origin, Resolver, Worth};
use crate::assets::{Assets, TagSet};
use crate::ids::SimId;

/// The tags of a deed.
#[must_use]
pub fn deed_tags(deed: &EffectQueued, assets: &Assets) -> TagSet {
    let own = match deed.origin {
        Origin::Skill(skill) => assets.skills.get(skill).map(|def| *def.tags.set()),
        Origin::Effect(effect) => assets.effects.get(effect).map(|def| *def.tags.set()),
        _ => None,
    };
    let school = match deed.what {
        EffectAction::Damage { school, .. } | EffectAction::Wound { school, .. } => assets.tags.closure(school.tag()),
        _ => TagSet::EMPTY,
    };
    own.unwrap_or_default().union(&school)
}

impl Resolver<'_, '_> {
    /// The deed with its source's numbers as they are for it; `None` when they do not depend on the deed.
    pub(super) fn in_context(&mut self, deed: &EffectQueued) -> Option<EffectQueued> {
        if deed.worth.qualified.is_empty() {
            return None;
        }
        let (own, target) = (self.granted(deed.source), self.granted(deed.target));
        let context = Context { deed: &deed_tags(deed, &self.assets.0), own: &own, target: &target };
        let attributes = deed.worth.qualified.all(&deed.worth.attributes, &context);
        Some(EffectQueued { worth: Worth { attributes, ..deed.worth.clone() }, ..deed.clone() })
    }

    /// The numbers of a deed's target as they are for it.
    pub(super) fn target_numbers(&mut self, deed: &EffectQueued) -> Option<Arc<[i32]>> {
        let target = self.patient(deed.target)?;
        let (attributes, own) = (target.attributes.clone(), target.tags.granted);
        if attributes.qualified().is_empty() {
            return Some(attributes.all().clone());
        }
        let source = self.granted(deed.source);
        let context = Context { deed: &deed_tags(deed, &self.assets.0), own: &own, target: &source };
        Some(attributes.qualified().all(attributes.all(), &context))
    }

    fn granted(&mut self, id: SimId) -> TagSet {
        self.patient(id).map_or(TagSet::EMPTY, |unit| unit.tags.granted)
    }
}
