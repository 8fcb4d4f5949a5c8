//! Classes that play themselves: for every class a monster record with its numbers and skills, made for the laboratory
//! alone. It decides by the tree that its class names; without one it tries its skills, the rarer the sooner. It never gives
//! up: a monster that is held too long goes home and is as new, a player is not.

use std::cmp::Reverse;
use std::fmt::Write;

use crate::assets::{Action, AiDef, Assets, ClassDef, Ref, SkillDef};

/// The file with all of them, below the monsters.
pub(super) const FILE: &str = "monsters/laboratory_champions.ron";

/// The id of the champion of a class.
pub(super) fn id_of(class: &str) -> String {
    format!("monster/champion.{}", class.split_once('/').map_or(class, |(_, name)| name))
}

/// Whether a monster was made of a class here.
pub(super) fn is_champion(assets: &Assets, monster: &str) -> bool {
    assets.classes.iter().any(|(_, class)| id_of(&class.id) == monster)
}

/// The records of all champions.
pub(super) fn records(assets: &Assets) -> String {
    let mut text = String::from("[\n");
    for (_, class) in assets.classes.iter() {
        // Writing to a string cannot fail, and plain maps and numbers can always be written.
        let _infallible = write_record(&mut text, class, assets);
    }
    text.push_str("]\n");
    text
}

fn write_record(text: &mut String, class: &ClassDef, assets: &Assets) -> std::fmt::Result {
    let mut skills: Vec<&SkillDef> = class.skills.iter().map(|skill| &assets.skills[skill.id()]).collect();
    skills.retain(|skill| !skill.actions().any(|action| matches!(action, Action::WorkDoor { .. })));
    skills.sort_by_key(|skill| Reverse((skill.cooldown_ticks(), skill.cast_ticks())));
    let skills: Vec<String> = skills.iter().map(|skill| format!("{:?}", skill.id)).collect();
    let attributes = ron::to_string(&class.attributes).map_err(|_| std::fmt::Error)?;
    writeln!(
        text,
        "(id: {:?}, name: {:?}, level: (1, 1), faction: \"players\", attributes: {attributes}, move: (profile: {:?}), \
         senses: (aggro_m: 50), leash: (radius_m: 200, timer_ms: 3600000, unreachable_ms: 3600000), ai: {:?}, skills: [{}], respawn_ms: 60000, corpse_ms: 10000),",
        id_of(&class.id),
        class.name,
        class.movement.name(),
        class.ai.as_ref().map_or(AiDef::DEFAULT, Ref::name),
        skills.join(", "),
    )
}
