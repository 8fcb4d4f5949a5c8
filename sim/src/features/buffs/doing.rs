//! What an actor does is a state, as what rests on it is: whoever casts has `state.casting`, whoever channels
//! `state.channelling` besides. Conditions, decisions and effects ask for these tags like for all others; clients are told
//! by the cast itself. Worked out where a cast has begun or ended: at the end of Act, so that what is resolved in the same
//! tick meets it, and in Resolve, for casts that blows and kicks have ended.

use bevy_ecs::prelude::*;

use super::totals::settle;
use super::{ActiveBuffs, Doing, Tags};
use crate::assets::{Assets, CastKind, TagId, TagSet};
use crate::features::skills::Casting;
use crate::scene::SceneAssets;

impl Doing {
    fn of(casting: &Casting) -> Self {
        match casting.0.as_ref().and_then(|cast| cast.def.cast.kind()) {
            None => Self::Nothing,
            Some(CastKind::Channel) => Self::Channelling,
            Some(CastKind::Cast | CastKind::Charge) => Self::Casting,
        }
    }

    pub(super) fn tags(self, assets: &Assets) -> TagSet {
        let casting = || assets.tags.closure(TagId::CASTING);
        match self {
            Self::Nothing => TagSet::EMPTY,
            Self::Casting => casting(),
            Self::Channelling => casting().union(&assets.tags.closure(TagId::CHANNELLING)),
        }
    }
}

/// Tags follow casts, and the effects that need such a tag wake and go to rest.
pub(super) fn follow_casts(
    assets: Res<SceneAssets>,
    mut casters: Query<(&Casting, &mut ActiveBuffs, &mut Tags), Changed<Casting>>,
) {
    for (casting, mut buffs, mut tags) in &mut casters {
        let doing = Doing::of(casting);
        if tags.doing == doing {
            continue;
        }
        tags.doing = doing;
        let working = |buffs: &ActiveBuffs| buffs.list.iter().filter(|buff| buff.working).count();
        let before = working(&buffs);
        settle(buffs.bypass_change_detection(), &mut tags, &assets.0);
        // One tag more wakes effects or none, one less sends some to rest or none: their number tells.
        if working(&buffs) != before {
            buffs.set_changed();
        }
    }
}
